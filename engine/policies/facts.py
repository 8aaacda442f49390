"""What the expressions of one request are told: the object as JSON, the request, its namespace, who asks.

Tests: tests/engine/policies/test_policies.py
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipslog.engine.admission.matching import Asked, Place
from shipslog.engine.cel import values
from shipslog.engine.cel.program import PER_CALL_LIMIT, Outcome, Program
from shipslog.engine.cel.values import CelError, CostExceeded
from shipslog.engine.commit.outside import Asking
from shipslog.engine.time.long_work import TakesLong, on_loop
from shipslog.engine.webhooks.match_conditions import Decide, authorizers
from shipslog.engine.webhooks.reviews import request_of

BUDGET = 10_000_000  # units of all expressions of a policy for one request; celconfig.RuntimeCELCostBudget
SHORT_BUDGET = 20_000  # units on the loop; what costs more is worked out in a thread


class Budget:
    """What the expressions of one policy may still spend on one request."""

    def __init__(self) -> None:
        self._short = on_loop()
        self.left = SHORT_BUDGET if self._short else BUDGET

    def run(self, program: Program, variables: Mapping[str, Any]) -> Outcome:
        """Errors: TakesLong, on the loop alone; CostExceeded."""
        outcome = program.run(variables, min(PER_CALL_LIMIT, self.left))
        self.left -= outcome.cost
        if self._short and (outcome.exceeded or self.left <= 0):
            raise TakesLong
        if self.left < 0:
            raise CostExceeded
        return outcome


class Variables(Mapping[str, Any]):
    """The variables of a policy, each worked out when it is first asked for."""

    def __init__(self, programs: Sequence[tuple[str, Program]], activation: Mapping[str, Any], budget: Budget) -> None:
        self._programs, self._activation, self._budget = dict(programs), activation, budget
        self._known: dict[str, Outcome] = {}

    def __getitem__(self, name: str) -> Any:
        outcome = self._known.get(name)
        if outcome is None:
            outcome = self._known[name] = self._budget.run(self._programs[name], self._activation)
        if outcome.error is not None:
            raise CelError(f'composited variable "{name}" fails to evaluate: {outcome.error}')
        return outcome.value

    def __iter__(self) -> Iterator[str]:
        return iter(self._programs)

    def __len__(self) -> int:
        return len(self._programs)


def activation(asked: Asked, place: Place, asking: Asking, decide: Decide, new: bytes, old: bytes) -> dict[str, Any]:
    """Everything but parameters and variables. `new`, `old`: the objects' JSON as they are shown."""
    return {
        "object": msgspec.json.decode(new),
        "oldObject": msgspec.json.decode(old),
        "request": request_of(asked, place, asking),
        "namespaceObject": _namespace(asked, asking),
    } | authorizers(asked, asking, decide)


def _namespace(asked: Asked, asking: Asking) -> Any:
    """The namespace of a request as its expressions see it; null for what is in none."""
    entry = asking.view.entry("namespaces", asked.namespace) if asked.namespace else None
    if entry is None:
        return None
    shown = msgspec.json.decode(entry.encoded)
    meta = shown.get("metadata") or {}
    meta["UID"] = meta.pop("uid", "")
    for name in ("creationTimestamp", "deletionTimestamp"):
        if isinstance(text := meta.get(name), str):
            meta[name] = values.timestamp(text)
    return {"metadata": meta, "spec": shown.get("spec") or {}, "status": shown.get("status") or {}}
