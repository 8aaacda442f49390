"""The types of the API group-version coordination.v1beta1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import MicroTime, Object

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class LeaseCandidateSpec(Object, frozen=True, kw_only=True):
    lease_name: str = field(default_factory=str)
    ping_time: MicroTime = ""
    renew_time: MicroTime = ""
    binary_version: str = field(default_factory=str)
    emulation_version: str = ""
    strategy: str = ""

    __proto__: ClassVar[dict[str, int]] = {"binary_version": 4, "emulation_version": 5, "lease_name": 1, "ping_time": 2, "renew_time": 3, "strategy": 6}
    __required__: ClassVar[tuple[str, ...]] = ('binaryVersion', 'leaseName', 'strategy')


class LeaseCandidate(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "LeaseCandidate")
    api_version: str = field(default_factory=lambda: "coordination.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: LeaseCandidateSpec = field(default_factory=LeaseCandidateSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

