"""The kinds that a view knows, as a value: what each is called, where it is served, and the Struct of its objects.

A scheme is never changed; taking a kind in or out makes another one. So two clusters in one process do not share kinds, the
past has the kinds of its time, and what is worked out for a scheme can be kept by it: schemes are compared by identity.
"""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.fields.shapes import per_type
from shipslog.store.refusals import Conflict, group_resource

AnyType = type[Any]
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Unconverted(Conflict):
    """An object that only another server can turn into the version of a kind, and has not been asked to."""

    def __init__(self, kind: "Kind", obj: Any) -> None:
        super().__init__(
            f"{kind.plural}.{kind.group} are converted by a webhook, which was not asked to make {kind.api_version} of "
            f"{obj.api_version}: give the object in the version that is stored, or try again"
        )
        self.to, self.object = kind, obj


class Kind:
    """One kind of object and the subresources that it has. A Binding is only posted; reviews are the API's own.

    A kind is a value and never changes. Its type may be given as text, `apps_v1:Deployment`: the module is imported when the
    type is first asked for, so a cluster that has no Deployments does not hold what they are made of.
    """

    def __init__(
        self,
        *,
        group: str = "",
        version: str = "v1",
        kind: str,
        plural: str,
        singular: str,
        namespaced: bool = True,
        type: AnyType | str,
        short_names: tuple[str, ...] = (),
        categories: tuple[str, ...] = (),
        subresources: tuple[str, ...] = (),
        verbs: tuple[str, ...] = VERBS,
        defines: "Callable[[Any], Sequence[Kind]] | None" = None,
        hub: "Kind | None" = None,
        conversion: str = "",
        definition: Any = None,
        is_served: bool = True,
        list_kind: str = "",
    ) -> None:
        """`hub`: the kind as it is stored, where this is another version of it; `conversion`: the module of `conversions` that
        turns the one into the other, where more differs than the version's name. `defines` tells of an object that defines a
        kind which one that is: as it is stored first, then its other versions. `definition`: what such an object says of this
        one. One that is not served is stored alone."""
        self.hub, self._conversion = hub, conversion
        self.group, self.version, self.kind, self.plural, self.singular = group, version, kind, plural, singular
        self.namespaced, self.short_names, self.categories = namespaced, short_names, categories
        self.subresources, self.verbs, self.defines = subresources, verbs, defines
        self.definition, self.is_served, self.list_kind = definition, is_served, list_kind or f"{kind}List"
        self._type = type
        self.place = type if isinstance(type, str) else place_of(type)  # of its type: "apps_v1:Deployment"
        # "pods"; with a group "leases.coordination.k8s.io": the key of the kind on the log and in the view, in every version
        self.resource: str = hub.resource if hub is not None else group_resource(plural, group)
        self.api_version = f"{group}/{version}" if group else version  # "v1", "coordination.k8s.io/v1"
        # How the JSON of each object begins, when our encoder wrote it; and as it was up to format 2 of the log, just as long.
        self.head = f'{{"kind":"{kind}","apiVersion":"{self.api_version}",'.encode()
        self.heads = (self.head, f'{{"apiVersion":"{self.api_version}","kind":"{kind}",'.encode())

    @property
    def type(self) -> AnyType:
        """The Struct of its objects."""
        if isinstance(self._type, str):
            self._type = type_at(self._type)
        assert not isinstance(self._type, str)
        return self._type

    @property
    def is_foreign(self) -> bool:
        """Whether another server turns its versions into each other: see `Unconverted`."""
        return self.definition is not None and bool(self.definition.is_foreign)

    @property
    def is_loaded(self) -> bool:
        """Whether its type was given, or asked for already."""
        return not isinstance(self._type, str)

    def to_hub(self, obj: Any) -> Any:
        """An object of this version as it is stored. Errors: Unconverted."""
        if self.hub is None:
            return obj
        if self.is_foreign and obj.api_version != self.hub.api_version:
            raise Unconverted(self.hub, obj)
        made = self._conversions().to_hub(obj) if self._conversion else obj
        return replace(made, kind=self.hub.kind, api_version=self.hub.api_version)

    def from_hub(self, obj: Any) -> Any:
        """A stored object in this version. Errors: Unconverted."""
        if self.is_foreign and obj.api_version != self.api_version:
            raise Unconverted(self, obj)
        if self.hub is None or (self.is_foreign and obj.api_version == self.api_version):
            return obj
        made = self._conversions().from_hub(obj) if self._conversion else obj
        if self.definition is not None:
            made = self.definition.shown(made)
        return replace(made, kind=self.kind, api_version=self.api_version)

    def field_of_hub(self, path: str) -> str:
        """What a field that can be selected is called in the stored version; "" for one that this version does not have."""
        if self.hub is None or not self._conversion or path.startswith("metadata."):
            return path
        fields: dict[str, str] = self._conversions().FIELDS
        return fields.get(path, "")

    def _conversions(self) -> Any:
        return import_module(f"{__package__}.conversions.{self._conversion}")

    def is_like(self, other: "Kind") -> bool:
        """Whether another kind says the same in all."""
        mine, others = vars(self), vars(other)
        return all(mine[name] == others[name] for name in mine if name != "hub")

    def __repr__(self) -> str:
        return f"<Kind {self.resource} {self.version}>"


def kind_of(plural: str, place: str, **rest: Any) -> Kind:
    """A kind that is named as its type is: `apps_v1:Deployment`."""
    name = place.partition(":")[2]
    return Kind(kind=name, plural=plural, singular=name.lower(), type=place, **rest)


@per_type
def place_of(struct: AnyType) -> str:
    """Where a type stands: its module's name alone, and its own."""
    return f"{struct.__module__.rpartition('.')[2]}:{struct.__name__}"


