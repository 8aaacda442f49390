"""What the API and every rule say of a pod in the same words: which phases are the end, which quality of service it has."""

from collections.abc import Mapping
from typing import Any, Final

from . import quantity
from .core_v1 import PodSpec

TERMINAL: Final = ("Succeeded", "Failed")
"""The phases that a pod does not leave again."""

QOS_RESOURCES = ("cpu", "memory")


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
