"""Patterns of definitions and expressions, matched in linear time, as in Go: they and the texts are somebody else's.

Python's own `re` may take years for thirty characters; RE2 is the library whose syntax Kubernetes' patterns have.

Tests: tests/engine/kinds/custom/test_validation.py
"""

from functools import lru_cache
from typing import Any

PATTERN_BYTES = 10_000
MEMORY_BYTES = 1 << 20  # of one pattern, compiled
AT_A_STEP = 1_000  # instructions of a pattern times characters of a text


class BadPattern(ValueError):
    """A text that is no pattern."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """A pattern. Errors: BadPattern."""
    import re2  # with the first definition that has a pattern

    if len(pattern) > PATTERN_BYTES:
        raise BadPattern(f"it has {len(pattern)} characters, and at most {PATTERN_BYTES} are allowed")
    options = re2.Options()
    options.log_errors, options.max_mem = False, MEMORY_BYTES
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        why = error.args[0] if error.args else "it cannot be compiled"
        raise BadPattern(why.decode() if isinstance(why, bytes) else str(why)) from error


def steps(pattern: str, text: str) -> int:
    """How much it may take to look for a pattern in a text: linear in the text, but `(a|b)*a(a|b){900}` is long, compiled.
    Errors: BadPattern."""
    return _size(pattern) * len(text) // AT_A_STEP


@lru_cache(maxsize=1024)
def _size(pattern: str) -> int:
    """In instructions."""
    size: int = compiled(pattern).programsize
    return size


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found anywhere in a text. Errors: BadPattern."""
    return compiled(pattern).search(text.encode()) is not None  # of a text it would also be worked out where, in characters
