"""Reviews of authorization.k8s.io/v1beta1 that have other fields than those of v1: groups are called `group`.

Tests: tests/store/objects/types/test_roundtrip.py
"""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import NO_ITEMS, Object, freeze_maps

from . import meta_v1
from .authorization_v1 import NonResourceAttributes, ResourceAttributes, SubjectAccessReviewStatus


class SubjectAccessReviewSpec(Object, frozen=True, kw_only=True):
    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: NonResourceAttributes | None = None
    user: str = ""
    groups: tuple[str, ...] = field(default=(), name="group")
    extra: dict[str, tuple[str, ...]] = NO_ITEMS
    uid: str = ""

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("extra",))

    __proto__: ClassVar[dict[str, int]] = {
        "extra": 5,
        "groups": 4,
        "non_resource_attributes": 2,
        "resource_attributes": 1,
        "uid": 6,
        "user": 3,
    }


class LocalSubjectAccessReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "LocalSubjectAccessReview")
    api_version: str = field(default_factory=lambda: "authorization.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: SubjectAccessReviewSpec = field(default_factory=SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = field(default_factory=SubjectAccessReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ("spec",)


class SubjectAccessReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "SubjectAccessReview")
    api_version: str = field(default_factory=lambda: "authorization.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: SubjectAccessReviewSpec = field(default_factory=SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = field(default_factory=SubjectAccessReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ("spec",)
