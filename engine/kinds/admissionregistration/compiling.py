"""What is wrong with the expressions of policies and of webhooks' conditions: each is compiled when it is written.

Source: pkg/apis/admissionregistration/validation of Kubernetes (validateValidation, validateVariable and their like).

Tests: tests/engine/policies/test_policies.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.engine.cel.program import CompileError
from shipslog.engine.cel.types import DYN, Type
from shipslog.engine.kinds.faults import Faults

from .expressions import compiled, environment, with_variables
from .policies import Expression

LONGEST = 64 * 1024  # characters of a policy's expressions together


def length_of(spec: Any) -> int:
    """How many characters the expressions of a policy have."""
    total = sum(len(one.expression) for one in (*spec.match_conditions, *spec.variables))
    for validation in getattr(spec, "validations", ()):
        total += len(validation.expression) + len(validation.message_expression)
    total += sum(len(annotation.value_expression) for annotation in getattr(spec, "audit_annotations", ()))
    for mutation in getattr(spec, "mutations", ()):
        total += sum(
            len(patch.expression) for patch in (mutation.apply_configuration, mutation.json_patch) if patch is not None
        )
    return total


def check_conditions(faults: Faults, conditions: Sequence[Any], path: str, *, params: bool = False) -> None:
    base = environment(params=params)
    for at, condition in enumerate(conditions):
        _check(faults, (f"{path}[{at}].expression", condition.expression, ("bool",)), base)


def check_policy(faults: Faults, spec: Any, expressions: Sequence[Expression], *, mutating: bool = False) -> None:
    """The expressions of a policy that is right otherwise."""
    length = length_of(spec)
    if length > LONGEST:
        faults.forbidden("spec", f"the expressions have {length} characters together, and may have {LONGEST}")
        return
    check_conditions(faults, spec.match_conditions, "spec.matchConditions", params=spec.param_kind is not None)
    base = environment(params=spec.param_kind is not None, made=mutating)
    types: dict[str, Type] = {}
    for at, variable in enumerate(spec.variables):
        path = f"spec.variables[{at}].expression"
        types[variable.name] = _check(faults, (path, variable.expression, ()), with_variables(base, types))
    full = with_variables(base, types)
    for expression in expressions:
        _check(faults, expression, full)


def _check(faults: Faults, expression: Expression, base: Any) -> Type:
    path, text, wanted = expression
    try:
        return compiled(text, base, wanted).type
    except CompileError as error:
        faults.invalid(path, text, str(error))
        return DYN
