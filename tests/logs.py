"""Listening to what the house logs."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from shipslog.store.logger import PROCESSORS


@contextmanager
def capture_logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines of every module while the block runs, as mappings with event and log_level; they go nowhere else."""
    capture, before = structlog.testing.LogCapture(), list(PROCESSORS)
    PROCESSORS[:] = [capture]
    try:
        yield capture.entries
    finally:
        PROCESSORS[:] = before
