"""One evaluation on its way: the values of variables and of loops, and the meter.

Tests: tests/engine/cel/test_program.py
"""

from collections.abc import Callable, Mapping
from typing import Any

from .values import CelError, Meter


class Frame(Meter):
    """One evaluation: the variables' values, those of loops, and the meter."""

    __slots__ = ("locals", "variables")

    def __init__(self, variables: Mapping[str, Any], depth: int, limit: int) -> None:
        super().__init__(limit)
        self.variables = variables
        self.locals: list[Any] = [None] * depth


class Failed:
    """What a loop accumulates where a step came to nothing: a later one may make up for it."""

    __slots__ = ("error",)

    def __init__(self, error: CelError) -> None:
        self.error = error


Run = Callable[[Frame], Any]
