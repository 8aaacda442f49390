"""Who owns which fields of an object (`metadata.managedFields`), as every write that names a manager keeps it, and apply by it.

A manager is told apart by its name, whether it applies or updates, the version and the subresource. What it applied last are
the fields that it owns; what others change they take over. Source: Kubernetes' field managers, structured-merge-diff.

Tests: tests/engine/api/test_apply.py
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.objects.fields.field_sets import (
    FieldSet,
    absorb,
    below_removed,
    difference,
    intersection,
    is_set,
    of_paths,
    ordered,
    path_text,
    paths,
    union,
)
from shipslog.store.objects.fields.shapes import per_type
from shipslog.store.objects.fields.structured import Difference, Node, compare, fields_in, merged, root_of, without
from shipslog.store.objects.scheme import Kind, NotServed, Scheme
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest, Cause, Conflict, TooLarge, Unexpected

APPLY, UPDATE = "Apply", "Update"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE, ANCIENT = "before-first-apply", "ancient-changes"
TRACKED_BYTES = 1 << 20  # of a larger object it is not kept who owns which field: that would take as much as the object
UPDATERS = 10  # managers that update and are remembered by name; the oldest become one
# What the server itself keeps belongs to nobody.
NOBODYS = of_paths(
    "apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.creationTimestamp", "metadata.selfLink",
    "metadata.uid", "metadata.clusterName", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion",
    "metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds",
)  # fmt: skip
STATUS, NOT_STATUS = of_paths("status"), of_paths("spec", "metadata.labels", "metadata.annotations")


class Manager(Struct, frozen=True, order=True):
    """Who owns fields."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


class Managed(Struct):
    """The managers of one object."""

    sets: dict[Manager, FieldSet]
    times: dict[Manager, str]

    @classmethod
    def of(cls, entries: Sequence[meta_v1.ManagedFieldsEntry]) -> "Managed":
        """As an object has them. What nobody can read is passed over."""
        managed = cls({}, {})
        for entry in entries:
            if isinstance(entry.fields_v1, dict):
                manager = Manager(entry.manager, entry.operation, entry.api_version, entry.subresource)
                absorb(managed.sets.setdefault(manager, {}), entry.fields_v1)
                managed.times[manager] = entry.time
        return managed

    def entries(self) -> tuple[meta_v1.ManagedFieldsEntry, ...]:
        """As an object holds them: who applies first, then by time. Times of whole seconds in UTC are in order as texts are."""

        def place(manager: Manager) -> tuple[str, ...]:
            time = self.times.get(manager, "")
            return manager.operation, time, manager.name, manager.api_version, manager.subresource

        return tuple(
            meta_v1.ManagedFieldsEntry(
                manager=manager.name,
                operation=manager.operation,
                api_version=manager.api_version,
                time=self.times.get(manager, ""),
                fields_type="FieldsV1",
                fields_v1=ordered(self.sets[manager]),
                subresource=manager.subresource,
            )
            for manager in sorted(self.sets, key=place)
            if self.sets[manager]
        )

    def give(self, manager: Manager, fields: FieldSet, time: str) -> None:
        self.sets[manager] = fields
        self.times[manager] = time

    def shorten(self) -> None:
        """Only so many updaters are remembered by name."""
        if len(self.sets) <= UPDATERS:
            return
        updaters = sorted(
            (m for m in self.sets if m.operation == UPDATE and m.name != ANCIENT and self.sets[m]),
            key=lambda m: (self.times.get(m, ""), m),
        )
        for manager in updaters[: max(len(updaters) - UPDATERS, 0)]:
            old = Manager(ANCIENT, UPDATE, manager.api_version)
            absorb(self.sets.setdefault(old, {}), self.sets.pop(manager))
            self.times[old] = self.times.pop(manager)


