"""What validating policies say of a request: denials, warnings, notes for the log.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating (dispatcher, validator), by its behaviour and its words.
"""

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from shipslog.engine.cel.values import CostExceeded
from shipslog.store.refusals import Cause, Refusal

from .bound import Bound
from .facts import Budget
from .programs import Failed, Programs, programs_of

CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}
LONGEST = 5 * 1024  # characters of a message that an expression makes
MOST_NOTED = 10 * 1024  # characters of an annotation


class Finding(Struct, frozen=True):
    """One thing that a policy has to say against a request. `at`: which of its validations."""

    message: str
    reason: str = "Invalid"
    at: int = 0


class Verdict(Struct):
    """What one binding of a policy says. `notes`: for the log, by their keys."""

    findings: list[Finding]
    notes: dict[str, str]


class Denied(Refusal):
    """A policy said no."""

    def __init__(self, message: str, reason: str, group: str, kind: str, name: str, cause: str) -> None:
        super().__init__(message, name=name, group=group, kind=kind, causes=(Cause("", cause, ""),))
        self.code, self.reason = CODES.get(reason, 422), reason


def compiled(policy: Any) -> Programs:
    spec = policy.spec
    expressions = [("validation", v.expression) for v in spec.validations]
    expressions += [("message", v.message_expression) for v in spec.validations if v.message_expression.strip()]
    expressions += [("audit", a.value_expression) for a in spec.audit_annotations]
    return programs_of(spec, expressions)


def judged(one: Bound, programs: Programs, params: Sequence[Any], facts: dict[str, Any]) -> Verdict:
    """What a policy says of a request, for each of its parameters. A function of its arguments. Errors: TakesLong."""
    spec, made = one.policy.spec, Verdict([], {})
    fails = spec.failure_policy != "Ignore"
    if programs.error:
        if fails:
            made.findings.append(Finding(programs.error))
        return made
    for param in params:
        budget = Budget()
        known = programs.activation({**facts, "params": param}, budget)
        try:
            if not programs.match(known, budget):
                continue
        except (Failed, CostExceeded) as failure:
            if fails:
                made.findings.append(Finding(str(failure)))
            continue
        _validated(one.policy, programs, known, budget, fails, made)
        _noted(one.policy, programs, known, budget, fails, made)
    return made


def _validated(policy: Any, programs: Programs, known: Any, budget: Budget, fails: bool, made: Verdict) -> None:
    for at, validation in enumerate(policy.spec.validations):
        try:
            if programs.value(validation.expression, known, budget) is True:
                continue
        except Failed as failure:
            if fails:
                made.findings.append(Finding(str(failure), "Invalid", at))
            continue
        message = _message(validation, programs, known, budget)
        made.findings.append(Finding(message, validation.reason or "Invalid", at))


def _message(validation: Any, programs: Programs, known: Any, budget: Budget) -> str:
    if validation.message_expression.strip():
        try:
            found = programs.value(validation.message_expression, known, budget)
        except Failed:
            found = ""
        text = found.strip() if isinstance(found, str) else ""
        if text and "\n" not in text and len(text) <= LONGEST:
            return text
    return validation.message.strip() or f"failed expression: {validation.expression.strip()}"


def _noted(policy: Any, programs: Programs, known: Any, budget: Budget, fails: bool, made: Verdict) -> None:
    for annotation in policy.spec.audit_annotations:
        key = f"{policy.metadata.name}/{annotation.key}"
        try:
            value = programs.value(annotation.value_expression, known, budget)
        except Failed as failure:
            if fails:
                made.findings.append(Finding(str(failure)))
            continue
        if isinstance(value, str) and (text := value.strip()):
            held = made.notes.get(key)
            if held is None or text not in held.split(", "):
                made.notes[key] = (text if held is None else f"{held}, {text}")[:MOST_NOTED]


def failure_note(one: Bound, finding: Finding) -> str:
    """What is noted on the log of a request that is let through although a policy has something against it."""
    document = {
        "message": finding.message,
        "policy": one.policy.metadata.name,
        "binding": one.binding.metadata.name,
        "expressionIndex": finding.at,
        "validationActions": list(one.binding.spec.validation_actions),
    }
    return json.dumps(document, separators=(",", ":"))
