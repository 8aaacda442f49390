"""The release of Kubernetes whose API this is.

Tests: tests/engine/api/server_info/test_documents.py
"""

MAJOR, MINOR = "1", "37"
GIT_VERSION = f"v{MAJOR}.{MINOR}.0+shipslog"
