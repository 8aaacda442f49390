"""The release of Kubernetes whose API this is."""

MAJOR, MINOR = "1", "37"
GIT_VERSION = f"v{MAJOR}.{MINOR}.0+shipslog"
