"""What all kinds about devices share: the names of drivers, pools and attributes, taints, settings of drivers, conditions."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.storage.csi_driver import check_driver_name as check_driver
from shipslog.store.objects.types.resource_v1 import DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration

Item = TypeVar("Item")
LONGEST_POOL, LONGEST_ID, LONGEST_EXPRESSION, LONGEST_PARAMETERS = 253, 32, 10 * 1024, 10 * 1024
MOST_SELECTORS, MOST_CONDITIONS = 32, 4
EFFECTS, OPERATORS = ("NoExecute", "NoSchedule", "None"), ("Equal", "Exists")
IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
IDENTIFIER_WORDS = names.pattern_words(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    IDENTIFIER,
    "my_name",
    "MY_NAME",
    "MyName",
)
UID_WORDS = (
    "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters"
)
OMITTED = "<value omitted>"
is_identifier = re.compile(IDENTIFIER).fullmatch
is_uid = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

__all__ = ["check_driver"]


def check_each(faults: Faults, items: Sequence[Item], most: int, path: str, check: Callable[[Faults, Item, str], None]) -> bool:
    """Each item of a list that has so many at most; whether it has. Of one that has more, nothing else is looked at."""
    if len(items) > most:
        faults.too_many(path, len(items), most)
        return False
    for i, item in enumerate(items):
        check(faults, item, f"{path}[{i}]")
    return True


def check_set(
    faults: Faults,
    items: Sequence[Item],
    most: int,
    path: str,
    check: Callable[[Faults, Item, str], None],
    key: Callable[[Item], Any],
) -> None:
    """The same of a list whose items have keys of their own."""
    if not check_each(faults, items, most, path, check):
        return
    seen: set[Any] = set()
    for i, item in enumerate(items):
        if key(item) in seen:
            faults.duplicate(f"{path}[{i}]", key(item))
        seen.add(key(item))


def check_label(faults: Faults, name: str, path: str) -> None:
    """The name of a device, a request, a counter."""
    faults.invalid_each(path, name, names.label(name))


def check_pool(faults: Faults, name: str, path: str) -> None:
    """Subdomains between slashes."""
    if not name:
        faults.required(path)
        return
    if len(name) > LONGEST_POOL:
        faults.too_long(path, LONGEST_POOL)
    for part in name.split("/"):
        faults.invalid_each(path, part, names.subdomain(part))


def check_qualified(faults: Faults, name: str, path: str, *, whole: bool = False) -> None:
    """An identifier, behind a driver's domain or (unless it must be `whole`) alone."""
    domain, slash, own = name.partition("/")
    if "/" in own:
        faults.invalid(path, name, "must not contain more than one slash")
    elif not slash:
        _check_identifier(faults, name, path)
    else:
        if not domain:
            faults.invalid(path, "", "the domain must not be empty")
        else:
            check_driver(faults, domain, path)
        if not own:
            faults.invalid(path, "", "the name must not be empty")
        else:
            _check_identifier(faults, own, path)
    if whole and not slash:
        faults.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash")


def _check_identifier(faults: Faults, name: str, path: str) -> None:
    if len(name) > LONGEST_ID:
        faults.too_long(path, LONGEST_ID)
    if not is_identifier(name):
        faults.invalid(path, name, IDENTIFIER_WORDS)


def check_share(faults: Faults, uid: str | None, path: str) -> None:
    if uid is not None and not is_uid(uid):
        faults.invalid(path, uid, UID_WORDS)


def check_selectors(faults: Faults, selectors: Sequence[DeviceSelector], path: str) -> None:
    check_each(faults, selectors, MOST_SELECTORS, path, _check_selector)


def _check_selector(faults: Faults, selector: DeviceSelector, path: str) -> None:
    if selector.cel is None:
        faults.required(f"{path}.cel")
    elif len(selector.cel.expression) > LONGEST_EXPRESSION:
        faults.too_long(f"{path}.cel.expression", LONGEST_EXPRESSION)
    elif not selector.cel.expression.strip():
        faults.required(f"{path}.cel.expression")
    else:
        from .selectors import check_expression  # with all that expressions need, when the first comes

        check_expression(faults, selector.cel.expression, f"{path}.cel.expression")


