"""From an object command to the change it makes, or to the refusal: metadata, preconditions, deletion, in Kubernetes' order.

Everything here is synchronous and works on the head (the state with all that is being committed). What an object of a kind
must look like is admission's business. Source: the generic registry's create, update and delete of Kubernetes 1.32.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine import admission
from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.kinds.core.pod.binding import bound
from shipslog.engine.kinds.core.pod.eviction import admit_eviction
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.rule.pods import disrupted
from shipslog.store.commands import AnyObjectCommand, Apply, Bind, Create, Delete, Evict, Patch, Update
from shipslog.store.objects import patch
from shipslog.store.objects.scheme import Kind, NotServed, Scheme
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import (
    STALE,
    AlreadyExists,
    BadRequest,
    Cause,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Unexpected,
    conflict,
    not_found,
)
from shipslog.store.state import Entry

from . import applying, ownership
from .converted_versions import NOTHING_CONVERTED, ConvertedVersions

Effect = Literal["Created", "Modified", "Deleted", "Unchanged"]
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
NAME_TRIES = 8
SCALER = "kube-controller-manager"  # as which a rule scales: who applies replicas then is told of it

Owner = ownership.Manager | ownership.Managed | None


class Evaluation(Struct, frozen=True, kw_only=True):
    """What a command comes to: the object's next state and how it got there."""

    effect: Effect
    object: Any
    kind: Kind
    subresource: str = ""
    ahead: tuple[bytes, bytes] | None = None  # its JSON before and behind its resource version: see `encoding`


class Wanted(Struct, frozen=True, kw_only=True):
    """What a command asks for, worked out against what there is; what it comes to is `Transition.finished`'s to say. Between
    the two those outside have their say: they are shown `object`, and may put another into its place."""

    command: AnyObjectCommand
    kind: Kind
    old: Entry | None = None  # what is there now
    object: Any = None  # as it is stored; None where a command does not say how the object shall be
    subresource: str = ""
    owner: Owner = None
    mutated: Any = None  # what somebody outside has made of the object: whoever wrote it does not own that


