"""The types of the API group-version flowcontrol.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, NullTime, Nullable, Object, Time, merge, nothing, null_list, null_text, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class ExemptPriorityLevelConfiguration(Object, frozen=True, kw_only=True):
    nominal_concurrency_shares: Int32 | None = None
    lendable_percent: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"lendable_percent": 2, "nominal_concurrency_shares": 1}


class FlowDistinguisherMethod(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class NonResourcePolicyRule(Object, frozen=True, kw_only=True):
    verbs: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    non_resource_urls: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list, name="nonResourceURLs")

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs", "non_resource_urls",))

    __proto__: ClassVar[dict[str, int]] = {"non_resource_urls": 6, "verbs": 1}
    __required__: ClassVar[tuple[str, ...]] = ('nonResourceURLs', 'verbs')


class ResourcePolicyRule(Object, frozen=True, kw_only=True):
    verbs: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    api_groups: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    resources: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    cluster_scope: bool = False
    namespaces: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs", "api_groups", "resources", "namespaces",))

    __proto__: ClassVar[dict[str, int]] = {"api_groups": 2, "cluster_scope": 4, "namespaces": 5, "resources": 3, "verbs": 1}
    __required__: ClassVar[tuple[str, ...]] = ('apiGroups', 'resources', 'verbs')


class GroupSubject(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ServiceAccountSubject(Object, frozen=True, kw_only=True):
    namespace: str = field(default_factory=str)
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 2, "namespace": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'namespace')


class UserSubject(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class Subject(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=str)
    user: UserSubject | None = None
    group: GroupSubject | None = None
    service_account: ServiceAccountSubject | None = None

    __proto__: ClassVar[dict[str, int]] = {"group": 3, "kind": 1, "service_account": 4, "user": 2}
    __required__: ClassVar[tuple[str, ...]] = ('kind',)


class PolicyRulesWithSubjects(Object, frozen=True, kw_only=True):
    subjects: Nullable[tuple[Subject, ...]] = field(default_factory=null_list)
    resource_rules: tuple[ResourcePolicyRule, ...] = ()
    non_resource_rules: tuple[NonResourcePolicyRule, ...] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("subjects",))

    __proto__: ClassVar[dict[str, int]] = {"non_resource_rules": 3, "resource_rules": 2, "subjects": 1}
    __required__: ClassVar[tuple[str, ...]] = ('subjects',)


class PriorityLevelConfigurationReference(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class FlowSchemaSpec(Object, frozen=True, kw_only=True):
    priority_level_configuration: PriorityLevelConfigurationReference = field(default_factory=PriorityLevelConfigurationReference)
    matching_precedence: Int32 = field(default_factory=int)
    distinguisher_method: FlowDistinguisherMethod | None = None
    rules: tuple[PolicyRulesWithSubjects, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"distinguisher_method": 3, "matching_precedence": 2, "priority_level_configuration": 1, "rules": 4}
    __required__: ClassVar[tuple[str, ...]] = ('priorityLevelConfiguration',)


class FlowSchemaCondition(Object, frozen=True, kw_only=True):
    type: str = ""
    status: str = ""
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class FlowSchemaStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[FlowSchemaCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 1}


class FlowSchema(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "FlowSchema")
    api_version: str = field(default_factory=lambda: "flowcontrol.apiserver.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: FlowSchemaSpec = field(default_factory=FlowSchemaSpec)
    status: FlowSchemaStatus = field(default_factory=FlowSchemaStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class QueuingConfiguration(Object, frozen=True, kw_only=True):
    queues: Int32 = field(default_factory=int)
    hand_size: Int32 = field(default_factory=int)
    queue_length_limit: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"hand_size": 2, "queue_length_limit": 3, "queues": 1}


class LimitResponse(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    queuing: QueuingConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"queuing": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class LimitedPriorityLevelConfiguration(Object, frozen=True, kw_only=True):
    nominal_concurrency_shares: Int32 | None = field(default_factory=nothing)
    limit_response: LimitResponse = field(default_factory=LimitResponse)
    lendable_percent: Int32 | None = None
    borrowing_limit_percent: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"borrowing_limit_percent": 4, "lendable_percent": 3, "limit_response": 2, "nominal_concurrency_shares": 1}
    __required__: ClassVar[tuple[str, ...]] = ('limitResponse',)


class PriorityLevelConfigurationSpec(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    limited: LimitedPriorityLevelConfiguration | None = None
    exempt: ExemptPriorityLevelConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"exempt": 3, "limited": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class PriorityLevelConfigurationCondition(Object, frozen=True, kw_only=True):
    type: str = ""
    status: str = ""
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class PriorityLevelConfigurationStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[PriorityLevelConfigurationCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 1}


class PriorityLevelConfiguration(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PriorityLevelConfiguration")
    api_version: str = field(default_factory=lambda: "flowcontrol.apiserver.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PriorityLevelConfigurationSpec = field(default_factory=PriorityLevelConfigurationSpec)
    status: PriorityLevelConfigurationStatus = field(default_factory=PriorityLevelConfigurationStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

