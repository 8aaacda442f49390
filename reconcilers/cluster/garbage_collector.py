"""Objects whose owners are gone go too; owners that are deleted wait for theirs, or let them go first.

Source: Kubernetes' garbage collector: background, foreground (`foregroundDeletion`) and orphan deletion.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Delete, Update
from shipslog.store.objects.types import meta_v1
from shipslog.store.state import Entry
from shipslog.store.view import View
from shipslog.store.wording import counted

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
BATCH = 500


def _itself(view: View, obj: Any) -> Iterable[str]:
    """An object that may lose its owners, or that waits for what it owns."""
    meta = obj.metadata
    return (meta.uid,) if meta.owner_references or _goes_by_steps(meta) else ()


def _with_dependents(view: View, obj: Any) -> Iterable[str]:
    uid = obj.metadata.uid
    return (uid, *(entry.object.metadata.uid for entry in view.owned(uid)))


def _owners_that_wait(view: View, obj: Any) -> Iterable[str]:
    """The owners that an object names and that are being deleted step by step."""
    for named in obj.metadata.owner_references:
        owner = view.by_uid(named.uid)
        if owner is not None and _goes_by_steps(owner.object.metadata):
            yield named.uid


def _has_other_owners(before: Any, after: Any) -> bool:
    old = before.metadata.owner_references if before is not None else ()
    return after is not None and after.metadata.owner_references != old


def _goes_or_is_gone(before: Any, after: Any) -> bool:
    return after is None or _goes_by_steps(after.metadata)


def _stands_otherwise(before: Any, after: Any) -> bool:
    """Whether owners that wait for it may have to look again: it came, goes, went, or has others."""
    if before is None or after is None:
        return True
    old, new = before.metadata, after.metadata
    return bool(
        old.owner_references != new.owner_references
        or old.deletion_timestamp != new.deletion_timestamp
        or old.finalizers != new.finalizers
    )


def _goes_by_steps(meta: meta_v1.ObjectMeta) -> bool:
    return bool(meta.deletion_timestamp) and (ORPHAN in meta.finalizers or FOREGROUND in meta.finalizers)


# Keys are uids: an owner of the same name is another.
WAKES = (
    rule()
    .watches_every_kind(to=_itself, when=_has_other_owners, at_start=True)
    .watches_every_kind(to=_with_dependents, when=_goes_or_is_gone)
    .watches_every_kind(to=_owners_that_wait, when=_stands_otherwise)
)


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
    says = tuple(_warning(entry.object, owner) for owner in meta.owner_references if _is_elsewhere(view, owner, meta.namespace))
    if not meta.namespace and any(_is_of_a_namespaced_kind(view, owner) for owner in meta.owner_references):
        return Decision(reason="it names an owner in a namespace and is in none: it stays", says=says)
    there = [o for o in meta.owner_references if _exists(view, o, meta.namespace)]
    solid = tuple(o for o in there if not _takes_along(view, o))
    if solid and len(solid) == len(meta.owner_references):
        return Decision(reason="its owners exist", says=says)
    if solid:
        kept = replace(entry.object, metadata=replace(meta, owner_references=solid))
        return Decision(reason="some of its owners stay, the others are let go of", commands=(Update(object=kept),), says=says)
    if there:
        propagation = "Foreground" if _blocking(view, key) else "Background"
        why = "its owners are being deleted with what they own"
        return Decision(reason=why, commands=(_delete(entry, propagation),), says=says)
    return Decision(reason="its owners are gone", commands=(_delete(entry, _by_finalizers(meta)),), says=says)


def _by_finalizers(meta: meta_v1.ObjectMeta) -> Any:
    """How an object is deleted without anybody's asking: as its finalizers ask for."""
    return "Orphan" if ORPHAN in meta.finalizers else "Foreground" if FOREGROUND in meta.finalizers else "Background"


