"""Time, ids and randomness as the engine injects them, and moments as people write them (`-5m`, RFC 3339)."""
