"""How much of what containers write is kept.

Tests: tests/runtime/containers/logs/test_kept.py
"""

from msgspec import Struct


class LogLimits(Struct, frozen=True):
    """Of one container: a file that is larger begins anew, and so many are kept with the newest. Of all that are gone: so long,
    and so many bytes together."""

    max_bytes: int = 10 << 20
    max_files: int = 5
    kept_for_s: float = 7 * 86_400.0
    kept_bytes: int = 1 << 30


LIMITS = LogLimits()
