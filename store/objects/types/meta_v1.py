"""The types of the API group-version meta.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, NO_ITEMS, NullTime, Nullable, Object, OwnTime, RawObject, Time, freeze_maps, merge, nothing, null_list, null_text, to_nulls


class GroupVersionForDiscovery(Object, frozen=True, kw_only=True):
    group_version: str = field(default_factory=str)
    version: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"group_version": 1, "version": 2}
    __required__: ClassVar[tuple[str, ...]] = ('groupVersion', 'version')


class ServerAddressByClientCIDR(Object, frozen=True, kw_only=True):
    client_cidr: str = field(default_factory=str, name="clientCIDR")
    server_address: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"client_cidr": 1, "server_address": 2}
    __required__: ClassVar[tuple[str, ...]] = ('clientCIDR', 'serverAddress')


class APIGroup(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "APIGroup")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    name: str = field(default_factory=str)
    versions: Nullable[tuple[GroupVersionForDiscovery, ...]] = field(default_factory=null_list)
    preferred_version: GroupVersionForDiscovery = field(default_factory=GroupVersionForDiscovery)
    server_address_by_client_cidrs: tuple[ServerAddressByClientCIDR, ...] = field(default=(), name="serverAddressByClientCIDRs")

    def __post_init__(self) -> None:
        to_nulls(self, lists=("versions",))

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "preferred_version": 3, "server_address_by_client_cidrs": 4, "versions": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'versions')


class APIGroupList(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "APIGroupList")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    groups: Nullable[tuple[APIGroup, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("groups",))

    __proto__: ClassVar[dict[str, int]] = {"groups": 1}
    __required__: ClassVar[tuple[str, ...]] = ('groups',)


class APIResource(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    namespaced: bool = field(default_factory=bool)
    kind: str = field(default_factory=str)
    verbs: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    short_names: tuple[str, ...] = ()
    singular_name: str = field(default_factory=str)
    categories: tuple[str, ...] = ()
    group: str = ""
    version: str = ""
    storage_version_hash: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs",))

    __proto__: ClassVar[dict[str, int]] = {"categories": 7, "group": 8, "kind": 3, "name": 1, "namespaced": 2, "short_names": 5, "singular_name": 6, "storage_version_hash": 10, "verbs": 4, "version": 9}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name', 'namespaced', 'singularName', 'verbs')


class APIResourceList(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "APIResourceList")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    group_version: str = field(default_factory=str)
    resources: Nullable[tuple[APIResource, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("resources",))

    __proto__: ClassVar[dict[str, int]] = {"group_version": 1, "resources": 2}
    __required__: ClassVar[tuple[str, ...]] = ('groupVersion', 'resources')


class APIVersions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "APIVersions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    versions: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    server_address_by_client_cidrs: Nullable[tuple[ServerAddressByClientCIDR, ...]] = field(default_factory=null_list, name="serverAddressByClientCIDRs")

    def __post_init__(self) -> None:
        to_nulls(self, lists=("versions", "server_address_by_client_cidrs",))

    __proto__: ClassVar[dict[str, int]] = {"server_address_by_client_cidrs": 2, "versions": 1}
    __required__: ClassVar[tuple[str, ...]] = ('serverAddressByClientCIDRs', 'versions')


class Condition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    observed_generation: Int64 = 0
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = field(default_factory=str)
    message: str = field(default_factory=str)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 4, "message": 6, "observed_generation": 3, "reason": 5, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('lastTransitionTime', 'message', 'reason', 'status', 'type')


class CreateOptions(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    dry_run: tuple[str, ...] = ()
    field_manager: str = ""
    field_validation: str = ""

    __proto__: ClassVar[dict[str, int]] = {"dry_run": 1, "field_manager": 3, "field_validation": 4}


class Preconditions(Object, frozen=True, kw_only=True):
    uid: str | None = None
    resource_version: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"resource_version": 2, "uid": 1}


class DeleteOptions(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    grace_period_seconds: Int64 | None = None
    preconditions: Preconditions | None = None
    orphan_dependents: bool | None = None
    propagation_policy: str | None = None
    dry_run: tuple[str, ...] = ()
    ignore_store_read_error_with_cluster_breaking_potential: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"dry_run": 5, "grace_period_seconds": 1, "ignore_store_read_error_with_cluster_breaking_potential": 6, "orphan_dependents": 3, "preconditions": 2, "propagation_policy": 4}


class FieldSelectorRequirement(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    operator: str = field(default_factory=str)
    values: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "operator": 2, "values": 3}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'operator')


class GetOptions(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    resource_version: str = ""

    __proto__: ClassVar[dict[str, int]] = {"resource_version": 1}


class GroupResource(Object, frozen=True, kw_only=True):
    group: str = field(default_factory=str)
    resource: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"group": 1, "resource": 2}
    __required__: ClassVar[tuple[str, ...]] = ('group', 'resource')


class GroupVersionKind(Object, frozen=True, kw_only=True):
    group: str = field(default_factory=str)
    version: str = field(default_factory=str)
    kind: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"group": 1, "kind": 3, "version": 2}
    __required__: ClassVar[tuple[str, ...]] = ('group', 'kind', 'version')


class GroupVersionResource(Object, frozen=True, kw_only=True):
    group: str = field(default_factory=str)
    version: str = field(default_factory=str)
    resource: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"group": 1, "resource": 3, "version": 2}
    __required__: ClassVar[tuple[str, ...]] = ('group', 'resource', 'version')


class LabelSelectorRequirement(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    operator: str = field(default_factory=str)
    values: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "operator": 2, "values": 3}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'operator')


class LabelSelector(Object, frozen=True, kw_only=True):
    match_labels: dict[str, str] = NO_ITEMS
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("match_labels",))

    __proto__: ClassVar[dict[str, int]] = {"match_expressions": 2, "match_labels": 1}


class ShardInfo(Object, frozen=True, kw_only=True):
    selector: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"selector": 1}
    __required__: ClassVar[tuple[str, ...]] = ('selector',)


class ListMeta(Object, frozen=True, kw_only=True):
    self_link: str = ""
    resource_version: str = ""
    continue_: str = ""
    remaining_item_count: Int64 | None = None
    shard_info: ShardInfo | None = None

    __proto__: ClassVar[dict[str, int]] = {"continue_": 3, "remaining_item_count": 4, "resource_version": 2, "self_link": 1, "shard_info": 5}


class ListOptions(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    label_selector: str = ""
    field_selector: str = ""
    watch: bool = False
    allow_watch_bookmarks: bool = False
    resource_version: str = ""
    resource_version_match: str = ""
    timeout_seconds: Int64 | None = None
    limit: Int64 = 0
    continue_: str = ""
    send_initial_events: bool | None = None
    shard_selector: str = ""

    __proto__: ClassVar[dict[str, int]] = {"allow_watch_bookmarks": 9, "continue_": 8, "field_selector": 2, "label_selector": 1, "limit": 7, "resource_version": 4, "resource_version_match": 10, "send_initial_events": 11, "shard_selector": 15, "timeout_seconds": 5, "watch": 3}


class ManagedFieldsEntry(Object, frozen=True, kw_only=True):
    manager: str = ""
    operation: str = ""
    api_version: str = ""
    time: Time = ""
    fields_type: str = ""
    fields_v1: RawObject = None
    subresource: str = ""

    def __post_init__(self) -> None:
        freeze_maps(self, free=("fields_v1",))

    __proto__: ClassVar[dict[str, int]] = {"api_version": 3, "fields_type": 6, "fields_v1": 7, "manager": 1, "operation": 2, "subresource": 8, "time": 4}


class OwnerReference(Object, frozen=True, kw_only=True):
    api_version: str = field(default_factory=str)
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)
    uid: str = field(default_factory=str)
    controller: bool | None = None
    block_owner_deletion: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"api_version": 5, "block_owner_deletion": 7, "controller": 6, "kind": 1, "name": 3, "uid": 4}
    __required__: ClassVar[tuple[str, ...]] = ('apiVersion', 'kind', 'name', 'uid')


class ObjectMeta(Object, frozen=True, kw_only=True):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    self_link: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: Int64 = 0
    creation_timestamp: OwnTime = ""
    deletion_timestamp: Time = ""
    deletion_grace_period_seconds: Int64 | None = None
    labels: dict[str, str] = NO_ITEMS
    annotations: dict[str, str] = NO_ITEMS
    owner_references: Annotated[tuple[OwnerReference, ...], merge(list_map_keys=('uid',), patch_merge_key='uid', patch_strategy='merge')] = ()
    finalizers: Annotated[tuple[str, ...], merge(patch_strategy='merge', list_type="set")] = ()
    managed_fields: tuple[ManagedFieldsEntry, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("annotations", "labels",))

    __proto__: ClassVar[dict[str, int]] = {"annotations": 12, "creation_timestamp": 8, "deletion_grace_period_seconds": 10, "deletion_timestamp": 9, "finalizers": 14, "generate_name": 2, "generation": 7, "labels": 11, "managed_fields": 17, "name": 1, "namespace": 3, "owner_references": 13, "resource_version": 6, "self_link": 4, "uid": 5}


class PartialObjectMetadata(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PartialObjectMetadata")
    api_version: str = field(default_factory=lambda: "meta.k8s.io/v1", name="apiVersion")
    metadata: ObjectMeta = field(default_factory=ObjectMeta)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1}


class PatchOptions(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    dry_run: tuple[str, ...] = ()
    force: bool | None = None
    field_manager: str = ""
    field_validation: str = ""

    __proto__: ClassVar[dict[str, int]] = {"dry_run": 1, "field_manager": 3, "field_validation": 4, "force": 2}


class StatusCause(Object, frozen=True, kw_only=True):
    reason: str = ""
    message: str = ""
    field: str = ""

    __proto__: ClassVar[dict[str, int]] = {"field": 3, "message": 2, "reason": 1}


class StatusDetails(Object, frozen=True, kw_only=True):
    name: str = ""
    group: str = ""
    kind: str = ""
    uid: str = ""
    causes: tuple[StatusCause, ...] = ()
    retry_after_seconds: Int32 = 0

    __proto__: ClassVar[dict[str, int]] = {"causes": 4, "group": 2, "kind": 3, "name": 1, "retry_after_seconds": 5, "uid": 6}


class Status(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Status")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: ListMeta = field(default_factory=ListMeta)
    status: str = ""
    message: str = ""
    reason: str = ""
    details: StatusDetails | None = None
    code: Int32 = 0

    __proto__: ClassVar[dict[str, int]] = {"code": 6, "details": 5, "message": 3, "metadata": 1, "reason": 4, "status": 2}


class TableColumnDefinition(Object, frozen=True, kw_only=True):
    description: str = field(default_factory=str)
    format: str = field(default_factory=str)
    name: str = field(default_factory=str)
    priority: Int32 = field(default_factory=int)
    type: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {}
    __required__: ClassVar[tuple[str, ...]] = ('description', 'format', 'name', 'priority', 'type')


class TableRowCondition(Object, frozen=True, kw_only=True):
    message: str = ""
    reason: str = ""
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class TableRow(Object, frozen=True, kw_only=True):
    cells: Nullable[tuple[RawObject, ...]] = field(default_factory=null_list)
    conditions: tuple[TableRowCondition, ...] = ()
    object: RawObject = field(default_factory=nothing)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("cells", "object",))
        to_nulls(self, lists=("cells",))

    __proto__: ClassVar[dict[str, int]] = {}
    __required__: ClassVar[tuple[str, ...]] = ('cells',)


class Table(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Table")
    api_version: str = field(default_factory=lambda: "meta.k8s.io/v1", name="apiVersion")
    metadata: ListMeta = field(default_factory=ListMeta)
    column_definitions: Nullable[tuple[TableColumnDefinition, ...]] = field(default_factory=null_list)
    rows: Nullable[tuple[TableRow, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("column_definitions", "rows",))

    __proto__: ClassVar[dict[str, int]] = {}
    __required__: ClassVar[tuple[str, ...]] = ('columnDefinitions', 'rows')


class TableOptions(Object, frozen=True, kw_only=True):
    include_object: str = ""
    api_version: str = ""
    kind: str = ""

    __proto__: ClassVar[dict[str, int]] = {"include_object": 1}


class UpdateOptions(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    dry_run: tuple[str, ...] = ()
    field_manager: str = ""
    field_validation: str = ""

    __proto__: ClassVar[dict[str, int]] = {"dry_run": 1, "field_manager": 2, "field_validation": 3}


class WatchEvent(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    object: RawObject = field(default_factory=nothing)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("object",))

    __proto__: ClassVar[dict[str, int]] = {"object": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('object', 'type')

