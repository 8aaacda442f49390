"""The types of the API group-version apidiscovery.v2 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Nullable, Object, merge, null_list, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class APISubresourceDiscovery(Object, frozen=True, kw_only=True):
    subresource: str = field(default_factory=str)
    response_kind: meta_v1.GroupVersionKind | None = None
    accepted_types: Annotated[tuple[meta_v1.GroupVersionKind, ...], merge(list_map_keys=('group', 'version', 'kind'))] = ()
    verbs: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs",))

    __proto__: ClassVar[dict[str, int]] = {"accepted_types": 3, "response_kind": 2, "subresource": 1, "verbs": 4}


class APIResourceDiscovery(Object, frozen=True, kw_only=True):
    resource: str = field(default_factory=str)
    response_kind: meta_v1.GroupVersionKind | None = None
    scope: str = field(default_factory=str)
    singular_resource: str = field(default_factory=str)
    verbs: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    short_names: Annotated[tuple[str, ...], merge(list_type="set")] = ()
    categories: Annotated[tuple[str, ...], merge(list_type="set")] = ()
    subresources: Annotated[tuple[APISubresourceDiscovery, ...], merge(list_map_keys=('subresource',))] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs",))

    __proto__: ClassVar[dict[str, int]] = {"categories": 7, "resource": 1, "response_kind": 2, "scope": 3, "short_names": 6, "singular_resource": 4, "subresources": 8, "verbs": 5}


class APIVersionDiscovery(Object, frozen=True, kw_only=True):
    version: str = field(default_factory=str)
    resources: Annotated[tuple[APIResourceDiscovery, ...], merge(list_map_keys=('resource',))] = ()
    freshness: str = ""

    __proto__: ClassVar[dict[str, int]] = {"freshness": 3, "resources": 2, "version": 1}


class APIGroupDiscovery(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "APIGroupDiscovery")
    api_version: str = field(default_factory=lambda: "apidiscovery.k8s.io/v2", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    versions: Annotated[tuple[APIVersionDiscovery, ...], merge(list_map_keys=('version',))] = ()

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "versions": 2}

