"""The types of the API group-version scheduling.v1alpha3 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Object


class TopologyConstraint(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"key": 1}
    __required__: ClassVar[tuple[str, ...]] = ('key',)


class WorkloadPodGroupAllDisruptionMode(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class WorkloadPodGroupBasicSchedulingPolicy(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class WorkloadPodGroupSingleDisruptionMode(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class WorkloadPodGroupDisruptionMode(Object, frozen=True, kw_only=True):
    single: WorkloadPodGroupSingleDisruptionMode | None = None
    all: WorkloadPodGroupAllDisruptionMode | None = None

    __proto__: ClassVar[dict[str, int]] = {"all": 2, "single": 1}


class WorkloadPodGroupGangSchedulingPolicy(Object, frozen=True, kw_only=True):
    min_count: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"min_count": 1}


class WorkloadPodGroupResourceClaim(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "resource_claim_name": 2, "resource_claim_template_name": 3}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class WorkloadPodGroupSchedulingConstraints(Object, frozen=True, kw_only=True):
    topology: tuple[TopologyConstraint, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"topology": 1}


class WorkloadPodGroupSchedulingPolicy(Object, frozen=True, kw_only=True):
    basic: WorkloadPodGroupBasicSchedulingPolicy | None = None
    gang: WorkloadPodGroupGangSchedulingPolicy | None = None

    __proto__: ClassVar[dict[str, int]] = {"basic": 1, "gang": 2}

