"""The types of the API group-version authorization.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import NO_ITEMS, Nullable, Object, freeze_maps, null_list, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class FieldSelectorAttributes(Object, frozen=True, kw_only=True):
    raw_selector: str = ""
    requirements: tuple[meta_v1.FieldSelectorRequirement, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"raw_selector": 1, "requirements": 2}


class LabelSelectorAttributes(Object, frozen=True, kw_only=True):
    raw_selector: str = ""
    requirements: tuple[meta_v1.LabelSelectorRequirement, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"raw_selector": 1, "requirements": 2}


class NonResourceAttributes(Object, frozen=True, kw_only=True):
    path: str = ""
    verb: str = ""

    __proto__: ClassVar[dict[str, int]] = {"path": 1, "verb": 2}


class ResourceAttributes(Object, frozen=True, kw_only=True):
    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    field_selector: FieldSelectorAttributes | None = None
    label_selector: LabelSelectorAttributes | None = None

    __proto__: ClassVar[dict[str, int]] = {"field_selector": 8, "group": 3, "label_selector": 9, "name": 7, "namespace": 1, "resource": 5, "subresource": 6, "verb": 2, "version": 4}


class SubjectAccessReviewSpec(Object, frozen=True, kw_only=True):
    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: NonResourceAttributes | None = None
    user: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = NO_ITEMS
    uid: str = ""

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("extra",))

    __proto__: ClassVar[dict[str, int]] = {"extra": 5, "groups": 4, "non_resource_attributes": 2, "resource_attributes": 1, "uid": 6, "user": 3}


class SubjectAccessReviewStatus(Object, frozen=True, kw_only=True):
    allowed: bool = field(default_factory=bool)
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""

    __proto__: ClassVar[dict[str, int]] = {"allowed": 1, "denied": 4, "evaluation_error": 3, "reason": 2}
    __required__: ClassVar[tuple[str, ...]] = ('allowed',)


class LocalSubjectAccessReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "LocalSubjectAccessReview")
    api_version: str = field(default_factory=lambda: "authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: SubjectAccessReviewSpec = field(default_factory=SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = field(default_factory=SubjectAccessReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class NonResourceRule(Object, frozen=True, kw_only=True):
    verbs: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    non_resource_urls: tuple[str, ...] = field(default=(), name="nonResourceURLs")

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs",))

    __proto__: ClassVar[dict[str, int]] = {"non_resource_urls": 2, "verbs": 1}
    __required__: ClassVar[tuple[str, ...]] = ('verbs',)


class ResourceRule(Object, frozen=True, kw_only=True):
    verbs: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("verbs",))

    __proto__: ClassVar[dict[str, int]] = {"api_groups": 2, "resource_names": 4, "resources": 3, "verbs": 1}
    __required__: ClassVar[tuple[str, ...]] = ('verbs',)


class SelfSubjectAccessReviewSpec(Object, frozen=True, kw_only=True):
    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: NonResourceAttributes | None = None

    __proto__: ClassVar[dict[str, int]] = {"non_resource_attributes": 2, "resource_attributes": 1}


class SelfSubjectAccessReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "SelfSubjectAccessReview")
    api_version: str = field(default_factory=lambda: "authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: SelfSubjectAccessReviewSpec = field(default_factory=SelfSubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = field(default_factory=SubjectAccessReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class SelfSubjectRulesReviewSpec(Object, frozen=True, kw_only=True):
    namespace: str = ""

    __proto__: ClassVar[dict[str, int]] = {"namespace": 1}


class SubjectRulesReviewStatus(Object, frozen=True, kw_only=True):
    resource_rules: Nullable[tuple[ResourceRule, ...]] = field(default_factory=null_list)
    non_resource_rules: Nullable[tuple[NonResourceRule, ...]] = field(default_factory=null_list)
    incomplete: bool = field(default_factory=bool)
    evaluation_error: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, lists=("resource_rules", "non_resource_rules",))

    __proto__: ClassVar[dict[str, int]] = {"evaluation_error": 4, "incomplete": 3, "non_resource_rules": 2, "resource_rules": 1}
    __required__: ClassVar[tuple[str, ...]] = ('incomplete', 'nonResourceRules', 'resourceRules')


class SelfSubjectRulesReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "SelfSubjectRulesReview")
    api_version: str = field(default_factory=lambda: "authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: SelfSubjectRulesReviewSpec = field(default_factory=SelfSubjectRulesReviewSpec)
    status: SubjectRulesReviewStatus = field(default_factory=SubjectRulesReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class SubjectAccessReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "SubjectAccessReview")
    api_version: str = field(default_factory=lambda: "authorization.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: SubjectAccessReviewSpec = field(default_factory=SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = field(default_factory=SubjectAccessReviewStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

