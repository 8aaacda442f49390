"""Time, ids and randomness as the engine injects them, and threads for work that takes long."""
