"""Policies as they are run: their expressions compiled once for each form that a policy has had."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shipslog.engine.cel.program import CompileError, Program
from shipslog.engine.cel.values import CelError, CostExceeded
from shipslog.engine.kinds.admissionregistration.expressions import compiled, composed, environment

from .facts import Budget, Variables


class Failed(Exception):
    """An expression that came to nothing; the words are Kubernetes'."""


class Programs(Struct):
    """The expressions of a policy, by their text. `error`: why it cannot be run at all."""

    variables: list[tuple[str, Program]]
    conditions: list[tuple[str, Program]]
    by_text: dict[str, Program]
    error: str = ""

    def activation(self, facts: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """What expressions are told, with the variables."""
        known = dict(facts)
        known["variables"] = Variables(self.variables, known, budget)
        return known

    def match(self, known: Mapping[str, Any], budget: Budget) -> bool:
        """Whether all conditions hold; one that does not settles it, whatever became of others. Errors: Failed."""
        failures: list[str] = []
        for _, program in self.conditions:
            outcome = budget.run(program, known)
            if outcome.error is not None:
                failures.append(f"expression '{program.text}' resulted in error: {outcome.error}")
            elif outcome.value is not True:
                return False
        if failures:
            raise Failed("failed to evaluate match conditions: " + "; ".join(failures))
        return True

    def value(self, text: str, known: Mapping[str, Any], budget: Budget) -> Any:
        """What an expression comes to. Errors: Failed."""
        program = self.by_text[text]
        try:
            outcome = budget.run(program, known)
        except CostExceeded:
            raise Failed(
                "validation failed due to running out of cost budget, no further validation rules will be run"
            ) from None
        if outcome.error is not None:
            raise Failed(f"expression '{text}' resulted in error: {outcome.error}")
        return outcome.value


WANTED: dict[str, tuple[str, ...]] = {
    "validation": ("bool",),
    "message": ("string",),
    "audit": ("string", "null"),
    "ApplyConfiguration": ("Object",),
    "JSONPatch": ("list(JSONPatch)",),
}


def programs_of(spec: Any, expressions: list[tuple[str, str]]) -> Programs:
    """`expressions`: sort and text of each that the policy has besides its variables and conditions."""
    mutating = any(sort in ("ApplyConfiguration", "JSONPatch") for sort, _ in expressions)
    base = environment(params=spec.param_kind is not None, made=mutating)
    made = Programs([], [], {})
    try:
        made.conditions = [(c.name, compiled(c.expression, base, ("bool",))) for c in spec.match_conditions]
        made.variables, full = composed(spec.variables, base)
        for sort, text in expressions:
            made.by_text[text] = compiled(text, full, WANTED[sort])
    except (CompileError, CelError) as error:
        made.error = f"compilation error: {error}"
    return made