class Transition:
    """Evaluates commands against one head. `context` builds the admission context for an actor."""

    def __init__(self, head: MemoryView, entropy: Entropy, converted: ConvertedVersions = NOTHING_CONVERTED) -> None:
        """`converted`: objects in versions that only others can make of them."""
        self.head, self.entropy, self.converted = head, entropy, converted

    def evaluate(self, command: AnyObjectCommand, ctx: admission.Admission) -> Evaluation:
        """The change that the command makes now. Errors: Refusal; nothing has changed then."""
        return self.finished(self.wanted(command, ctx), ctx)

    def wanted(self, command: AnyObjectCommand, ctx: admission.Admission) -> Wanted:
        """What the command asks for. Errors: Refusal."""
        try:
            match command:
                case Create():
                    return self._create_wanted(command, command.object)
                case Update():
                    return self.update(command)
                case Patch():
                    return self.patch(command, ctx)
                case Apply():
                    return self.apply(command, ctx)
                case Delete():
                    return self._held(command, self.head.scheme.by_resource(command.resource))
                case Bind() | Evict():
                    return self._held(command, self.head.scheme.of(core_v1.Pod))
        except NotServed as error:  # its kind was defined by an object that has gone meanwhile
            raise NotFound("the server could not find the requested resource") from error

    def finished(self, wanted: Wanted, ctx: admission.Admission) -> Evaluation:
        """The change that it makes now. Errors: Refusal; nothing has changed then."""
        command = wanted.command
        try:
            ctx.version = self._version(wanted)
            match command:
                case Delete():
                    return self.delete(command, ctx)
                case Bind():
                    return self.bind(command, ctx)
                case Evict():
                    return self.evict(command, ctx)
                case _:
                    return self.create(wanted, ctx) if wanted.old is None else self._replace(wanted, ctx)
        except NotServed as error:
            raise NotFound("the server could not find the requested resource") from error

    def _version(self, wanted: Wanted) -> Kind | None:
        """The version of its kind that a command came in; None for the stored one, and where another server has turned the
        object into that. Errors: NotServed."""
        api_version = getattr(wanted.command, "api_version", "")
        if not api_version or api_version == wanted.kind.api_version or wanted.kind.is_foreign:
            return None
        return self.head.scheme.in_version(wanted.kind, api_version)

    def _held(self, command: Delete | Bind | Evict, kind: Kind) -> Wanted:
        entry = self.head.entry(kind.resource, command.name, command.namespace)
        if entry is None:
            raise not_found(kind.plural, kind.group, command.name)
        return Wanted(command=command, kind=kind, old=entry)

    # --- create ---

    def _create_wanted(self, command: AnyObjectCommand, obj: Any, managed: ownership.Managed | None = None) -> Wanted:
        """`managed`: who owns what of it, where that is known; else the manager that the command names owns all."""
        kind = self.head.scheme.of(obj)
        meta = obj.metadata
        if meta.resource_version:
            raise Unexpected("resourceVersion should not be set on objects to be created")
        if kind.namespaced and not meta.namespace:
            raise BadRequest("an empty namespace may not be set during creation")
        owner: Owner = managed
        if managed is None and isinstance(command, Create | Update) and command.field_manager:
            owner = ownership.Manager(command.field_manager, ownership.UPDATE, command.api_version or kind.api_version)
        meta = replace(
            meta, namespace=meta.namespace if kind.namespaced else "", uid="", self_link="", creation_timestamp="",
            deletion_timestamp="", deletion_grace_period_seconds=None, managed_fields=kept_managers(meta.managed_fields),
        )  # fmt: skip
        return Wanted(command=command, kind=kind, object=replace(obj, metadata=meta), owner=owner)

    def create(self, wanted: Wanted, ctx: admission.Admission) -> Evaluation:
        kind, now, complete = wanted.kind, api_time(ctx.now_ns), None

        def defaulted() -> Any:
            nonlocal complete
            complete = rules_of(kind).default(wanted.object)
            return complete

        # what the server adds besides its defaults is nobody's
        entries = managers_of(self.head.scheme, wanted, defaulted, now)
        # defaults go by the name in one kind, and by no other metadata: with a name they are those that admission would fill in
        if wanted.mutated is not None or ctx.version is not None or not wanted.object.metadata.name:
            complete = None
        obj = wanted.object if wanted.mutated is None else wanted.mutated
        obj = obj if complete is None else complete
        meta = obj.metadata
        name = meta.name or self._generate(kind, meta.namespace, meta.generate_name)
        link = _link(kind, meta.namespace, name) if ctx.config.old_clients is True else ""
        meta = replace(
            meta, name=name, uid=self.entropy.uid(), creation_timestamp=now, self_link=link,
            owner_references=self._owners(meta.owner_references, ctx), managed_fields=entries,
        )  # fmt: skip
        obj = admission.admit_create(kind, replace(obj, metadata=meta), ctx, defaulted=complete is not None)
        if name and self.head.entry(kind.resource, name, meta.namespace) is not None:
            raise already_exists(kind, name)
        return Evaluation(effect="Created", object=obj, kind=kind)

    def _owners(self, owners: tuple[Any, ...], ctx: admission.Admission) -> tuple[Any, ...]:
        """Each once: Kubernetes drops the same reference given twice, with a warning."""
        once = tuple(dict.fromkeys(owners)) if len(owners) > 1 else owners
        if len(once) < len(owners):
            uids = dict.fromkeys(o.uid for o, times in Counter(owners).items() if times > 1)
            ctx.warnings.append(
                ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may "
                "reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: " + ", ".join(uids)
            )
        return once

    def _generate(self, kind: Kind, namespace: str, prefix: str) -> str:
        if not prefix:
            return ""  # admission says what is wrong
        for _ in range(NAME_TRIES):
            name = prefix[:58] + self.entropy.suffix()
            if self.head.entry(kind.resource, name, namespace) is None:
                break
        return name

    # --- update ---

    def update(self, command: Update) -> Wanted:
        obj, subresource = command.object, command.subresource
        kind = self.head.scheme.of(obj)
        meta = obj.metadata
        if not meta.name:
            raise Invalid(f'{kind.kind} "" is invalid: metadata.name: Required value', kind=kind.kind, group=kind.group)
        entry = self.head.entry(kind.resource, meta.name, meta.namespace)
        if entry is None:
            if rules_of(kind).create_on_update and not subresource and not meta.resource_version:
                if meta.uid:
                    raise conflict(kind.plural, kind.group, meta.name, uid_differs(meta.uid, ""))
                return self._create_wanted(command, obj)
            raise not_found(kind.plural, kind.group, meta.name)
        old = entry.object
        if not meta.resource_version and not rules_of(kind).unconditional_update:
            raise unversioned(kind, meta.name)
        if meta.resource_version and meta.resource_version != old.metadata.resource_version:
            raise conflict(kind.plural, kind.group, meta.name, STALE)
        if meta.uid and meta.uid != old.metadata.uid:
            raise conflict(kind.plural, kind.group, meta.name, uid_differs(meta.uid, old.metadata.uid))
        return self._update_wanted(command, kind, self.converted.shown(kind, entry), obj, subresource, _manager(kind, command))

    def _update_wanted(
        self, command: AnyObjectCommand, kind: Kind, entry: Entry, obj: Any, subresource: str, owner: Owner
    ) -> Wanted:
        """`owner`: who owns what has changed, or all owners as they are then; None changes none of them."""
        return Wanted(
            command=command,
            kind=kind,
            old=entry,
            object=_kept(entry.object.metadata, obj),
            subresource=subresource,
            owner=owner,
        )

    def _replace(self, wanted: Wanted, ctx: admission.Admission) -> Evaluation:
        kind, subresource = wanted.kind, wanted.subresource
        assert wanted.old is not None
        old, given = wanted.old.object, wanted.object if wanted.mutated is None else wanted.mutated
        meta = given.metadata
        meta = replace(meta, owner_references=self._owners(meta.owner_references, ctx))
        new = admission.admit_update(kind, old, replace(given, metadata=meta), subresource, ctx)
        if wanted.owner is not None:

            def asked() -> Any:
                return new if wanted.mutated is None else admission.asked_update(kind, old, wanted.object, subresource, ctx)

            new = ownership.kept_by(new, managers_of(self.head.scheme, wanted, asked, api_time(ctx.now_ns)))
        if new == old:
            return Evaluation(effect="Unchanged", object=old, kind=kind)
        if old.metadata.deletion_timestamp and self._may_go(kind, new):
            return Evaluation(effect="Deleted", object=new, kind=kind)
        return Evaluation(effect="Modified", object=new, kind=kind, subresource=subresource)

    def _may_go(self, kind: Kind, obj: Any) -> bool:
        """Whether an object that is being deleted has nothing left to wait for."""
        meta = obj.metadata
        return not meta.finalizers and not meta.deletion_grace_period_seconds and not rules_of(kind).is_held(obj)

    def patch(self, command: Patch, ctx: admission.Admission) -> Wanted:
        kind = self.head.scheme.by_resource(command.resource)
        entry = self.head.entry(command.resource, command.name, command.namespace)
        if entry is None:
            raise not_found(kind.plural, kind.group, command.name)
        old = entry.object
        shown = self.head.scheme.in_version(kind, command.api_version)
        target: dict[str, Any] = patch.apply(
            shown.type, self.converted.shown(shown, entry).encoded, command.body, command.media_type
        )
        try:
            own_faults = patch.told(command.body, command.media_type, command.field_validation)
            new, warnings = codec.from_builtins(shown.type, target, validation=command.field_validation, before=own_faults)
        except codec.Undecodable as refusal:
            raise patch.unreadable(target, refusal.why) from refusal
        new, more = rules_of(shown).read(shown, new, command.field_validation)
        ctx.warnings.extend(warnings + more)
        meta = new.metadata
        if meta.resource_version and meta.resource_version != old.metadata.resource_version:
            raise conflict(kind.plural, kind.group, command.name, STALE)
        if not kind.namespaced and meta.namespace:
            new = replace(new, metadata=replace(meta, namespace=""))
            meta = new.metadata
        if new.kind != shown.kind or new.api_version != shown.api_version:
            raise BadRequest(f"the patch may not change kind or apiVersion ({shown.api_version} {shown.kind})")
        if meta.name != command.name:
            raise BadRequest(f"the name of the object ({meta.name}) does not match the name on the URL ({command.name})")
        if meta.namespace != command.namespace:
            raise BadRequest("the namespace of the object does not match the namespace on the URL")
        subresource = "" if command.subresource == "scale" else command.subresource  # that writes an ordinary field
        before, after = self.converted.shown(kind, entry), self.converted.to_hub(shown, new)
        return self._update_wanted(command, kind, before, after, subresource, _manager(kind, command))

    def apply(self, command: Apply, ctx: admission.Admission) -> Wanted:
        """Server-side apply; makes the object where there is none. Errors: Conflict, naming managers and fields."""
        kind = self.head.scheme.by_resource(command.resource)
        shown = self.head.scheme.in_version(kind, command.api_version)
        entry = self.head.entry(command.resource, command.name, command.namespace)
        if entry is None and command.subresource:
            raise not_found(kind.plural, kind.group, command.name)
        config = applying.configuration(shown, command)
        if entry is None and (uid := config["metadata"].get("uid")):
            raise conflict(kind.plural, kind.group, command.name, f"uid mismatch: {UNKNOWN_UID.format(uid)}")
        live = self.converted.shown(shown, entry).object if entry is not None else None
        if live is not None and config["metadata"].get("resourceVersion") not in (None, "", live.metadata.resource_version):
            raise conflict(kind.plural, kind.group, command.name, STALE)
        manager = ownership.Manager(command.field_manager, ownership.APPLY, shown.api_version, command.subresource)
        applied = ownership.applied(self.head.scheme, shown, live, config, manager, api_time(ctx.now_ns), force=command.force)
        try:
            new, warnings = codec.from_builtins(shown.type, applied.value, validation=command.field_validation)
        except codec.Undecodable as refusal:
            raise patch.unreadable(applied.value, refusal.why) from refusal
        new, more = rules_of(shown).read(shown, new, command.field_validation)
        ctx.warnings.extend(warnings + more)
        if entry is None:
            return self._create_wanted(command, self.converted.to_hub(shown, new), applied.managed)
        before, after = self.converted.shown(kind, entry), self.converted.to_hub(shown, new)
        return self._update_wanted(command, kind, before, after, command.subresource, applied.managed)

    # --- delete ---

    def delete(self, command: Delete, ctx: admission.Admission) -> Evaluation:
        kind = self.head.scheme.by_resource(command.resource)
        entry = self.head.entry(command.resource, command.name, command.namespace)
        if entry is None:
            raise not_found(kind.plural, kind.group, command.name)
        old = entry.object
        self._check_preconditions(kind, old, command)
        strategy = rules_of(kind)
        strategy.admit_delete(kind, old, ctx)
        finalizers = self._finalizers(strategy, old, command.propagation)
        grace_s = strategy.grace_period_s(old, command.grace_period_s)
        if grace_s or finalizers or strategy.is_held(old):
            return self._mark(kind, old, finalizers, grace_s or 0, ctx)
        if grace_s is not None:
            at = old.metadata.deletion_timestamp or api_time(ctx.now_ns)
            old = replace(old, metadata=replace(old.metadata, deletion_timestamp=at, deletion_grace_period_seconds=0))
        return Evaluation(effect="Deleted", object=old, kind=kind)

    def _check_preconditions(self, kind: Kind, old: Any, command: Delete) -> None:
        for what, wanted, found, perhaps in (
            ("UID", command.uid, old.metadata.uid, "deleted and then recreated"),
            ("ResourceVersion", command.resource_version, old.metadata.resource_version, "modified"),
        ):
            if wanted is not None and wanted != found:
                why = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). "
                why += f"The object might have been {perhaps}"
                raise conflict(kind.kind, kind.group, command.name, why)  # Kubernetes names the kind here, not the resource

    def _finalizers(self, strategy: Strategy, old: Any, propagation: str) -> tuple[str, ...]:
        """The finalizers that the way of deleting asks for; a kind has its own way where the command names none."""
        have: tuple[str, ...] = old.metadata.finalizers
        if not propagation:
            if ORPHAN in have or FOREGROUND in have:
                return have
            propagation = strategy.propagation
        others: tuple[str, ...] = tuple(f for f in have if f not in (ORPHAN, FOREGROUND))
        return others + {"Orphan": (ORPHAN,), "Foreground": (FOREGROUND,)}.get(propagation, ())

    def _mark(self, kind: Kind, old: Any, finalizers: tuple[str, ...], grace_s: int, ctx: admission.Admission) -> Evaluation:
        meta = old.metadata
        if meta.deletion_timestamp and meta.finalizers == finalizers and (meta.deletion_grace_period_seconds or 0) <= grace_s:
            return Evaluation(effect="Unchanged", object=old, kind=kind)
        at = api_time(ctx.now_ns + grace_s * 1_000_000_000)
        if meta.deletion_timestamp:
            at = min(at, meta.deletion_timestamp)
            grace_s = min(grace_s, meta.deletion_grace_period_seconds or 0)
        generation = meta.generation + 1 if meta.generation and not meta.deletion_timestamp else meta.generation
        meta = replace(
            meta, deletion_timestamp=at, deletion_grace_period_seconds=grace_s, finalizers=finalizers, generation=generation
        )
        new = replace(old, metadata=meta)
        if not old.metadata.deletion_timestamp:
            new = rules_of(kind).marked(new)
        return Evaluation(effect="Modified", object=new, kind=kind)

    # --- pods ---

    def bind(self, command: Bind, ctx: admission.Admission) -> Evaluation:
        kind = self.head.scheme.of(core_v1.Pod)
        pod = self._pod(kind, command.name, command.namespace)
        if command.uid and command.uid != pod.metadata.uid:
            raise conflict(kind.plural, "", command.name, uid_differs(command.uid, pod.metadata.uid))
        if command.resource_version and command.resource_version != pod.metadata.resource_version:
            raise conflict(kind.plural, "", command.name, STALE)
        return Evaluation(effect="Modified", object=bound(pod, command, ctx), kind=kind, subresource="binding")

    def evict(self, command: Evict, ctx: admission.Admission) -> Evaluation:
        kind = self.head.scheme.of(core_v1.Pod)
        admit_eviction(self._pod(kind, command.name, command.namespace), ctx)
        delete = Delete(
            resource=kind.resource, namespace=command.namespace, name=command.name, uid=command.uid,
            grace_period_s=command.grace_period_s,
        )  # fmt: skip
        change = self.delete(delete, ctx)
        if change.effect == "Unchanged":
            return change
        disrupted_pod = disrupted(change.object, "EvictionByEvictionAPI", "Eviction API: evicting", api_time(ctx.now_ns))
        return replace(change, object=disrupted_pod)

    def _pod(self, kind: Kind, name: str, namespace: str) -> core_v1.Pod:
        entry = self.head.entry(kind.resource, name, namespace)
        if entry is None:
            raise not_found(kind.plural, kind.group, name)
        pod: core_v1.Pod = entry.object
        return pod


