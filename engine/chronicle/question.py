"""A question to a log, and its answer.

Tests: tests/engine/chronicle/test_history.py
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import msgspec

from .reader import Reader

Answer = AsyncIterator[Any]


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base. `asked` is its name in a path; `answer_type` the type of what its answer consists of."""

    asked: ClassVar[str]
    answer_type: ClassVar[type[Any]]
    show_secrets: bool = False

    def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        """Errors: NotFound, BadRequest. `now_ns`: what a moment counts back from; the log's end unless it is given."""
        raise AssertionError(f"{type(self).__name__} has no answer")
