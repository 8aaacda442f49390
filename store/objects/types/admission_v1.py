"""The types of the API group-version admission.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Base64, NO_ITEMS, Object, RawObject, freeze_maps, nothing

from . import authentication_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class EmbeddedStatus(meta_v1.Status, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = field(default="", name="apiVersion")


class AdmissionRequest(Object, frozen=True, kw_only=True):
    uid: str = field(default_factory=str)
    kind: meta_v1.GroupVersionKind = field(default_factory=meta_v1.GroupVersionKind)
    resource: meta_v1.GroupVersionResource = field(default_factory=meta_v1.GroupVersionResource)
    sub_resource: str = ""
    request_kind: meta_v1.GroupVersionKind | None = None
    request_resource: meta_v1.GroupVersionResource | None = None
    request_sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    operation: str = field(default_factory=str)
    user_info: authentication_v1.UserInfo = field(default_factory=authentication_v1.UserInfo)
    object: RawObject = field(default_factory=nothing)
    old_object: RawObject = field(default_factory=nothing)
    dry_run: bool | None = None
    options: RawObject = field(default_factory=nothing)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("object", "old_object", "options",))

    __proto__: ClassVar[dict[str, int]] = {"dry_run": 11, "kind": 2, "name": 5, "namespace": 6, "object": 9, "old_object": 10, "operation": 7, "options": 12, "request_kind": 13, "request_resource": 14, "request_sub_resource": 15, "resource": 3, "sub_resource": 4, "uid": 1, "user_info": 8}


class AdmissionResponse(Object, frozen=True, kw_only=True):
    uid: str = field(default_factory=str)
    allowed: bool = field(default_factory=bool)
    status: EmbeddedStatus | None = None
    patch: Base64 = ""
    patch_type: str | None = None
    audit_annotations: dict[str, str] = NO_ITEMS
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("audit_annotations",))

    __proto__: ClassVar[dict[str, int]] = {"allowed": 2, "audit_annotations": 6, "patch": 4, "patch_type": 5, "status": 3, "uid": 1, "warnings": 7}


class AdmissionReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "AdmissionReview")
    api_version: str = field(default_factory=lambda: "admission.k8s.io/v1", name="apiVersion")
    request: AdmissionRequest | None = None
    response: AdmissionResponse | None = None

    __proto__: ClassVar[dict[str, int]] = {"request": 1, "response": 2}

