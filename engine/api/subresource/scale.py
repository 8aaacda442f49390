"""The scale of what has replicas, read and written through its owner: autoscaling/v1 Scale, or that of an older version.

Tests: tests/engine/api/subresource/test_subresources.py, tests/engine/api/test_older.py
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from shipslog.engine.api.request import requests, versions
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import flag
from shipslog.engine.api.response import replies, shapes
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.api.verbs import writes
from shipslog.engine.commit.transitions import uid_differs
from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.custom import json_paths
from shipslog.engine.kinds.scales import scale_of
from shipslog.store.commands import Apply, Patch
from shipslog.store.objects import patch
from shipslog.store.objects.patch import MERGE_PATCH
from shipslog.store.objects.scheme import Kind, type_at
from shipslog.store.objects.types import autoscaling_v1
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest, Cause, Invalid, conflict
from shipslog.store.state import Entry

COLUMNS = (
    NAME,
    Column("Desired", "How many replicas there shall be.", "integer"),
    Column("Available", "How many there are.", "integer"),
    AGE,
)


def _shown(kind: Kind, entry: Entry) -> Any:
    """The Scale in the form that the version of the path has."""
    scale = scale_of(kind, entry.object)
    struct = _form(kind)
    if struct is autoscaling_v1.Scale:
        return scale
    from shipslog.store.objects.types import apps_v1beta1  # which only clients of earlier years ask for

    chosen = entry.object.spec.selector
    labels = chosen if isinstance(chosen, Mapping) else chosen.match_labels if chosen is not None else {}
    status = apps_v1beta1.ScaleStatus(
        replicas=scale.status.replicas, selector=dict(labels), target_selector=scale.status.selector
    )
    spec = apps_v1beta1.ScaleSpec(replicas=scale.spec.replicas)
    return apps_v1beta1.Scale(api_version=kind.api_version, metadata=scale.metadata, spec=spec, status=status)


def _form(kind: Kind) -> type[Any]:
    """The type of the Scale of a kind, in its version."""
    subresource = subresource_of(kind, "scale")
    assert subresource is not None
    return type_at(subresource.type)


async def handle(call: Call) -> Reply:
    """GET, PUT or PATCH of /scale."""
    kind, namespace, name = call.named()
    entry = await versions.one(call, requests.entry_of(call))
    if call.verb == "get":
        return _answered(call, entry)
    if call.is_apply:
        return await _applied(call, kind, namespace, name)
    if call.verb == "patch":
        writes.patch_type(call)  # before its options: it may have those of an apply
    dry_run = call.dry_run
    if call.verb == "update":
        struct = _form(kind)
        scale, _ = await requests.decoded(call, struct)
        requests.expect(scale, "Scale", "autoscaling/v1" if struct is autoscaling_v1.Scale else kind.api_version)
        if not scale.metadata.name:
            raise BadRequest("name must be provided: the body of the request has no metadata.name")
        if scale.metadata.name != name:
            raise BadRequest(f"the name of the object ({scale.metadata.name}) does not match the name on the URL ({name})")
        version = scale.metadata.resource_version
    else:
        scale, version = await _patched(call, entry)
    _check(name, scale)
    held = entry.object.metadata.uid
    if scale.metadata.uid not in ("", held):
        raise conflict(kind.plural, kind.group, name, uid_differs(scale.metadata.uid, held))
    command = _command(call, kind, namespace, name, scale.spec.replicas, version)
    committed = await writes.submit(call, command, dry_run)
    return _answered(call, await versions.one(call, committed.entry))


def _answered(call: Call, entry: Entry) -> Reply:
    """The Scale in the form that the client wants. Errors: NotAcceptable."""
    scale, wanted = _shown(call.kind, entry), call.wanted
    shapes.check(wanted)
    if wanted.shape == "Table":
        cells = [scale.metadata.name, scale.spec.replicas, scale.status.replicas]
        cells.append(age(scale.metadata.creation_timestamp, call.now_ns))
        return replies.of_value(shapes.table_of_one(COLUMNS, cells, scale, wanted, call), wanted=wanted)
    if wanted.shape:
        return replies.of_value(shapes.metadata_of(scale.metadata, wanted.version), wanted=wanted)
    return replies.of_value(scale, wanted=wanted)


async def _applied(call: Call, kind: Kind, namespace: str, name: str) -> Reply:
    """Apply a Scale: who does owns the replicas of the object, by this subresource. Errors: Refusal."""
    (data, _), struct, dry_run = await writes.configuration(call), _form(kind), call.dry_run
    scale, _ = codec.decode(struct, data, validation=call.field_validation)
    requests.expect(scale, "Scale", "autoscaling/v1" if struct is autoscaling_v1.Scale else kind.api_version)
    if scale.metadata.name not in ("", name):
        raise BadRequest(f"the name of the object ({scale.metadata.name}) does not match the name on the URL ({name})")
    _check(name, scale)
    wanted = msgspec.json.decode(data).get("spec") or {}
    config = _parted(kind, scale.spec.replicas) if "replicas" in wanted else {}
    config |= {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}
    if scale.metadata.resource_version:
        config["metadata"]["resourceVersion"] = scale.metadata.resource_version
    command = Apply(
        resource=kind.resource, namespace=namespace, name=name, body=msgspec.json.encode(config),
        field_manager=call.field_manager, force=flag(call.params, "force"), subresource="scale",
        api_version="" if kind.hub is None else kind.api_version,
    )  # fmt: skip
    committed = await writes.submit(call, command, dry_run)
    return _answered(call, await versions.one(call, committed.entry))


async def _patched(call: Call, entry: Entry) -> tuple[Any, str]:
    """The Scale that a patch makes, and the resource version if the patch names one."""
    data, media = await requests.body(call.request), writes.patch_type(call)
    shown = _shown(call.kind, entry)
    before = codec.to_builtins(shown)
    version = before["metadata"].pop("resourceVersion", "")
    scale = await requests.DECODING.run(
        len(data), _changed, type(shown), codec.encode(before), data, media, call.field_validation
    )
    named: str = scale.metadata.resource_version
    return scale, named if named != version else ""


def _changed(struct: type[Any], shown: bytes, data: bytes, media: str, validation: str) -> Any:
    """Errors: Refusal."""
    target: Any = patch.apply(struct, shown, data, media)
    try:
        before = patch.told(data, media, validation)
        scale, _ = codec.from_builtins(struct, target, validation=validation, before=before)
    except codec.Undecodable as refusal:
        raise patch.unreadable(target, refusal.why) from refusal
    return scale


def _check(name: str, scale: Any) -> None:
    if scale.spec.replicas < 0:
        message = f"Invalid value: {scale.spec.replicas}: must be greater than or equal to 0"
        raise Invalid(
            f'Scale.autoscaling "{name}" is invalid: spec.replicas: {message}', name=name, group="autoscaling", kind="Scale",
            causes=(Cause("FieldValueInvalid", message, "spec.replicas"),),
        )  # fmt: skip


def _command(call: Call, kind: Kind, namespace: str, name: str, replicas: int, version: str) -> Patch:
    change = _parted(kind, replicas)
    if version:
        change["metadata"] = {"resourceVersion": version}
    return Patch(
        resource=kind.resource, namespace=namespace, name=name, media_type=MERGE_PATCH,
        body=msgspec.json.encode(change), field_manager=call.field_manager, subresource="scale",
        api_version="" if kind.hub is None else kind.api_version,
    )  # fmt: skip


def _parted(kind: Kind, replicas: int) -> dict[str, Any]:
    """The part of an object that says so many replicas."""
    names: tuple[str, ...] = ("spec", "replicas")
    if kind.definition is not None:
        names = json_paths.plain(kind.definition.scale.spec_replicas_path) or names
    value: Any = replicas
    for inner in reversed(names):
        value = {inner: value}
    made: dict[str, Any] = value
    return made