def check_taint(faults: Faults, taint: DeviceTaint, path: str) -> None:
    faults.invalid_each(f"{path}.key", taint.key, names.qualified(taint.key))
    if taint.value:
        faults.invalid_each(f"{path}.value", taint.value, names.label_value(taint.value))
    if not taint.effect:
        faults.required(f"{path}.effect")
    elif taint.effect not in EFFECTS:
        faults.not_supported(f"{path}.effect", taint.effect, EFFECTS)


def check_toleration(faults: Faults, toleration: DeviceToleration, path: str) -> None:
    if toleration.key:
        faults.invalid_each(f"{path}.key", toleration.key, names.qualified(toleration.key))
    if toleration.operator == "Exists":
        if toleration.value:
            faults.invalid(f"{path}.value", toleration.value, "must be empty for operator `Exists`")
    elif toleration.operator == "Equal":
        faults.invalid_each(f"{path}.value", toleration.value, names.label_value(toleration.value))
    elif not toleration.operator:
        faults.required(f"{path}.operator")
    else:
        faults.not_supported(f"{path}.operator", toleration.operator, OPERATORS)
    if toleration.effect and toleration.effect not in EFFECTS:
        faults.not_supported(f"{path}.effect", toleration.effect, EFFECTS)


def check_opaque(faults: Faults, opaque: OpaqueDeviceConfiguration | None, path: str) -> None:
    """Settings that only their driver knows."""
    if opaque is None:
        faults.required(path)
        return
    check_driver(faults, opaque.driver, f"{path}.driver")
    check_json(faults, opaque.parameters, f"{path}.parameters", LONGEST_PARAMETERS)


def check_json(faults: Faults, value: Any, path: str, longest: int) -> None:
    """An object of any form that is not too long as JSON."""
    if value is None:
        faults.required(path)
    elif not isinstance(value, Mapping):
        faults.invalid(path, OMITTED, "must be a valid JSON object")
    elif len(msgspec.json.encode(value)) > longest:
        faults.too_long(path, longest)


def check_binding_conditions(faults: Faults, good: Sequence[str], bad: Sequence[str], path: str) -> None:
    """Conditions that a device must have before a pod is bound, and those by which it never will be."""
    for field, conditions in (("bindingConditions", good), ("bindingFailureConditions", bad)):
        check_each(faults, conditions, MOST_CONDITIONS, f"{path}.{field}", _check_condition_name)
    for i, condition in enumerate(good):
        if condition in good[:i]:
            faults.duplicate(f"{path}.bindingConditions[{i}]", condition)
    for i, condition in enumerate(bad):
        at = f"{path}.bindingFailureConditions[{i}]"
        if condition in bad[:i]:
            faults.duplicate(at, condition)
        if condition in good:
            faults.invalid(at, condition, "bindingFailureConditions must not overlap with bindingConditions")
    if bad and not good:
        words = "bindingConditions are required to use bindingFailureConditions"
        faults.invalid(f"{path}.bindingConditions", good, words)
    if good and not bad:
        words = "bindingFailureConditions are required to use bindingConditions"
        faults.invalid(f"{path}.bindingFailureConditions", bad, words)


def _check_condition_name(faults: Faults, name: str, path: str) -> None:
    faults.invalid_each(path, name, names.qualified(name))


def check_skipped(faults: Faults, operations: Sequence[str], path: str) -> None:
    """What of a claim's preparation on a node a driver does not want to be asked for."""
    known = ("*", "NodePrepareResources", "NodeUnprepareResources")
    for i, operation in enumerate(operations):
        if operation not in known:
            faults.not_supported(f"{path}[{i}]", operation, known)
        if operation in operations[:i]:
            faults.duplicate(f"{path}[{i}]", operation)
    if "NodePrepareResources" in operations and not {"*", "NodeUnprepareResources"} & set(operations):
        words = "NodePrepareResources cannot be skipped unless NodeUnprepareResources is also skipped"
        faults.invalid(path, operations, words)
