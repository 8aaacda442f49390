"""The types of the API group-version scheduling.v1beta1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, Any, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Nullable, Object, merge, nothing, null_list, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class AllCompositeDisruptionMode(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class AllDisruptionMode(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class BasicSchedulingPolicy(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class CompositeBasicSchedulingPolicy(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class SingleCompositeDisruptionMode(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class CompositeDisruptionMode(Object, frozen=True, kw_only=True):
    single: SingleCompositeDisruptionMode | None = None
    all: AllCompositeDisruptionMode | None = None

    __proto__: ClassVar[dict[str, int]] = {"all": 2, "single": 1}


class CompositeGangSchedulingPolicy(Object, frozen=True, kw_only=True):
    min_group_count: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"min_group_count": 1}
    __required__: ClassVar[tuple[str, ...]] = ('minGroupCount',)


class TopologyConstraint(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"key": 1}
    __required__: ClassVar[tuple[str, ...]] = ('key',)


class CompositePodGroupSchedulingConstraints(Object, frozen=True, kw_only=True):
    topology: tuple[TopologyConstraint, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"topology": 1}


class CompositePodGroupSchedulingPolicy(Object, frozen=True, kw_only=True):
    basic: CompositeBasicSchedulingPolicy | None = None
    gang: CompositeGangSchedulingPolicy | None = None

    __proto__: ClassVar[dict[str, int]] = {"basic": 1, "gang": 2}


class SingleDisruptionMode(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class DisruptionMode(Object, frozen=True, kw_only=True):
    single: SingleDisruptionMode | None = None
    all: AllDisruptionMode | None = None

    __proto__: ClassVar[dict[str, int]] = {"all": 2, "single": 1}


class PodGroupResourceClaim(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "resource_claim_name": 2, "resource_claim_template_name": 3}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodGroupSchedulingConstraints(Object, frozen=True, kw_only=True):
    topology: tuple[TopologyConstraint, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"topology": 1}


class GangSchedulingPolicy(Object, frozen=True, kw_only=True):
    min_count: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"min_count": 1}
    __required__: ClassVar[tuple[str, ...]] = ('minCount',)


class PodGroupSchedulingPolicy(Object, frozen=True, kw_only=True):
    basic: BasicSchedulingPolicy | None = None
    gang: GangSchedulingPolicy | None = None

    __proto__: ClassVar[dict[str, int]] = {"basic": 1, "gang": 2}


class PodGroupTemplate(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    scheduling_policy: PodGroupSchedulingPolicy = field(default_factory=PodGroupSchedulingPolicy)
    scheduling_constraints: PodGroupSchedulingConstraints | None = field(default_factory=nothing)
    resource_claims: Annotated[tuple[PodGroupResourceClaim, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge,retainKeys')] = ()
    disruption_mode: DisruptionMode | None = None
    priority_class_name: str = ""
    priority: Int32 | None = None
    preemption_policy: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"disruption_mode": 5, "name": 1, "preemption_policy": 8, "priority": 7, "priority_class_name": 6, "resource_claims": 4, "scheduling_constraints": 3, "scheduling_policy": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'schedulingPolicy')


class CompositePodGroupTemplate(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    scheduling_policy: CompositePodGroupSchedulingPolicy = field(default_factory=CompositePodGroupSchedulingPolicy)
    scheduling_constraints: CompositePodGroupSchedulingConstraints | None = None
    disruption_mode: CompositeDisruptionMode | None = None
    priority_class_name: str = ""
    priority: Int32 | None = None
    preemption_policy: str | None = None
    pod_group_templates: Annotated[tuple[PodGroupTemplate, ...], merge(list_map_keys=('name',))] = ()
    composite_pod_group_templates: "Annotated[tuple[CompositePodGroupTemplate, ...], merge(list_map_keys=('name',))]" = ()

    __proto__: ClassVar[dict[str, int]] = {"composite_pod_group_templates": 9, "disruption_mode": 4, "name": 1, "pod_group_templates": 8, "preemption_policy": 7, "priority": 6, "priority_class_name": 5, "scheduling_constraints": 3, "scheduling_policy": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'schedulingPolicy')


class WorkloadReference(Object, frozen=True, kw_only=True):
    workload_name: str = field(default_factory=str)
    template_name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"template_name": 2, "workload_name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('templateName', 'workloadName')


class PodGroupSpec(Object, frozen=True, kw_only=True):
    parent_composite_pod_group_name: str | None = None
    workload_ref: WorkloadReference | None = None
    scheduling_policy: PodGroupSchedulingPolicy = field(default_factory=PodGroupSchedulingPolicy)
    scheduling_constraints: PodGroupSchedulingConstraints | None = None
    resource_claims: Annotated[tuple[PodGroupResourceClaim, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge,retainKeys')] = ()
    disruption_mode: DisruptionMode | None = None
    priority_class_name: str = ""
    priority: Int32 | None = None
    preemption_policy: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"disruption_mode": 6, "parent_composite_pod_group_name": 1, "preemption_policy": 9, "priority": 8, "priority_class_name": 7, "resource_claims": 5, "scheduling_constraints": 4, "scheduling_policy": 3, "workload_ref": 2}
    __required__: ClassVar[tuple[str, ...]] = ('schedulingPolicy',)
    __defaults__: ClassVar[dict[str, Any]] = {'disruptionMode': {'single': {}}}


class PodGroupResourceClaimStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    resource_claim_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "resource_claim_name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodGroupStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    resource_claim_statuses: Annotated[tuple[PodGroupResourceClaimStatus, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge,retainKeys')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 1, "resource_claim_statuses": 2}


class PodGroup(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodGroup")
    api_version: str = field(default_factory=lambda: "scheduling.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PodGroupSpec = field(default_factory=PodGroupSpec)
    status: PodGroupStatus = field(default_factory=PodGroupStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class TypedLocalObjectReference(Object, frozen=True, kw_only=True):
    api_group: str = ""
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"api_group": 1, "kind": 2, "name": 3}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class WorkloadSpec(Object, frozen=True, kw_only=True):
    controller_ref: TypedLocalObjectReference | None = None
    pod_group_templates: Annotated[Nullable[tuple[PodGroupTemplate, ...]], merge(list_map_keys=('name',))] = field(default_factory=null_list)
    composite_pod_group_templates: Annotated[tuple[CompositePodGroupTemplate, ...], merge(list_map_keys=('name',))] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("pod_group_templates",))

    __proto__: ClassVar[dict[str, int]] = {"composite_pod_group_templates": 3, "controller_ref": 1, "pod_group_templates": 2}


class Workload(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Workload")
    api_version: str = field(default_factory=lambda: "scheduling.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: WorkloadSpec = field(default_factory=WorkloadSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

