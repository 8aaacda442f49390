"""How much of a device there is, and how much of it may be asked for at a time.

Tests: tests/engine/kinds/resource/test_devices.py
"""

from collections.abc import Sequence

from shipslog.engine.kinds.faults import NOT_NEGATIVE, Faults
from shipslog.store.objects.types.resource_v1 import CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity
from shipslog.store.objects.values.quantity import NANO, nanos
from shipslog.store.objects.values.scalars import Quantity

MOST_VALUES, MILLI = 10, NANO // 1000


def check_capacity(faults: Faults, capacity: DeviceCapacity, path: str, *, shared: bool) -> None:
    """`shared`: whether several claims may have a part of the device each."""
    policy = capacity.request_policy
    if policy is None:
        return
    if not shared:
        faults.forbidden(f"{path}.requestPolicy", "allowMultipleAllocations must be true")
    else:
        _check_policy(faults, policy, capacity.value, f"{path}.requestPolicy")


def _check_policy(faults: Faults, policy: CapacityRequestPolicy, capacity: Quantity, path: str) -> None:
    if policy.valid_values and policy.valid_range is not None:
        words = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        faults.forbidden(path, words)
    elif policy.valid_values:
        if policy.default is None:
            faults.required(f"{path}.default", "required when validValues is defined")
        else:
            _check_values(faults, policy.valid_values, policy.default, capacity, f"{path}.validValues")
    elif policy.valid_range is not None:
        if policy.default is None:
            faults.required(f"{path}.default", "required when validRange is defined")
        else:
            _check_range(faults, policy.valid_range, policy.default, capacity, f"{path}.validRange")


def _check_values(faults: Faults, values: Sequence[Quantity], default: Quantity, capacity: Quantity, path: str) -> None:
    amounts = [nanos(value) for value in values]
    for i in range(1, len(amounts)):
        if amounts[i] < amounts[i - 1]:
            faults.invalid(f"{path}[{i}]", str(values[i]), "values must be sorted in ascending order")
    if len(values) > MOST_VALUES:
        faults.too_many(path, len(values), MOST_VALUES)
        return
    for i, amount in enumerate(amounts):
        if amount > nanos(capacity):
            faults.invalid(f"{path}[{i}]", str(values[i]), f"option is larger than capacity value: {capacity}")
        if amount in amounts[:i]:
            faults.duplicate(f"{path}[{i}]", str(values[i]))
    if nanos(default) not in amounts:
        faults.invalid(path, str(default), "default value is not valid according to the requestPolicy")


def _check_range(faults: Faults, within: CapacityRequestPolicyRange, default: Quantity, capacity: Quantity, path: str) -> None:
    """A default between the least and the most, and all a number of steps from the least."""
    if within.min is None:
        faults.required(f"{path}.min", "required when validRange is defined")
        return
    least, usual, most = nanos(within.min), nanos(default), None if within.max is None else nanos(within.max)
    if least > nanos(capacity):
        faults.invalid(f"{path}.min", str(within.min), f"min is larger than capacity value: {capacity}")
    if usual < least:
        faults.invalid(f"{path}.default", str(default), f"default is less than min: {within.min}")
    if most is not None:
        if least > most:
            faults.invalid(f"{path}.max", str(within.min), f"min is larger than max: {within.max}")
        if most > nanos(capacity):
            faults.invalid(f"{path}.max", str(within.max), f"max is larger than capacity value: {capacity}")
        if usual > most:
            faults.invalid(f"{path}.default", str(default), f"default is more than max: {within.max}")
    if within.step is not None:
        _check_step(faults, within, default, capacity, path)


def _check_step(faults: Faults, within: CapacityRequestPolicyRange, default: Quantity, capacity: Quantity, path: str) -> None:
    assert within.min is not None and within.step is not None
    least, step = nanos(within.min), nanos(within.step)
    given = {"default": default, "min": within.min, "max": within.max, "step": within.step}
    amounts = {name: nanos(value) for name, value in given.items() if value is not None}
    if any(amount % MILLI for amount in amounts.values()):
        for name, amount in amounts.items():
            if amount % MILLI:
                faults.invalid(f"{path}.{name}", str(given[name]), "value cannot be represented as a milli value")
        return
    if step <= 0:
        faults.invalid(f"{path}.step", str(within.step), "must be greater than zero")
        return
    if least + step > nanos(capacity):
        faults.invalid(f"{path}.step", str(within.step), f"one step is larger than capacity value: {capacity}")
    negative = [name for name, amount in amounts.items() if amount < 0]
    for name in negative:
        faults.invalid(f"{path}.{name}", str(given[name]), NOT_NEGATIVE)
    for name in ("default", "max"):
        if not negative and name in amounts and (amounts[name] - least) % step:
            words = f"value is not a multiple of a given step ({within.step}) from ({within.min})"
            faults.invalid(f"{path}.step", str(given[name]), words)
