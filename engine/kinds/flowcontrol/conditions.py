"""Conditions of what divides the server's work: each type once.

Tests: tests/engine/kinds/flowcontrol/test_flows.py
"""

from collections.abc import Sequence

from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.flowcontrol_v1 import FlowSchemaCondition, PriorityLevelConfigurationCondition


def check_types(
    faults: Faults, conditions: Sequence[FlowSchemaCondition | PriorityLevelConfigurationCondition], path: str
) -> None:
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        if condition.type in seen:
            faults.duplicate(f"{path}[{i}].type", condition.type)
        seen.add(condition.type)
        if not condition.type:
            faults.required(f"{path}[{i}].type", "must not be empty")
