"""Kill -9 at chosen points: before each kind of write, sync, truncation and rename that a writer of the log makes, and before
calls of an adapter. `python -m tests.crash --kills 1000` for a longer run.
"""
