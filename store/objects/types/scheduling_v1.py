"""The types of the API group-version scheduling.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Object

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class PriorityClass(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PriorityClass")
    api_version: str = field(default_factory=lambda: "scheduling.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    value: Int32 = field(default_factory=int)
    global_default: bool = False
    description: str = ""
    preemption_policy: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"description": 4, "global_default": 3, "metadata": 1, "preemption_policy": 5, "value": 2}

