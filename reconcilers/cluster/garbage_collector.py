"""Objects whose owners are gone go too; owners that are deleted wait for theirs, or let them go first.

Source: Kubernetes' garbage collector: background, foreground (`foregroundDeletion`) and orphan deletion.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.store.commands import AnyObjectCommand, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted, ObjectFact, ObjectModified
from shipslog.store.objects import meta_v1
from shipslog.store.state import Entry, View

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
BATCH = 500


class _Owner(msgspec.Struct, frozen=True):
    uid: str = ""


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    owner_references: tuple[_Owner, ...] = ()


class _Owned(msgspec.Struct, frozen=True):
    metadata: _Meta = _Meta()


_owners = msgspec.json.Decoder(_Owned).decode  # of an object that is gone, whatever its kind


def keys_for(view: View, event: Event) -> Iterable[str]:
    """What was owned by an object that is gone; an owner that waits; what was made with an owner that never was."""
    fact = event.fact
    if isinstance(fact, ObjectDeleted):
        return [*_dependents(view, fact.uid), *_waiting_owners(fact)]
    if isinstance(fact, ObjectCreated):
        entry = view.by_uid(fact.uid)
        return (fact.uid,) if entry is not None and entry.object.metadata.owner_references else ()
    if isinstance(fact, ObjectModified):
        entry = view.by_uid(fact.uid)
        if entry is None or not _goes_by_steps(entry.object.metadata):
            return () if entry is None else _owners_that_wait(view, entry.object.metadata)
        return [fact.uid, *_dependents(view, fact.uid)]
    return ()


def _dependents(view: View, uid: str) -> list[str]:
    return [entry.object.metadata.uid for entry in view.owned(uid)]


def _waiting_owners(fact: ObjectFact) -> Iterator[str]:
    """The owners that an object names which is gone: they may have waited for it. `decide` finds out."""
    yield from _owner_uids(bytes(fact.object))


def _owner_uids(encoded: bytes) -> list[str]:
    return [owner.uid for owner in _owners(encoded).metadata.owner_references]


def _owners_that_wait(view: View, meta: meta_v1.ObjectMeta) -> list[str]:
    found = []
    for reference in meta.owner_references:
        owner = view.by_uid(reference.uid)
        if owner is not None and _goes_by_steps(owner.object.metadata):
            found.append(reference.uid)
    return found


def _goes_by_steps(meta: meta_v1.ObjectMeta) -> bool:
    return bool(meta.deletion_timestamp) and (ORPHAN in meta.finalizers or FOREGROUND in meta.finalizers)


def all_keys(view: View) -> Iterable[str]:
    for resource in view.resources():
        for entry in view.entries(resource):
            if entry.object.metadata.owner_references or _goes_by_steps(entry.object.metadata):
                yield entry.object.metadata.uid


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """What becomes of one object for the sake of its owners, or of what it owns."""
    entry = view.by_uid(key)
    if entry is None:
        return Decision(reason="it is gone")
    meta = entry.object.metadata
    if meta.deletion_timestamp and ORPHAN in meta.finalizers:
        return _let_go(view, entry)
    if meta.deletion_timestamp and FOREGROUND in meta.finalizers:
        return _take_along(view, entry)
    if not meta.owner_references or meta.deletion_timestamp:
        return Decision(reason="it has no owners, or is going")
    there = [o for o in meta.owner_references if _exists(view, o, meta.namespace)]
    if len(there) == len(meta.owner_references):
        going = [o for o in there if _takes_along(view, o)]
        if len(going) < len(there) or not going:
            return Decision(reason="its owners exist")
        propagation = "Foreground" if _has_blocking_dependents(view, key) else "Background"
        return Decision(reason="its owners are being deleted with what they own", commands=(_delete(entry, propagation),))
    if there:
        kept = replace(entry.object, metadata=replace(meta, owner_references=tuple(there)))
        return Decision(reason="some of its owners are gone", commands=(Update(object=kept),))
    return Decision(reason="its owners are gone", commands=(_delete(entry, "Background"),))


def _exists(view: View, reference: meta_v1.OwnerReference, namespace: str) -> bool:
    """Whether the owner is there. Of kinds that are not served nothing is known: they count as existing."""
    kind = view.scheme.by_gvk(reference.api_version, reference.kind)
    if kind is None:
        return True
    found = view.by_uid(reference.uid)
    if found is None or found.resource != kind.resource:
        return False
    return not kind.namespaced or found.object.metadata.namespace == namespace


def _takes_along(view: View, reference: meta_v1.OwnerReference) -> bool:
    owner = view.by_uid(reference.uid)
    return (
        owner is not None and bool(owner.object.metadata.deletion_timestamp) and FOREGROUND in owner.object.metadata.finalizers
    )


def _has_blocking_dependents(view: View, uid: str) -> bool:
    return any(
        o.uid == uid and o.block_owner_deletion for entry in view.owned(uid) for o in entry.object.metadata.owner_references
    )


def _delete(entry: Entry, propagation: Any) -> Delete:
    meta = entry.object.metadata
    return Delete(
        resource=entry.resource, namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation=propagation
    )  # fmt: skip


def _let_go(view: View, entry: Entry) -> Decision:
    """Orphan: take the owner's mark off what it owns, then let the owner go."""
    uid = entry.object.metadata.uid
    owned = view.owned(uid)
    if owned:
        commands: list[AnyObjectCommand] = []
        for dependent in owned[:BATCH]:
            meta = dependent.object.metadata
            others = tuple(o for o in meta.owner_references if o.uid != uid)
            commands.append(Update(object=replace(dependent.object, metadata=replace(meta, owner_references=others))))
        return Decision(reason=f"orphaning {len(owned)} objects", commands=tuple(commands), requeue_after=0.01)
    return Decision(reason="nothing is left to orphan", commands=(_without(entry, ORPHAN),))


def _take_along(view: View, entry: Entry) -> Decision:
    """Foreground: delete what is owned; the owner goes when none is left that blocks it."""
    uid = entry.object.metadata.uid
    owned = view.owned(uid)
    blocking = [d for d in owned if any(o.uid == uid and o.block_owner_deletion for o in d.object.metadata.owner_references)]
    if not blocking:
        return Decision(reason="nothing blocks it any more", commands=(_without(entry, FOREGROUND),))
    return Decision(reason=f"waits for {len(blocking)} objects that it owns")


def _without(entry: Entry, finalizer: str) -> Update:
    meta = entry.object.metadata
    left = tuple(f for f in meta.finalizers if f != finalizer)
    return Update(object=replace(entry.object, metadata=replace(meta, finalizers=left)))


RECONCILER = Reconciler(
    name="garbage-collector", actor="system:controller:generic-garbage-collector", keys_for=keys_for, all_keys=all_keys,
    decide=decide,
)  # fmt: skip
