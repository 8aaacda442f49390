"""Conditions of the form that all newer kinds share (meta/v1 Condition): what is wrong with them.

Source: pkg/apis/meta/v1/validation of apimachinery.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

import re
from collections.abc import Sequence

from shipslog.store.objects.types.meta_v1 import Condition

from . import names
from .faults import Faults

STATUSES = ("False", "True", "Unknown")
REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
REASON_WORDS = names.pattern_words(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or "
    "'_,:', and must end with an alphanumeric character or '_'",
    REASON, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB",
)  # fmt: skip
LONGEST_REASON, LONGEST_MESSAGE = 1024, 32 * 1024
is_reason = re.compile(REASON).fullmatch


def check_conditions(faults: Faults, conditions: Sequence[Condition], path: str) -> None:
    """Each type once, and each condition whole."""
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        if condition.type in seen:
            faults.duplicate(f"{path}[{i}].type", condition.type)
        seen.add(condition.type)
        check_condition(faults, condition, f"{path}[{i}]")


def check_condition(faults: Faults, condition: Condition, path: str) -> None:
    faults.invalid_each(f"{path}.type", condition.type, names.qualified(condition.type))
    if condition.status not in STATUSES:
        faults.not_supported(f"{path}.status", condition.status, STATUSES)
    if condition.observed_generation < 0:
        faults.invalid(f"{path}.observedGeneration", condition.observed_generation, "must be greater than or equal to zero")
    if not condition.last_transition_time:
        faults.required(f"{path}.lastTransitionTime", "must be set")
    if not condition.reason:
        faults.required(f"{path}.reason", "must be set")
    else:
        if not is_reason(condition.reason):
            faults.invalid(f"{path}.reason", condition.reason, REASON_WORDS)
        if len(condition.reason) > LONGEST_REASON:
            faults.too_long(f"{path}.reason", LONGEST_REASON)
    if len(condition.message) > LONGEST_MESSAGE:
        faults.too_long(f"{path}.message", LONGEST_MESSAGE)
