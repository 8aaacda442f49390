"""The types of the API group-version coordination.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, MicroTime, Object

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class LeaseSpec(Object, frozen=True, kw_only=True):
    holder_identity: str | None = None
    lease_duration_seconds: Int32 | None = None
    acquire_time: MicroTime = ""
    renew_time: MicroTime = ""
    lease_transitions: Int32 | None = None
    strategy: str | None = None
    preferred_holder: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"acquire_time": 3, "holder_identity": 1, "lease_duration_seconds": 2, "lease_transitions": 5, "preferred_holder": 7, "renew_time": 4, "strategy": 6}


class Lease(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Lease")
    api_version: str = field(default_factory=lambda: "coordination.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: LeaseSpec = field(default_factory=LeaseSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}

