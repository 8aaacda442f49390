"""What was found out about a short text is remembered, about a long one not: no memo grows with what clients send.

Tests: tests/engine/api/request/test_heads.py
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
LONGEST = 512  # characters of the arguments together


def remembered(entries: int, longest: int = LONGEST) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """For a pure function of texts: it keeps at most `entries` answers, each for at most `longest` characters. What else it is
    given goes by keyword, and is not counted."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        kept: Callable[..., R] = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def answer(*args: P.args, **kwargs: P.kwargs) -> R:
            length: int = sum(map(len, args))  # type: ignore[arg-type]  # texts
            return kept(*args, **kwargs) if length <= longest else function(*args, **kwargs)

        return answer

    return decorate
