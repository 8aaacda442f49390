"""How conmon is had to begin a new log.

Tests: tests/runtime/containers/test_contract.py
"""

import os
from pathlib import Path

from shipslog.runtime.containers.logs.rotation import renamed


def reopened(path: Path) -> bool:
    """Whether conmon goes on in a new file; the one before is `log.1` then."""
    try:
        descriptor = os.open(path.with_name("ctl"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # no conmon that reads
    try:
        renamed(path)
        os.write(descriptor, b"2 0 0\n")
    finally:
        os.close(descriptor)
    return True