def _kept(was: meta_v1.ObjectMeta, obj: Any) -> Any:
    """An object that takes the place of another, with what is kept of that one's metadata."""
    given: meta_v1.ObjectMeta = obj.metadata
    grace_s = given.deletion_grace_period_seconds
    meta = replace(
        given,
        uid=given.uid or was.uid,
        creation_timestamp=was.creation_timestamp,
        deletion_timestamp=was.deletion_timestamp or given.deletion_timestamp,
        generate_name=given.generate_name or was.generate_name,
        deletion_grace_period_seconds=was.deletion_grace_period_seconds if grace_s is None else grace_s,
        generation=was.generation,
        resource_version=was.resource_version,
        self_link=was.self_link,
        managed_fields=kept_managers(given.managed_fields or was.managed_fields),
    )
    return replace(obj, metadata=meta)


def _link(kind: Kind, namespace: str, name: str) -> str:
    """The path of an object: clients of earlier years find out from it what an object is."""
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    within = f"{root}/namespaces/{namespace}" if namespace else root
    return f"{within}/{kind.plural}/{name}"


def _manager(kind: Kind, command: Update | Patch) -> ownership.Manager | None:
    name = command.field_manager or (SCALER if command.subresource == "scale" else "")
    if not name:
        return None
    return ownership.Manager(name, ownership.UPDATE, command.api_version or kind.api_version, command.subresource)


