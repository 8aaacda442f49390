"""What a command is about, as webhooks know requests: which object, or which part that is sent as a kind of its own.

A Scale, a Binding, an Eviction are shown to them, not the object that they change.

Tests: tests/engine/webhooks/test_admission.py
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.engine import admission
from shipslog.engine.admission.matching import CREATE, DELETE, UPDATE, Asked, Place, is_namespace, place_of
from shipslog.engine.commit.outside import Asking, Convert
from shipslog.engine.commit.ownership import Managed, kept_by, undecodable
from shipslog.engine.commit.transitions import Evaluation, Wanted, managers_of
from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.kinds.scales import scale_of, with_replicas
from shipslog.store.commands import AnyObjectCommand, Apply, Bind, Create, Delete, Evict, Patch, Update
from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.objects.types import core_v1, meta_v1, policy_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest, Unexpected

SCALE, BINDING, EVICTION = "scale", "binding", "eviction"
NO_MANAGERS = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission "
    "controller; please fix your requests"
)
OF_COMMANDS = frozenset({SCALE, BINDING, EVICTION})  # what commands say that do not say how the object shall be


def subresource_of(command: AnyObjectCommand) -> str:
    match command:
        case Bind():
            return BINDING
        case Evict():
            return EVICTION
        case Update() | Patch() | Apply():
            return command.subresource
    return ""


def operations_of(command: AnyObjectCommand) -> tuple[str, ...]:
    """What it may be, before it is looked at what is there."""
    match command:
        case Create() | Bind() | Evict():
            return (CREATE,)
        case Delete():
            return (DELETE,)
    return (UPDATE, CREATE)


def version_of(wanted: Wanted, asking: Asking) -> str:
    """The version in which it was asked for; "" for the stored one."""
    return getattr(wanted.command, "api_version", "") or asking.request_info.api_version


def asked_of(wanted: Wanted, asking: Asking) -> Asked:
    """The request that a command stands for, with its objects as they are stored."""
    command, kind, scheme = wanted.command, wanted.kind, asking.view.scheme
    part = subresource_of(command)
    shown = scheme.in_version(kind, version_of(wanted, asking))
    place = place_of(shown, part)
    if wanted.old is None:
        operation = CREATE
    else:
        operation = operations_of(command)[0]
    old = wanted.old.object if wanted.old is not None and part not in (BINDING, EVICTION) else None
    new = own_object(kind, wanted) if part in OF_COMMANDS else wanted.object if wanted.mutated is None else wanted.mutated
    if part == SCALE and old is not None:
        old = scale_of(kind, old)
    meta = (wanted.object if wanted.object is not None else wanted.old.object).metadata  # type: ignore[union-attr]
    name = getattr(command, "name", "") or meta.name
    namespace = name if is_namespace(place) else meta.namespace
    return Asked(operation=operation, place=place, subresource=part, namespace=namespace, name=name, object=new, old_object=old)


def own_object(kind: Kind, wanted: Wanted) -> Any:
    """What is sent for a part that is a kind of its own."""
    match wanted.command:
        case Bind() as command:
            annotations = command.annotations if isinstance(command.annotations, dict) else {}
            meta = meta_v1.ObjectMeta(name=command.name, namespace=command.namespace, uid=command.uid, annotations=annotations)
            return core_v1.Binding(metadata=meta, target=core_v1.ObjectReference(kind="Node", name=command.node))
        case Evict() as command:
            options = meta_v1.DeleteOptions(
                grace_period_seconds=command.grace_period_s,
                preconditions=meta_v1.Preconditions(uid=command.uid) if command.uid is not None else None,
            )
            meta = meta_v1.ObjectMeta(name=command.name, namespace=command.namespace)
            return policy_v1.Eviction(metadata=meta, delete_options=options)
    return scale_of(kind, wanted.object if wanted.mutated is None else wanted.mutated)


def before_changes(wanted: Wanted, asking: Asking) -> Any:
    """The object as it is shown to who may change it: with what the cluster adds to new ones, who owns what of it, and what
    others have made of it already. Errors: Refusal."""
    if wanted.object is None:
        return None
    if wanted.mutated is not None:
        return wanted.mutated
    kind, context = wanted.kind, replace(asking.context, warnings=[])
    default = rules_of(kind).default
    if wanted.old is None:
        shown = admission.asked_create(kind, wanted.object, context)
        asked = partial(default, wanted.object)
    else:
        shown = default(wanted.object)
        old, part = wanted.old.object, wanted.subresource
        asked = partial(admission.asked_update, kind, old, wanted.object, part, context)
    return kept_by(shown, managers_of(asking.view.scheme, wanted, asked, api_time(context.now_ns)))


async def changed(
    sort: str, wanted: Wanted, asked: Asked, asking: Asking, change: Callable[[Asked, Kind, Asking], Awaitable[Any]]
) -> Wanted:
    """What is asked for as those of one sort want it: `change` has them asked about what is shown to them. Errors: Refusal."""
    own = is_own(asked)
    if wanted.object is not None and not own:
        asked = replace(asked, object=before_changes(wanted, asking))
    made = await change(asked, wanted.kind, asking)
    if made is asked.object and (made is None or own):
        asking.rounds.of(sort).left = made
        return wanted
    after = with_own(wanted, made) if own else with_object(wanted, asked.object, made, asking)
    asking.rounds.of(sort).left = made if own else after.mutated
    return after


def with_own(wanted: Wanted, changed: Any) -> Wanted:
    """What is asked for when what was sent for a part has been changed."""
    command = wanted.command
    if isinstance(command, Bind):
        annotations = changed.metadata.annotations or msgspec.UNSET
        return replace(wanted, command=replace(command, node=changed.target.name, annotations=annotations))
    if isinstance(command, Evict):
        options = changed.delete_options or meta_v1.DeleteOptions()
        uid = options.preconditions.uid if options.preconditions is not None else None
        return replace(wanted, command=replace(command, grace_period_s=options.grace_period_seconds, uid=uid))
    base = wanted.object if wanted.mutated is None else wanted.mutated
    return replace(wanted, mutated=with_replicas(wanted.kind, base, changed.spec.replicas))


def with_object(wanted: Wanted, shown: Any, changed: Any, asking: Asking) -> Wanted:
    """What is asked for when the object that was shown has been changed: of its metadata what nobody may change is as it was,
    and who owns what where nobody can read it. Errors: BadRequest, Unexpected, as Kubernetes answers what comes of it."""
    was, meta = wanted.object.metadata, changed.metadata
    if wanted.old is None:
        if meta.resource_version:
            raise Unexpected("resourceVersion should not be set on objects to be created")
        if meta.namespace != was.namespace:
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        kept = {"uid": "", "creation_timestamp": "", "deletion_timestamp": "", "deletion_grace_period_seconds": None}
    else:
        kept = {
            "creation_timestamp": was.creation_timestamp,
            "generation": was.generation,
            "resource_version": was.resource_version,
        }
    managers, owner = shown.metadata.managed_fields, wanted.owner
    if meta.managed_fields != managers:
        if why := undecodable(meta.managed_fields):
            asking.warn(f"{NO_MANAGERS}: {why}")
        else:
            managers, owner = meta.managed_fields, Managed.of(meta.managed_fields)
    meta = replace(meta, self_link="", managed_fields=managers, **kept)
    return replace(wanted, mutated=replace(changed, metadata=meta), owner=owner)


def outcome_of(asked: Asked, wanted: Wanted, change: Evaluation) -> Asked:
    """The request as it comes out: what those see who may only refuse it."""
    if asked.object is None or asked.subresource in (BINDING, EVICTION):
        return asked
    new = scale_of(wanted.kind, change.object) if asked.subresource == SCALE else change.object
    return replace(asked, object=new, name=asked.name or change.object.metadata.name)


def is_own(asked: Asked) -> bool:
    """Whether what is sent is something else than the object of the path."""
    return asked.place.is_own


class Shown:
    """Objects in the versions in which those outside are shown them. `convert`: has made what only another server can make."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert

    async def encoded(self, obj: Any, kind: Kind, place: Place, asking: Asking, own: bool) -> bytes:
        """An object's JSON as it is shown in a version; null for none. Errors: Unexpected."""
        if obj is None:
            return b"null"
        if own:
            return codec.encode(obj)
        try:
            return codec.encode(asking.view.scheme.in_version(kind, place.api_version).from_hub(obj))
        except Unconverted as missing:
            return codec.encode(await self._convert(asking.view, missing))

    async def decoded(self, value: Any, before: Any, kind: Kind, place: Place, asking: Asking, own: bool) -> Any:
        """What has been made of an object that was shown so, as it is stored. Errors: BadRequest, Unexpected."""
        if own:
            return codec.from_builtins(type(before), value, validation="Ignore")[0]
        shown = asking.view.scheme.in_version(kind, place.api_version)
        made, _ = codec.from_builtins(shown.type, value, validation="Ignore")
        if (made.kind, made.api_version) != (shown.kind, shown.api_version):
            raise BadRequest(f"a webhook may not make a {made.kind or 'nothing'} of a {shown.kind}")
        made = rules_of(shown).read(shown, made, "Ignore")[0]
        try:
            return rules_of(kind).default(shown.to_hub(made))
        except Unconverted as missing:
            return rules_of(kind).default(await self._convert(asking.view, missing))
