"""The kinds that a view knows, as a value: what each is called, where it is served, and the Struct of its objects.

A scheme is never changed; taking a kind in or out makes another one. So two clusters in one process do not share kinds, the
past has the kinds of its time, and what is worked out for a scheme can be kept by it: schemes are compared by identity.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from shipslog.store.refusals import group_resource

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Kind(Struct, frozen=True, kw_only=True, eq=False):
    """One kind of object and the subresources that it has. A Binding is only posted; reviews are the API's own."""

    group: str = ""
    version: str = "v1"  # the one that is stored
    kind: str
    plural: str
    singular: str
    namespaced: bool = True
    type: type[Any]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    resource: str = ""  # "pods"; with a group "leases.coordination.k8s.io": the key of the kind on the log and in the view
    api_version: str = ""  # "v1", "coordination.k8s.io/v1"
    head: bytes = b""  # how the JSON of each object begins, when our encoder wrote it
    heads: tuple[bytes, ...] = ()  # the same as long, and as it was up to format 2 of the log
    defines: "Callable[[Any], Kind | None] | None" = None  # for objects that define kinds: the one that an object stands for

    def __post_init__(self) -> None:
        force_setattr(self, "resource", group_resource(self.plural, self.group))
        force_setattr(self, "api_version", f"{self.group}/{self.version}" if self.group else self.version)
        force_setattr(self, "head", f'{{"kind":"{self.kind}","apiVersion":"{self.api_version}",'.encode())
        before = f'{{"apiVersion":"{self.api_version}","kind":"{self.kind}",'.encode()
        force_setattr(self, "heads", (self.head, before))

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"


def kind_of(plural: str, struct: type[Any], **rest: Any) -> Kind:
    """A kind that is named as its Struct is."""
    return Kind(kind=struct.__name__, plural=plural, singular=struct.__name__.lower(), type=struct, **rest)


class Scheme:
    """A set of kinds, with the ways to find one. Two kinds may share a Struct (custom resources do); the first is `of` it."""

    __slots__ = ("_by_gvk", "_by_path", "_by_resource", "_by_type", "_kinds", "_served")

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(kinds)
        self._by_resource = {k.resource: k for k in self._kinds}
        self._by_type = {k.type: k for k in reversed(self._kinds)}
        self._by_path = {(k.group, k.version, k.plural): k for k in self._kinds}
        self._by_gvk = {(k.api_version, k.kind): k for k in self._kinds}
        self._served = {(k.group, k.version) for k in self._kinds}

    def kinds(self) -> tuple[Kind, ...]:
        """Every kind, by group and plural."""
        return self._kinds

    def groups(self) -> tuple[str, ...]:
        """The groups that have kinds, in the order of names; the core group is ""."""
        return tuple(sorted({k.group for k in self._kinds}))

    def versions(self, group: str) -> tuple[str, ...]:
        """The versions in which a group's kinds are served, in the order of names."""
        return tuple(sorted({k.version for k in self._kinds if k.group == group}))

    def by_resource(self, resource: str) -> Kind:
        """The kind of a resource key, "leases.coordination.k8s.io". Errors: KeyError."""
        return self._by_resource[resource]

    def knows(self, resource: str) -> bool:
        return resource in self._by_resource

    def of(self, obj: Any) -> Kind:
        """The kind of an object, or of its type. Errors: KeyError."""
        struct = obj if isinstance(obj, type) else type(obj)
        kind = self._by_type[struct]
        if struct is not obj and kind.kind != obj.kind:
            return self._by_gvk[obj.api_version, obj.kind]
        return kind

    def of_type(self, struct: type[Any]) -> Kind | None:
        """The kind whose objects are of this type; None for a part of one."""
        return self._by_type.get(struct)

    def named(self, text: str) -> Kind:
        """The kind that a person means: `pod`, `po`, `pods`, `Pod`, `endpointslices.discovery.k8s.io`. Errors: ValueError."""
        wanted = text.lower()
        for kind in self._kinds:
            if wanted in (kind.resource, kind.plural, kind.singular, kind.kind.lower(), *kind.short_names):
                return kind
        raise ValueError(f"there is no kind {text!r}; kinds are {', '.join(sorted(k.plural for k in self._kinds))}")

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_path.get((group, version, plural))

    def serves(self, group: str, version: str) -> bool:
        """Whether there is any kind in a group's version."""
        return (group, version) in self._served

    def by_gvk(self, api_version: str, kind: str) -> Kind | None:
        return self._by_gvk.get((api_version, kind))

    def with_kind(self, kind: Kind) -> "Scheme":
        """This scheme and one more kind; it takes the place of one with the same resource key."""
        return Scheme([k for k in self._kinds if k.resource != kind.resource] + [kind])

    def without(self, resource: str) -> "Scheme":
        return Scheme(k for k in self._kinds if k.resource != resource)
