"""Whom a request concerns, of those who have a say in it from outside: rules, selectors, other versions of the same kind.

Webhooks and admission policies name requests in the same words. Nothing here waits or changes anything. Source: the rules,
namespace, object and equivalent-resource matchers of k8s.io/apiserver/pkg/admission/plugin/webhook.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.engine.kinds.subresources import SHARED
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types.meta_v1 import LabelSelector
from shipslog.store.refusals import not_found
from shipslog.store.view import Objects

CREATE, UPDATE, DELETE, CONNECT = "CREATE", "UPDATE", "DELETE", "CONNECT"
ANY = "*"
# Who could lock everybody out of what says who is asked is not asked about it.
EXEMPT_GROUP = "admissionregistration.k8s.io"
EXEMPT_KINDS = frozenset({
    "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
})  # fmt: skip
# Questions, not objects: who answers one of them asks others of the same sort.
REVIEWS = frozenset({
    ("authentication.k8s.io", "selfsubjectreviews"), ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"), ("authorization.k8s.io", "subjectaccessreviews"),
})  # fmt: skip


class Rule(Protocol):
    """Which requests are meant: a rule of a webhook; one of a policy has `resource_names` besides."""

    @property
    def operations(self) -> tuple[str, ...]: ...
    @property
    def api_groups(self) -> tuple[str, ...]: ...
    @property
    def api_versions(self) -> tuple[str, ...]: ...
    @property
    def resources(self) -> tuple[str, ...]: ...
    @property
    def scope(self) -> str | None: ...


class Place(Struct, frozen=True):
    """A kind in one of its versions, as paths and as objects name it."""

    group: str
    version: str
    resource: str  # the plural
    kind: str
    kind_group: str = ""  # of the kind: Scale is of autoscaling wherever it is found
    kind_version: str = ""
    is_own: bool = False  # a part of the object that is sent as something of its own: its kind is that of the part

    @property
    def api_version(self) -> str:
        """Of its objects."""
        return f"{self.kind_group}/{self.kind_version}" if self.kind_group else self.kind_version


class Asked(Struct, frozen=True, kw_only=True):
    """A request as admission sees it."""

    operation: str
    place: Place  # in the version that was asked for
    subresource: str = ""
    namespace: str = ""  # that of a namespace itself is its name
    name: str = ""
    object: Any = None  # as it shall be; None for DELETE
    old_object: Any = None  # as it is; None for CREATE and CONNECT


def place_of(kind: Kind, subresource: str = "") -> Place:
    """A kind, or a part of it, as a request names it."""
    part = SHARED.get(subresource) or subresource_of(kind, subresource)
    if part is None or not part.kind:
        return Place(kind.group, kind.version, kind.plural, kind.kind, kind.group, kind.version)
    group = kind.group if part.group is None else part.group
    return Place(kind.group, kind.version, kind.plural, part.kind, group, part.version or kind.version, is_own=True)


def is_exempt(asked: Asked) -> bool:
    """Whether nobody outside has a say in it."""
    place = asked.place
    if place.group == EXEMPT_GROUP:
        return place.kind in EXEMPT_KINDS
    return (place.group, place.resource) in REVIEWS


def meant(rules: Iterable[Rule], match_policy: str | None, asked: Asked, scheme: Scheme) -> Place | None:
    """The version in which a request is meant by one of the rules; None where it is not. Under `Equivalent` another version
    of the kind will do, and the request is then shown in that one."""
    rules = tuple(rules)
    if any(matches(rule, asked) for rule in rules):
        return asked.place
    if match_policy != "Equivalent":
        return None
    others = tuple(equivalents(scheme, asked.place, asked.subresource))
    for rule in rules:
        for other in others:
            if matches(rule, replace(asked, place=other)):
                return other
    return None


def equivalents(scheme: Scheme, place: Place, subresource: str = "") -> Iterator[Place]:
    """The other versions, of whatever group, in which the same objects are served."""
    kind = scheme.find(place.group, place.version, place.resource)
    if kind is None:
        return
    for other in scheme.served():
        if other.resource == kind.resource and other is not kind:
            yield place_of(other, subresource)


def matches(rule: Rule, asked: Asked) -> bool:
    """Whether a rule means a request, by the version that it names."""
    place = asked.place
    return (
        _scope(rule.scope, asked)
        and _among(rule.operations, asked.operation)
        and _among(rule.api_groups, place.group)
        and _among(rule.api_versions, place.version)
        and any(_resource(text, place.resource, asked.subresource) for text in rule.resources)
        and _named(getattr(rule, "resource_names", ()), asked.name)
    )


def _among(items: tuple[str, ...], wanted: str) -> bool:
    return ANY in items or wanted in items


def _named(names: tuple[str, ...], name: str) -> bool:
    return not names or name in names


def _resource(text: str, resource: str, subresource: str) -> bool:
    """`pods`, `pods/status`, `pods/*`, `*/scale`, `*` (of which parts are none), `*/*`."""
    whole, _, part = text.partition("/")
    return whole in (ANY, resource) and part in (ANY, subresource)


def _scope(scope: str | None, asked: Asked) -> bool:
    """A namespace is an object of the cluster, although its name is a namespace."""
    if scope in (None, "", ANY):
        return True
    clustered = not asked.namespace or is_namespace(asked.place)
    return clustered if scope == "Cluster" else scope == "Namespaced" and not clustered


def is_namespace(place: Place) -> bool:
    return (place.group, place.resource) == ("", "namespaces")


def in_namespaces(selector: LabelSelector | None, asked: Asked, view: Objects) -> bool:
    """Whether a selector chooses the namespace of a request; what is in none is never left out.
    Errors: NotFound for a namespace that is not there."""
    chosen = _selector(selector)
    if not chosen or (not asked.namespace and asked.place.resource != "namespaces"):
        return True
    if is_namespace(asked.place) and not asked.subresource and asked.operation in (CREATE, UPDATE):
        return chosen.matches(asked.object.metadata.labels)
    entry = view.entry("namespaces", asked.namespace)
    if entry is None:
        raise not_found("namespaces", "", asked.namespace)
    return chosen.matches(entry.object.metadata.labels)


def by_object(selector: LabelSelector | None, asked: Asked) -> bool:
    """Whether a selector chooses the object as it shall be, or as it is."""
    chosen = _selector(selector)
    return not chosen or _chosen(chosen, asked.object) or _chosen(chosen, asked.old_object)


def _chosen(selector: Selector, obj: Any) -> bool:
    metadata = getattr(obj, "metadata", None)
    return metadata is not None and selector.matches(metadata.labels)


def _selector(selector: LabelSelector | None) -> Selector:
    return of_label_selector(selector if selector is not None else EVERYTHING)


EVERYTHING = LabelSelector()
