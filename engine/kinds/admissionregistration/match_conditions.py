"""Conditions in CEL by which a request is passed over: what they may name, and whether they compile.

Tests: tests/engine/webhooks/test_admission.py
"""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipslog.engine.cel.program import Program

LIMIT = 10_000_000 // 4  # units of all conditions of one webhook; RuntimeCELCostBudgetMatchConditions


class Wrong(ValueError):
    """An expression that is no condition; the message is Kubernetes'."""


@lru_cache(maxsize=1024)
def program(text: str) -> "Program":
    """A condition, compiled. Errors: Wrong."""
    from shipslog.engine.cel.program import CompileError  # with the first condition

    from .expressions import compiled, environment

    try:
        return compiled(text, environment(params=False), ("bool",))
    except CompileError as error:
        raise Wrong(str(error)) from error
