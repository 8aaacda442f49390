"""The kinds of batch: work that ends."""