class Words:
    """What has changed of an object, in the words of each version that somebody writes: some call a field by another name."""

    def __init__(self, scheme: Scheme, kind: Kind, old: Any, new: Any) -> None:
        """`kind` and the objects as they are stored; `old`: None for an object that was made."""
        self._scheme, self._kind, self.was, self.now = scheme, kind, old, new
        self._texts = _nothing(kind.type) if old is None else _json(old), _json(new)
        self._found: dict[str, Difference] = {}

    def in_version(self, api_version: str) -> Difference:
        """In one version; in that of the stored object where there is none any more."""
        try:
            kind = self._scheme.in_version(self._kind, api_version)
        except NotServed:
            kind = self._kind
        key = kind.place if kind.definition is None else kind.api_version  # many versions have the type of the stored one
        found = self._found.get(key)
        if found is None:
            was, now_is = self._texts if kind.place == self._kind.place else self._converted(kind)
            found = self._found[key] = compare(root_of(kind), msgspec.json.decode(was), msgspec.json.decode(now_is))
        return found

    def _converted(self, kind: Kind) -> tuple[bytes, bytes]:
        return _nothing(kind.type) if self.was is None else _json(kind.from_hub(self.was)), _json(kind.from_hub(self.now))

    @property
    def are_many(self) -> bool:
        """Whether it would take as much to keep who owns which field as it takes to keep the object."""
        return max(map(len, self._texts)) > TRACKED_BYTES


def updated(
    words: Words, manager: Manager, now: str, given: Sequence[meta_v1.ManagedFieldsEntry]
) -> tuple[meta_v1.ManagedFieldsEntry, ...]:
    """The managed fields of an object that a manager has written. `given`: those that the object had, or that came with it from
    who keeps them itself."""
    if words.was is not None and not words.was.metadata.managed_fields and not given:
        return ()  # nobody owns anything of it yet: that begins with the first apply
    if words.are_many:
        return tuple(given)
    managed = Managed.of(given)
    try:
        found = words.in_version(manager.api_version)
    except Unexpected:
        return tuple(given)  # an item of a list lacks its key: who owns what cannot be said, and nobody is kept from writing
    removed, taken = _owned(found.removed, manager), _owned(union(found.modified, found.added), manager)
    for other in tuple(managed.sets):
        if other != manager:
            theirs = words.in_version(other.api_version)
            lost = _owned(union(theirs.removed, union(theirs.modified, theirs.added)), manager)
            managed.sets[other] = difference(managed.sets[other], lost)
    if taken or removed:
        before = managed.sets.get(manager, {})
        after = union(difference(before, removed), taken)
        if taken or after != before:
            managed.give(manager, after, now)
    managed.shorten()
    return managed.entries()


def undecodable(entries: Sequence[meta_v1.ManagedFieldsEntry]) -> str:
    """Why nobody can read who owns what, in Kubernetes' words; "" for entries that are right."""
    for at, entry in enumerate(entries):
        if entry.operation not in (APPLY, UPDATE):
            return "operation must be `Apply` or `Update`"
        if not entry.api_version:
            return "apiVersion must not be empty"
        if not entry.fields_type:
            return f"missing fieldsType in managed fields entry {at}"
        if entry.fields_type != "FieldsV1":
            return f'invalid fieldsType "{entry.fields_type}" in managed fields entry {at}'
        if not is_set(entry.fields_v1):
            return f"error decoding versioned set from managed fields entry {at}"
    return ""


def kept_by(obj: Any, entries: tuple[meta_v1.ManagedFieldsEntry, ...]) -> Any:
    """The object with its managed fields."""
    return replace(obj, metadata=replace(obj.metadata, managed_fields=entries))


def _owned(fields: FieldSet, manager: Manager) -> FieldSet:
    """What of it somebody may own who writes there."""
    fields = below_removed(fields, NOBODYS)
    return below_removed(fields, NOT_STATUS if manager.subresource == "status" else STATUS)


@per_type
def _nothing(struct: type[Any]) -> bytes:
    """The JSON of an object of which nothing is said."""
    return _json(struct())


def _json(obj: Any) -> bytes:
    """An object's JSON without its managed fields."""
    if obj.metadata.managed_fields:
        obj = replace(obj, metadata=replace(obj.metadata, managed_fields=()))
    return codec.encode(obj)


class Applied(Struct, frozen=True):
    """What an apply makes: the object's JSON, and its managers as they are then."""

    value: dict[str, Any]
    managed: Managed


