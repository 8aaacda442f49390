"""The types of the API group-version authentication.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int64, NO_ITEMS, NullTime, Nullable, Object, Time, freeze_maps, nothing, null_list, null_text, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class BoundObjectReference(Object, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = ""
    name: str = ""
    uid: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_version": 2, "kind": 1, "name": 3, "uid": 4}


class UserInfo(Object, frozen=True, kw_only=True):
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("extra",))

    __proto__: ClassVar[dict[str, int]] = {"extra": 4, "groups": 3, "uid": 2, "username": 1}


class SelfSubjectReviewStatus(Object, frozen=True, kw_only=True):
    user_info: UserInfo = field(default_factory=UserInfo)

    __proto__: ClassVar[dict[str, int]] = {"user_info": 1}


class SelfSubjectReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "SelfSubjectReview")
    api_version: str = field(default_factory=lambda: "authentication.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    status: SelfSubjectReviewStatus = field(default_factory=SelfSubjectReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "status": 2}


class TokenRequestSpec(Object, frozen=True, kw_only=True):
    audiences: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    expiration_seconds: Int64 | None = field(default_factory=nothing)
    bound_object_ref: BoundObjectReference | None = field(default_factory=nothing)
    attestations: dict[str, tuple[str, ...]] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("attestations",))
        to_nulls(self, lists=("audiences",))

    __proto__: ClassVar[dict[str, int]] = {"attestations": 5, "audiences": 1, "bound_object_ref": 3, "expiration_seconds": 4}


class TokenRequestStatus(Object, frozen=True, kw_only=True):
    token: str = field(default_factory=str)
    expiration_timestamp: NullTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("expiration_timestamp",))

    __proto__: ClassVar[dict[str, int]] = {"expiration_timestamp": 2, "token": 1}


class TokenRequest(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "TokenRequest")
    api_version: str = field(default_factory=lambda: "authentication.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: TokenRequestSpec = field(default_factory=TokenRequestSpec)
    status: TokenRequestStatus = field(default_factory=TokenRequestStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class TokenReviewSpec(Object, frozen=True, kw_only=True):
    token: str = ""
    audiences: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"audiences": 2, "token": 1}
    __required__: ClassVar[tuple[str, ...]] = ('token',)


class TokenReviewStatus(Object, frozen=True, kw_only=True):
    authenticated: bool = False
    user: UserInfo = field(default_factory=UserInfo)
    audiences: tuple[str, ...] = ()
    error: str = ""

    __proto__: ClassVar[dict[str, int]] = {"audiences": 4, "authenticated": 1, "error": 3, "user": 2}


class TokenReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "TokenReview")
    api_version: str = field(default_factory=lambda: "authentication.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: TokenReviewSpec = field(default_factory=TokenReviewSpec)
    status: TokenReviewStatus = field(default_factory=TokenReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

