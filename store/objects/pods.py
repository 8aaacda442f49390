"""What the API and every rule say of a pod in the same words: which phases are the end, which quality of service it has."""

from collections.abc import Mapping
from typing import Any, Final

from shipslog.store.objects.types.core_v1 import Container, PodSpec

from .values import quantity

TERMINAL: Final = ("Succeeded", "Failed")
"""The phases that a pod does not leave again."""

QOS_RESOURCES = ("cpu", "memory")

Amounts = dict[str, int]
"""Of resources, by name: CPU in thousandths, all else in whole units."""

NOTHING: Mapping[str, int] = {}


def qos_class(spec: PodSpec) -> str:
    """Guaranteed, Burstable or BestEffort, from the requests and limits of CPU and memory: the pod's own where it has some,
    else those of its containers, init containers among them (ephemeral ones have none).

    Source: Kubernetes' ComputePodQOS, KEP-2837."""
    if spec.resources is not None:
        asked = [(spec.resources.requests, spec.resources.limits)]
    else:
        asked = [(c.resources.requests, c.resources.limits) for c in (*spec.containers, *spec.init_containers)]
    requests = _sums([of for of, _ in asked])
    limits = _sums([of for _, of in asked])
    if not requests and not limits:
        return "BestEffort"
    limited = all(len(_amounts(of)) == len(QOS_RESOURCES) for _, of in asked)
    return "Guaranteed" if limited and requests == limits else "Burstable"


def _sums(several: list[Mapping[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for resources in several:
        for name, nanos in _amounts(resources).items():
            sums[name] = sums.get(name, 0) + nanos
    return sums


def _amounts(resources: Mapping[str, Any]) -> dict[str, int]:
    """In nano units; nothing for what is 0."""
    return {name: nanos for name in QOS_RESOURCES if (nanos := quantity.nanos(resources.get(name, 0))) > 0}


def requests_of(spec: PodSpec, missing: Mapping[str, int] = NOTHING) -> Amounts:
    """What a pod needs at most at one time: its containers together, or one init container with the sidecars before it; or
    what it asks for as a whole. `missing`: what a container counts for that asks for nothing."""
    total: Amounts = {}
    for container in spec.containers:
        _add(total, container, missing)
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            _add(sidecars, container, missing)
            _add(total, container, missing)
            continue
        alone = dict(sidecars)
        _add(alone, container, missing)
        for name, amount in alone.items():
            peak[name] = max(peak.get(name, 0), amount)
    for name, amount in peak.items():
        total[name] = max(total.get(name, 0), amount)
    if spec.resources is not None:
        for name, value in spec.resources.requests.items():
            total[name] = amount_of(name, value)
    for name, value in spec.overhead.items():
        total[name] = total.get(name, 0) + amount_of(name, value)
    return total


def _add(into: Amounts, container: Container, missing: Mapping[str, int]) -> None:
    asked: Mapping[str, Any] = container.resources.requests
    limits = container.resources.limits
    for name, value in limits.items():
        if name not in asked:
            into[name] = into.get(name, 0) + amount_of(name, value)
    for name, value in asked.items():
        into[name] = into.get(name, 0) + amount_of(name, value)
    for name, amount in missing.items():
        if name not in asked and name not in limits:
            into[name] = into.get(name, 0) + amount


def amount_of(name: str, value: Any) -> int:
    return quantity.milli(value) if name == "cpu" else quantity.value(value)


def shown(name: str, amount: int) -> str:
    """An amount as Kubernetes prints it."""
    return quantity.canonical(f"{amount}m") if name == "cpu" else quantity.in_bytes(amount)
