"""The types of the API group-version rbac.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Nullable, Object, null_list, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class AggregationRule(Object, frozen=True, kw_only=True):
    cluster_role_selectors: tuple[meta_v1.LabelSelector, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"cluster_role_selectors": 1}


class PolicyRule(Object, frozen=True, kw_only=True):
    verbs: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = field(default=(), name="nonResourceURLs")

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs",))

    __proto__: ClassVar[dict[str, int]] = {"api_groups": 2, "non_resource_urls": 5, "resource_names": 4, "resources": 3, "verbs": 1}
    __required__: ClassVar[tuple[str, ...]] = ('verbs',)


class ClusterRole(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ClusterRole")
    api_version: str = field(default_factory=lambda: "rbac.authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    rules: Nullable[tuple[PolicyRule, ...]] = field(default_factory=null_list)
    aggregation_rule: AggregationRule | None = None

    def __post_init__(self) -> None:
        to_nulls(self, lists=("rules",))

    __proto__: ClassVar[dict[str, int]] = {"aggregation_rule": 3, "metadata": 1, "rules": 2}


class RoleRef(Object, frozen=True, kw_only=True):
    api_group: str = field(default_factory=str)
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"api_group": 1, "kind": 2, "name": 3}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class Subject(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=str)
    api_group: str = ""
    name: str = field(default_factory=str)
    namespace: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_group": 2, "kind": 1, "name": 3, "namespace": 4}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class ClusterRoleBinding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ClusterRoleBinding")
    api_version: str = field(default_factory=lambda: "rbac.authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    subjects: tuple[Subject, ...] = ()
    role_ref: RoleRef = field(default_factory=RoleRef)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "role_ref": 3, "subjects": 2}
    __required__: ClassVar[tuple[str, ...]] = ('roleRef',)


class Role(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Role")
    api_version: str = field(default_factory=lambda: "rbac.authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    rules: Nullable[tuple[PolicyRule, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("rules",))

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "rules": 2}


class RoleBinding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "RoleBinding")
    api_version: str = field(default_factory=lambda: "rbac.authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    subjects: tuple[Subject, ...] = ()
    role_ref: RoleRef = field(default_factory=RoleRef)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "role_ref": 3, "subjects": 2}
    __required__: ClassVar[tuple[str, ...]] = ('roleRef',)