def _exists(view: View, reference: meta_v1.OwnerReference, namespace: str) -> bool:
    """Whether the owner is there, with the name and in the namespace that the reference says. Of kinds that are not served
    nothing is known: they count as existing."""
    kind = view.scheme.by_gvk(reference.api_version, reference.kind)
    if kind is None:
        return True
    found = view.by_uid(reference.uid)
    if found is None or found.resource != kind.resource or found.object.metadata.name != reference.name:
        return False
    return not kind.namespaced or found.object.metadata.namespace == namespace


def _is_of_a_namespaced_kind(view: View, reference: meta_v1.OwnerReference) -> bool:
    kind = view.scheme.by_gvk(reference.api_version, reference.kind)
    return kind is not None and kind.namespaced


def _is_elsewhere(view: View, reference: meta_v1.OwnerReference, namespace: str) -> bool:
    """Whether the owner is in another namespace, or in one while its dependent is in none: such a reference means nothing."""
    if not _is_of_a_namespaced_kind(view, reference):
        return False
    owner = view.by_uid(reference.uid)
    return not namespace or (owner is not None and owner.object.metadata.namespace != namespace)


def _warning(obj: Any, owner: meta_v1.OwnerReference) -> Say:
    namespace = obj.metadata.namespace
    named = f"[{owner.api_version}/{owner.kind}, namespace: {namespace}, name: {owner.name}, uid: {owner.uid}]"
    return Say(
        about=reference(obj), type="Warning", reason="OwnerRefInvalidNamespace",
        message=f'ownerRef {named} does not exist in namespace "{namespace}"',
    )  # fmt: skip


def _takes_along(view: View, reference: meta_v1.OwnerReference) -> bool:
    owner = view.by_uid(reference.uid)
    return owner is not None and _is_foreground(owner)


def _is_foreground(entry: Entry) -> bool:
    meta = entry.object.metadata
    return bool(meta.deletion_timestamp) and FOREGROUND in meta.finalizers


def _blocking(view: View, uid: str) -> list[Entry]:
    """What an object owns and has to outlive. References from elsewhere do not count: they mean nothing."""
    return [
        entry
        for entry in view.owned(uid)
        if any(
            o.uid == uid and o.block_owner_deletion and not _is_elsewhere(view, o, entry.object.metadata.namespace)
            for o in entry.object.metadata.owner_references
        )
    ]


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
        return Decision(reason=f"orphaning {counted(len(owned), 'object', 'objects')}", commands=tuple(commands))
    return Decision(reason="nothing is left to orphan", commands=(_without(entry, ORPHAN),))


def _take_along(view: View, entry: Entry) -> Decision:
    """Foreground: what is owned is deleted; the owner goes when none is left that blocks it."""
    uid = entry.object.metadata.uid
    blocking = _blocking(view, uid)
    if entry.object.metadata.owner_references:  # only then can it be part of a circle
        blocking = [dependent for dependent in blocking if not _waits_for(view, dependent, uid)]
    if not blocking:
        return Decision(reason="nothing blocks it any more", commands=(_without(entry, FOREGROUND),))
    return Decision(reason=f"waits for {counted(len(blocking), 'object', 'objects')} that it owns")


def _waits_for(view: View, entry: Entry, uid: str) -> bool:
    """Whether an object that is being deleted in the foreground waits for another, by way of others that do: a circle, in which
    somebody has to go first."""
    seen, ahead = {""}, [entry]
    while ahead:
        current = ahead.pop()
        own = current.object.metadata.uid
        if own == uid:
            return True
        if own not in seen and _is_foreground(current):
            seen.add(own)
            ahead += _blocking(view, own)
    return False


def _without(entry: Entry, finalizer: str) -> Update:
    meta = entry.object.metadata
    left = tuple(f for f in meta.finalizers if f != finalizer)
    return Update(object=replace(entry.object, metadata=replace(meta, finalizers=left)))


RECONCILER = Reconciler(
    name="garbage-collector", actor="system:controller:generic-garbage-collector",
    wakes=WAKES, decide=decide, component="garbage-collector-controller",
    version=2,
)  # fmt: skip