def managers_of(scheme: Scheme, wanted: Wanted, asked: Callable[[], Any], now: str) -> tuple[meta_v1.ManagedFieldsEntry, ...]:
    """Who owns what of an object when it is written. `asked`: the object as its writer asks for it."""
    owner = wanted.owner
    if isinstance(owner, ownership.Managed):
        return owner.entries()
    if owner is None:
        entries: tuple[meta_v1.ManagedFieldsEntry, ...] = wanted.object.metadata.managed_fields
        return entries
    obj = asked()
    words = ownership.Words(scheme, wanted.kind, None if wanted.old is None else wanted.old.object, obj)
    return ownership.updated(words, owner, now, obj.metadata.managed_fields)


def unversioned(kind: Kind, name: str) -> Invalid:
    """The answer to a PUT that may not overwrite what it has not seen."""
    why = "Invalid value: 0x0: must be specified for an update"
    return Invalid(
        f'{kind.resource} "{name}" is invalid: metadata.resourceVersion: {why}', name=name, group=kind.group, kind=kind.plural,
        causes=(Cause("FieldValueInvalid", why, "metadata.resourceVersion"),),
    )  # fmt: skip


def kept_managers(entries: tuple[meta_v1.ManagedFieldsEntry, ...]) -> tuple[meta_v1.ManagedFieldsEntry, ...]:
    """What is stored of the managers that a client sends: one empty entry is how a client asks to forget them all."""
    return () if entries == (meta_v1.ManagedFieldsEntry(),) else entries


def already_exists(kind: Kind, name: str) -> AlreadyExists:
    return AlreadyExists(f'{kind.resource} "{name}" already exists', name=name, group=kind.group, kind=kind.plural)


UNKNOWN_UID = "the provided object specified uid {}, and no existing object was found"


def uid_differs(wanted: str, found: str) -> str:
    return f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"


__all__ = ["Effect", "Evaluation", "MethodNotAllowed", "Transition", "already_exists"]
