"""Listening to what the house logs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shipslog.store.logger import LISTENERS


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """The lines of every module while the block runs, as mappings with event and log_level; they go nowhere else."""
    lines: list[dict[str, Any]] = []
    before = list(LISTENERS)
    LISTENERS[:] = [lines.append]
    try:
        yield lines
    finally:
        LISTENERS[:] = before