def type_at(place: str) -> AnyType:
    """The Struct of a place, "apps_v1:Deployment"; its module is imported."""
    module, _, name = place.partition(":")
    struct: AnyType = getattr(import_module(f"{__package__}.types.{module}"), name)
    return struct


class NotServed(KeyError):
    """There is no such kind, or none any more."""


class Scheme:
    """A set of kinds as they are stored and the other versions in which they are served, with the ways to find one.

    Two kinds may share a Struct (custom resources do); the first is `of` it."""

    __slots__ = (
        "_all",
        "_by_gvk",
        "_by_path",
        "_by_place",
        "_by_resource",
        "_by_type",
        "_kinds",
        "_served",
        "_versions",
        "has_foreign",
    )

    def __init__(self, kinds: Iterable[Kind]) -> None:
        """`kinds`: those that are stored, and further versions (with a `hub`)."""
        self._all = tuple(kinds)
        self._served = tuple(k for k in self._all if k.is_served)
        self._kinds = tuple(k for k in self._all if k.hub is None)
        self._by_resource = {k.resource: k for k in self._kinds}
        self._by_place = {k.place: k for k in reversed(self._kinds)}
        self._by_type: dict[AnyType, Kind] = {}  # those that were asked for
        self._by_path = {(k.group, k.version, k.plural): k for k in self._served}
        self._by_gvk = {(k.api_version, k.kind): k for k in self._all}
        self.has_foreign = any(k.is_foreign for k in self._kinds)  # kinds whose versions another server turns into each other
        self._versions = {(k.group, k.version) for k in self._served}

    def kinds(self) -> tuple[Kind, ...]:
        """Every kind as it is stored, by group and plural."""
        return self._kinds

    def served(self) -> tuple[Kind, ...]:
        """Every kind in every version in which it is served."""
        return self._served

    def groups(self) -> tuple[str, ...]:
        """The groups that have kinds, in the order of names; the core group is ""."""
        return tuple(sorted({k.group for k in self._served}))

    def versions(self, group: str) -> tuple[str, ...]:
        """The versions in which a group's kinds are served, in the order of names."""
        return tuple(sorted({k.version for k in self._served if k.group == group}))

    def by_resource(self, resource: str) -> Kind:
        """The kind of a resource key, "leases.coordination.k8s.io". Errors: NotServed."""
        try:
            return self._by_resource[resource]
        except KeyError as error:
            raise NotServed(resource) from error

    def knows(self, resource: str) -> bool:
        return resource in self._by_resource

    def of(self, obj: Any) -> Kind:
        """The kind of a stored object, or of its type. Errors: NotServed."""
        struct = obj if isinstance(obj, type) else type(obj)
        kind = self._by_type.get(struct) or self.of_type(struct)
        if kind is None:
            raise NotServed(struct)
        if struct is not obj and (kind.kind != obj.kind or kind.definition is not None):
            found = self._by_gvk.get((obj.api_version, obj.kind))
            if found is None:
                raise NotServed(obj.api_version, obj.kind)
            return found.hub or found
        return kind

    def of_type(self, struct: AnyType) -> Kind | None:
        """The kind whose objects are stored as this type; None for a part of one."""
        kind = self._by_type.get(struct)
        if kind is None:
            kind = self._by_place.get(place_of(struct))
            if kind is None or kind.type is not struct:
                return None
            self._by_type[struct] = kind
        return kind

    def named(self, text: str) -> Kind:
        """The kind that a person means: `pod`, `po`, `pods`, `Pod`, `endpointslices.discovery.k8s.io`. Errors: ValueError."""
        wanted = text.lower()
        for kind in self._kinds:
            if wanted in (kind.resource, kind.plural, kind.singular, kind.kind.lower(), *kind.short_names):
                return kind
        names = {name: k.plural for k in self._kinds for name in (k.plural, k.singular)}
        import difflib  # nobody needs it who makes no mistake

        if near := difflib.get_close_matches(wanted, names, n=1):
            raise ValueError(f"there is no kind {text!r}; did you mean {names[near[0]]}?")
        raise ValueError(f"there is no kind {text!r}; kinds are {', '.join(sorted(k.plural for k in self._kinds))}")

    def version_of(self, obj: Any) -> Kind | None:
        """The kind of an object in whatever version it is; None for what is no object."""
        if (stored := self.of_type(type(obj))) is not None:
            return stored if stored.definition is None else self._by_gvk.get((obj.api_version, obj.kind))
        return next((k for k in self._served if k.place == place_of(type(obj)) and k.api_version == obj.api_version), None)

    def in_version(self, kind: Kind, api_version: str) -> Kind:
        """A stored kind in another version, "policy/v1beta1"; the kind itself for "". Errors: NotServed."""
        if not api_version:
            return kind
        try:
            return self._by_gvk[api_version, kind.kind]
        except KeyError as error:
            raise NotServed(api_version, kind.kind) from error

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind of a path, in its version."""
        return self._by_path.get((group, version, plural))

    def serves(self, group: str, version: str) -> bool:
        """Whether there is any kind in a group's version."""
        return (group, version) in self._versions

    def by_gvk(self, api_version: str, kind: str) -> Kind | None:
        return self._by_gvk.get((api_version, kind))

    def with_kind(self, kind: Kind, *versions: Kind) -> "Scheme":
        """This scheme and one more kind, with its further versions; it takes the place of one with the same resource key."""
        return Scheme([*(k for k in self._all if k.resource != kind.resource), kind, *versions])

    def without(self, resource: str) -> "Scheme":
        return Scheme(k for k in self._all if k.resource != resource)
