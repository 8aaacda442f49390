"""The paths under /log: the ship's log itself, and what containers wrote."""
