"""Rules by which devices are tainted from outside: no new claims on them, or none at all.

Tests: tests/engine/kinds/resource/test_devices.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, age
from shipslog.engine.kinds.conditions import check_conditions
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.resource_v1 import DeviceTaintRule
from shipslog.store.objects.values.times import api_time

from .devices import check_driver, check_label, check_pool, check_taint

MOST_CONDITIONS = 8


class DeviceTaintRuleRules(WithSpec):
    about = "Taints the devices that it selects: no new claims on them, or none at all."
    columns = (NAME, AGE)

    def cells(self, obj: DeviceTaintRule, now_ns: int) -> list[Any]:
        return [obj.metadata.name, age(obj.metadata.creation_timestamp, now_ns)]

    def create(self, kind: Kind, obj: DeviceTaintRule, ctx: Admission) -> DeviceTaintRule:
        made: DeviceTaintRule = super().create(kind, obj, ctx)
        return _dated(made, ctx)

    def update(
        self, kind: Kind, old: DeviceTaintRule, new: DeviceTaintRule, subresource: str, ctx: Admission
    ) -> DeviceTaintRule:
        made: DeviceTaintRule = super().update(kind, old, _dated(new, ctx), subresource, ctx)
        return made

    def check(self, faults: Faults, obj: DeviceTaintRule) -> None:
        chosen = obj.spec.device_selector
        if chosen is not None:
            path = "spec.deviceSelector"
            if chosen.driver is not None:
                check_driver(faults, chosen.driver, f"{path}.driver")
            if chosen.pool is not None:
                check_pool(faults, chosen.pool, f"{path}.pool")
            if chosen.device is not None:
                check_label(faults, chosen.device, f"{path}.device")
        check_taint(faults, obj.spec.taint, "spec.taint")

    def check_status(self, faults: Faults, old: DeviceTaintRule, new: DeviceTaintRule) -> None:
        check_conditions(faults, new.status.conditions, "status.conditions")
        if len(new.status.conditions) > MOST_CONDITIONS:
            faults.too_many("status.conditions", len(new.status.conditions), MOST_CONDITIONS)


def _dated(rule: DeviceTaintRule, ctx: Admission) -> DeviceTaintRule:
    """A taint says since when it is there."""
    taint = rule.spec.taint
    if taint.time_added:
        return rule
    return replace(rule, spec=replace(rule.spec, taint=replace(taint, time_added=api_time(ctx.now_ns))))


STRATEGY = DeviceTaintRuleRules()