def applied(
    scheme: Scheme, kind: Kind, live: Any | None, config: Mapping[str, Any], manager: Manager, now: str, *, force: bool
) -> Applied:
    """Have what a configuration says. `kind` and `live` are in its version. Errors: Conflict, naming managers and fields;
    BadRequest."""
    node = root_of(kind)
    if (config.get("metadata") or {}).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    config = _wanted(config)
    mine = _owned(fields_in(node, config), manager)
    if live is None:
        managed = Managed({}, {})
        managed.give(manager, mine, now)
        return Applied(dict(config), managed)
    text = _json(live)
    if len(text) > TRACKED_BYTES:
        raise TooLarge(
            f"the object takes {len(text)} bytes, and who owns which field is kept of objects of at most {TRACKED_BYTES}: "
            "use another patch, or divide it into several objects"
        )
    value: dict[str, Any] = msgspec.json.decode(text)
    managed = Managed.of(live.metadata.managed_fields)
    if not managed.sets:
        found = compare(node, msgspec.json.decode(_nothing(kind.type)), value)
        managed.give(Manager(BEFORE, UPDATE, manager.api_version), _owned(union(found.added, found.modified), manager), now)
    before = managed.sets.get(manager, {})
    result = merged(node, value, config)
    others = _union_of(managed, but=manager)
    if before:
        result = without(node, result, difference(before, mine), union(others, mine))
    found = compare(node, value, result)
    changed = _for_others(scheme, kind, live, result, managed, found)

    def touched(by: Manager) -> FieldSet:
        theirs = changed.get(by.api_version, found)
        return _owned(union(theirs.modified, theirs.added), manager)

    conflicts = {m: both for m, held in managed.sets.items() if m != manager and (both := intersection(held, touched(m)))}
    if conflicts and not force and not _is_kubectls_own(node, live, manager, conflicts):
        raise conflicting(conflicts)
    for other in tuple(managed.sets):
        if other != manager:
            lost = union(touched(other), _owned(changed.get(other.api_version, found).removed, manager))
            managed.sets[other] = difference(managed.sets[other], lost)
    if mine != before or found:
        managed.give(manager, mine, now)
    managed.shorten()
    return Applied(result, managed)


def _for_others(
    scheme: Scheme, kind: Kind, live: Any, result: Any, managed: Managed, found: Difference
) -> dict[str, Difference]:
    """What an apply changes, in the words of those versions that others write and that have other words."""
    versions = {manager.api_version for manager in managed.sets}
    others = [
        other
        for version in versions
        if (other := scheme.by_gvk(version, kind.kind)) is not None
        and other.resource == kind.resource
        and other.place != kind.place
    ]
    if not others:
        return {}
    try:
        made, _ = codec.from_builtins(kind.type, result, validation="Ignore")
    except codec.Undecodable:
        return {}  # it will be refused
    words = Words(scheme, kind.hub or kind, kind.to_hub(live), kind.to_hub(made))
    return {other.api_version: words.in_version(other.api_version) for other in others}


def _wanted(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what only a server says."""
    metadata = {k: v for k, v in (config.get("metadata") or {}).items() if k not in ("managedFields", "creationTimestamp")}
    return {**config, "metadata": metadata}


def _union_of(managed: Managed, *, but: Manager) -> FieldSet:
    owned: FieldSet = {}
    for manager, held in managed.sets.items():
        if manager != but:
            absorb(owned, held)
    return owned


def _is_kubectls_own(node: Node, live: Any, manager: Manager, conflicts: Mapping[Manager, FieldSet]) -> bool:
    """Whether the conflicts are with what kubectl itself applied before servers did: then it goes on with it."""
    text = live.metadata.annotations.get(LAST_APPLIED) if manager.name == "kubectl" else None
    if not text:
        return False
    try:
        held = fields_in(node, msgspec.json.decode(text))
    except (msgspec.DecodeError, Unexpected):
        return False
    return not any(difference(fields, held) for fields in conflicts.values())


def conflicting(conflicts: Mapping[Manager, FieldSet]) -> Conflict:
    """409: each manager and field once, as Kubernetes words it."""
    causes: list[Cause] = []
    lines: list[str] = []
    for manager in sorted(conflicts):
        who = f'"{manager.name}"' + (f' with subresource "{manager.subresource}"' if manager.subresource else "")
        who += f" using {manager.api_version}" if manager.operation == UPDATE else ""
        fields = [path_text(path) for path in paths(conflicts[manager])]
        causes += [Cause("FieldManagerConflict", f"conflict with {who}", field) for field in fields]
        lines += [f"conflicts with {who}:", *(f"- {field}" for field in fields)]
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return Conflict(message, causes=tuple(causes))
