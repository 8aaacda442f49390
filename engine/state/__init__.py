"""What is known at one revision, folded from the log: objects with their indexes, what runs, and snapshots of both.

Nothing here writes, waits, or knows who asks.
"""
