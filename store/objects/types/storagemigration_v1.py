"""The types of the API group-version storagemigration.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Object, merge

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class StorageVersionMigrationSpec(Object, frozen=True, kw_only=True):
    resource: meta_v1.GroupResource = field(default_factory=meta_v1.GroupResource)

    __proto__: ClassVar[dict[str, int]] = {"resource": 1}
    __required__: ClassVar[tuple[str, ...]] = ('resource',)


class StorageVersionMigrationStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    resource_version: str = ""

    __proto__: ClassVar[dict[str, int]] = {"conditions": 1, "resource_version": 2}


class StorageVersionMigration(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "StorageVersionMigration")
    api_version: str = field(default_factory=lambda: "storagemigration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: StorageVersionMigrationSpec = field(default_factory=StorageVersionMigrationSpec)
    status: StorageVersionMigrationStatus = field(default_factory=StorageVersionMigrationStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}

