"""What a node, its pods and their containers use: read from the kernel, kept for two minutes. Nothing is decided here."""
