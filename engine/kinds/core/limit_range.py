"""Limit ranges: how much each pod, container or claim of a namespace may ask for, and what it gets when it does not.

Tests: tests/engine/kinds/core/test_limits.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks.resources import check_amount, check_container_resource_name
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.core_v1 import LimitRange, LimitRangeItem
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.scalars import Quantity

TYPES = ("Container", "PersistentVolumeClaim", "Pod")
# Which is at most which; where it is said, which of all is shown, and the words.
ORDER = (
    ("min", "max", "min", "min", "min value {least} is greater than max value {most}"),
    (
        "min",
        "defaultRequest",
        "defaultRequest",
        "defaultRequest",
        "min value {least} is greater than default request value {most}",
    ),
    (
        "defaultRequest",
        "max",
        "defaultRequest",
        "defaultRequest",
        "default request value {least} is greater than max value {most}",
    ),
    (
        "defaultRequest",
        "default",
        "defaultRequest",
        "defaultRequest",
        "default request value {least} is greater than default limit value {most}",
    ),
    ("min", "default", "default", "min", "min value {least} is greater than default value {most}"),
    ("default", "max", "default", "max", "default value {least} is greater than max value {most}"),
)


class LimitRangeRules(Strategy):
    about = "How much each pod, container or claim of a namespace may ask for, and what it gets when it does not."
    columns = (NAME, Column("Created At", "When the API server created the object.", "date"))

    def default(self, obj: LimitRange) -> LimitRange:
        limits = tuple(_default_item(item) for item in obj.spec.limits)
        return replace(obj, spec=replace(obj.spec, limits=limits))

    def cells(self, obj: LimitRange, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.metadata.creation_timestamp or None]

    def check(self, faults: Faults, obj: LimitRange) -> None:
        seen: set[str] = set()
        for i, item in enumerate(obj.spec.limits):
            path = f"spec.limits[{i}]"
            faults.invalid_each(f"{path}.type", item.type, names.qualified(item.type))
            if "/" not in item.type and item.type not in TYPES:
                faults.invalid(f"{path}.type", item.type, "must be a standard limit type or fully qualified")
            if item.type in seen:
                faults.duplicate(f"{path}.type", item.type)
            seen.add(item.type)
            _check_item(faults, item, path)


def _default_item(item: LimitRangeItem) -> LimitRangeItem:
    """Of a container: what it may use is at most what it can have, and what it asks for is what it may use."""
    if item.type != "Container":
        return item
    most = {**item.max, **item.default}
    asked = {**item.min, **most, **item.default_request}
    return replace(item, default=most, default_request=asked)


def _check_item(faults: Faults, item: LimitRangeItem, path: str) -> None:
    parts: dict[str, Mapping[str, Quantity]] = {"max": item.max, "min": item.min}
    if item.type == "Pod":
        for field, value in (("default", item.default), ("defaultRequest", item.default_request)):
            if value:
                faults.forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'")
    else:
        parts |= {"default": item.default, "defaultRequest": item.default_request}
    parts["maxLimitRequestRatio"] = item.max_limit_request_ratio
    if item.type == "PersistentVolumeClaim" and "storage" not in item.min and "storage" not in item.max:
        faults.required(f"{path}.limits", "either minimum or maximum storage value is required, but neither was provided")
    for field, amounts in parts.items():
        for resource, amount in amounts.items():
            at = f"{path}.{field}[{resource}]"
            if item.type in ("Pod", "Container"):
                check_container_resource_name(faults, resource, at)
            else:
                faults.invalid_each(at, resource, names.qualified(resource))
            check_amount(faults, resource, amount, at)
    for name in sorted({name for amounts in parts.values() for name in amounts}):
        for low, high, where, named, words in ORDER:
            if name in parts.get(low, ()) and name in parts.get(high, ()):
                least, most = parts[low][name], parts[high][name]
                if quantity.milli(str(least)) > quantity.milli(str(most)):
                    shown = str(parts[named][name])
                    faults.invalid(f"{path}.{where}[{name}]", shown, words.format(least=least, most=most))
        if name in item.max_limit_request_ratio:
            _check_ratio(faults, item, name, f"{path}.maxLimitRequestRatio[{name}]")


def _check_ratio(faults: Faults, item: LimitRangeItem, name: str, path: str) -> None:
    """What may be used is no more than so many times what is asked for."""
    value = str(item.max_limit_request_ratio[name])
    ratio = quantity.milli(value) / 1000
    if ratio < 1:
        faults.invalid(path, value, f"ratio {value} is less than 1")
    least, most = (quantity.milli(str(amounts.get(name, "0"))) for amounts in (item.min, item.max))
    if least and most and ratio > most / least:
        faults.invalid(path, value, f"ratio {value} is greater than max/min = {most / least:f}")


STRATEGY = LimitRangeRules()
