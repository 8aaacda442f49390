"""The types of the API group-version meta.v1 (Kubernetes 1.32), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from .scalars import Int32, Int64, NO_ITEMS, Object, RawObject, Time, freeze_maps, merge


class GroupVersionForDiscovery(Object, frozen=True, kw_only=True):
    group_version: str = field(default_factory=str)
    version: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"group_version": 1, "version": 2}


class ServerAddressByClientCIDR(Object, frozen=True, kw_only=True):
    client_cidr: str = field(default_factory=str, name="clientCIDR")
    server_address: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"client_cidr": 1, "server_address": 2}


class APIGroup(Object, frozen=True, kw_only=True):
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    kind: str = field(default_factory=lambda: "APIGroup")
    name: str = field(default_factory=str)
    versions: tuple[GroupVersionForDiscovery, ...] = field(default_factory=tuple)
    preferred_version: GroupVersionForDiscovery | None = None
    server_address_by_client_cidrs: tuple[ServerAddressByClientCIDR, ...] = field(default=(), name="serverAddressByClientCIDRs")

    __proto__: ClassVar[dict[str, int]] = {
        "name": 1,
        "preferred_version": 3,
        "server_address_by_client_cidrs": 4,
        "versions": 2,
    }


class APIResource(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    namespaced: bool = field(default_factory=bool)
    kind: str = field(default_factory=str)
    verbs: tuple[str, ...] = field(default_factory=tuple)
    short_names: tuple[str, ...] = ()
    singular_name: str = field(default_factory=str)
    categories: tuple[str, ...] = ()
    group: str = ""
    version: str = ""
    storage_version_hash: str = ""

    __proto__: ClassVar[dict[str, int]] = {
        "categories": 7,
        "group": 8,
        "kind": 3,
        "name": 1,
        "namespaced": 2,
        "short_names": 5,
        "singular_name": 6,
        "storage_version_hash": 10,
        "verbs": 4,
        "version": 9,
    }


class APIVersions(Object, frozen=True, kw_only=True):
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    kind: str = field(default_factory=lambda: "APIVersions")
    versions: tuple[str, ...] = field(default_factory=tuple)
    server_address_by_client_cidrs: tuple[ServerAddressByClientCIDR, ...] = field(
        default_factory=tuple, name="serverAddressByClientCIDRs"
    )

    __proto__: ClassVar[dict[str, int]] = {"server_address_by_client_cidrs": 2, "versions": 1}


class Condition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    observed_generation: Int64 = 0
    last_transition_time: Time = field(default_factory=str)
    reason: str = field(default_factory=str)
    message: str = field(default_factory=str)
    status: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {
        "last_transition_time": 4,
        "message": 6,
        "observed_generation": 3,
        "reason": 5,
        "status": 2,
        "type": 1,
    }


class Preconditions(Object, frozen=True, kw_only=True):
    uid: str | None = None
    resource_version: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"resource_version": 2, "uid": 1}


class DeleteOptions(Object, frozen=True, kw_only=True):
    grace_period_seconds: Int64 | None = None
    preconditions: Preconditions | None = None
    orphan_dependents: bool | None = None
    propagation_policy: str | None = None
    dry_run: tuple[str, ...] = ()
    ignore_store_read_error_with_cluster_breaking_potential: bool = False
    api_version: str = ""
    kind: str = ""

    __proto__: ClassVar[dict[str, int]] = {
        "dry_run": 5,
        "grace_period_seconds": 1,
        "ignore_store_read_error_with_cluster_breaking_potential": 6,
        "orphan_dependents": 3,
        "preconditions": 2,
        "propagation_policy": 4,
    }


class FieldSelectorRequirement(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    operator: str = field(default_factory=str)
    values: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "operator": 2, "values": 3}


class LabelSelectorRequirement(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    operator: str = field(default_factory=str)
    values: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "operator": 2, "values": 3}


class LabelSelector(Object, frozen=True, kw_only=True):
    match_labels: dict[str, str] = NO_ITEMS
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("match_labels",))

    __proto__: ClassVar[dict[str, int]] = {"match_expressions": 2, "match_labels": 1}


class ListMeta(Object, frozen=True, kw_only=True):
    self_link: str = ""
    resource_version: str = ""
    continue_: str = ""
    remaining_item_count: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"continue_": 3, "remaining_item_count": 4, "resource_version": 2, "self_link": 1}


class ManagedFieldsEntry(Object, frozen=True, kw_only=True):
    manager: str = ""
    operation: str = ""
    api_version: str = ""
    time: Time = ""
    fields_type: str = ""
    fields_v1: RawObject | None = None
    subresource: str = ""

    def __post_init__(self) -> None:
        freeze_maps(self, free=("fields_v1",))

    __proto__: ClassVar[dict[str, int]] = {
        "api_version": 3,
        "fields_type": 6,
        "fields_v1": 7,
        "manager": 1,
        "operation": 2,
        "subresource": 8,
        "time": 4,
    }


class OwnerReference(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)
    uid: str = field(default_factory=str)
    api_version: str = field(default_factory=str)
    controller: bool | None = None
    block_owner_deletion: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "api_version": 5,
        "block_owner_deletion": 7,
        "controller": 6,
        "kind": 1,
        "name": 3,
        "uid": 4,
    }


class ObjectMeta(Object, frozen=True, kw_only=True):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    self_link: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: Int64 = 0
    creation_timestamp: Time = ""
    deletion_timestamp: Time = ""
    deletion_grace_period_seconds: Int64 | None = None
    labels: dict[str, str] = NO_ITEMS
    annotations: dict[str, str] = NO_ITEMS
    owner_references: Annotated[
        tuple[OwnerReference, ...], merge(list_map_keys=("uid",), patch_merge_key="uid", patch_strategy="merge")
    ] = ()
    finalizers: Annotated[tuple[str, ...], merge(patch_strategy="merge", list_type="set")] = ()
    managed_fields: tuple[ManagedFieldsEntry, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(
            self,
            fields=(
                "annotations",
                "labels",
            ),
        )

    __proto__: ClassVar[dict[str, int]] = {
        "annotations": 12,
        "creation_timestamp": 8,
        "deletion_grace_period_seconds": 10,
        "deletion_timestamp": 9,
        "finalizers": 14,
        "generate_name": 2,
        "generation": 7,
        "labels": 11,
        "managed_fields": 17,
        "name": 1,
        "namespace": 3,
        "owner_references": 13,
        "resource_version": 6,
        "self_link": 4,
        "uid": 5,
    }


class StatusCause(Object, frozen=True, kw_only=True):
    reason: str = ""
    message: str = ""
    field: str = ""

    __proto__: ClassVar[dict[str, int]] = {"field": 3, "message": 2, "reason": 1}


class StatusDetails(Object, frozen=True, kw_only=True):
    name: str = ""
    group: str = ""
    kind: str = ""
    causes: tuple[StatusCause, ...] = ()
    retry_after_seconds: Int32 = 0
    uid: str = ""

    __proto__: ClassVar[dict[str, int]] = {"causes": 4, "group": 2, "kind": 3, "name": 1, "retry_after_seconds": 5, "uid": 6}


class Status(Object, frozen=True, kw_only=True):
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    kind: str = field(default_factory=lambda: "Status")
    metadata: ListMeta = field(default_factory=ListMeta)
    message: str = ""
    reason: str = ""
    details: StatusDetails | None = None
    code: Int32 = 0
    status: str = ""

    __proto__: ClassVar[dict[str, int]] = {"code": 6, "details": 5, "message": 3, "metadata": 1, "reason": 4, "status": 2}


class WatchEvent(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    object: RawObject | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, free=("object",))

    __proto__: ClassVar[dict[str, int]] = {"object": 2, "type": 1}
