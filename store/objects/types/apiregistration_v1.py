"""The types of the API group-version apiregistration.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Base64, Int32, NullTime, Object, Time, merge, null_text, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class ServiceReference(Object, frozen=True, kw_only=True):
    namespace: str = ""
    name: str = ""
    port: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 2, "namespace": 1, "port": 3}


class APIServiceSpec(Object, frozen=True, kw_only=True):
    service: ServiceReference | None = None
    group: str = ""
    version: str = ""
    insecure_skip_tls_verify: bool = field(default=False, name="insecureSkipTLSVerify")
    ca_bundle: Base64 = ""
    group_priority_minimum: Int32 = field(default_factory=int)
    version_priority: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"ca_bundle": 5, "group": 2, "group_priority_minimum": 7, "insecure_skip_tls_verify": 4, "service": 1, "version": 3, "version_priority": 8}
    __required__: ClassVar[tuple[str, ...]] = ('groupPriorityMinimum', 'versionPriority')


class APIServiceCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""
    status: str = field(default_factory=str)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class APIServiceStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[APIServiceCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 1}


class APIService(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "APIService")
    api_version: str = field(default_factory=lambda: "apiregistration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: APIServiceSpec = field(default_factory=APIServiceSpec)
    status: APIServiceStatus = field(default_factory=APIServiceStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}

