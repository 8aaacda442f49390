"""The scale of what has replicas: autoscaling/v1 Scale, read from and written through its owner.

Tests: tests/engine/api/test_subresources.py
"""

from typing import Any

import msgspec

from shipslog.engine.kinds.custom import json_paths
from shipslog.engine.kinds.scales import scale_of
from shipslog.store.commands import Patch
from shipslog.store.objects import autoscaling_v1, codec, patch
from shipslog.store.objects.patch import MERGE_PATCH
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest, Cause, Invalid
from shipslog.store.state import Entry

from . import replies, requests, versions, writes
from .replies import Reply
from .requests import Call


async def handle(call: Call) -> Reply:
    """GET, PUT or PATCH of /scale."""
    kind, namespace, name = call.named()
    entry = await versions.one(call, requests.entry_of(call))
    if call.verb == "get":
        return replies.of_value(scale_of(kind, entry.object), wanted=call.wanted)
    dry_run = call.dry_run
    if call.verb == "update":
        scale, _ = await requests.decoded(call, autoscaling_v1.Scale)
        requests.expect(scale, "Scale", "autoscaling/v1")
        if not scale.metadata.name:
            raise BadRequest("name must be provided: the body of the request has no metadata.name")
        if scale.metadata.name != name:
            raise BadRequest(f"the name of the object ({scale.metadata.name}) does not match the name on the URL ({name})")
        version = scale.metadata.resource_version
    else:
        scale, version = await _patched(call, entry)
    _check(name, scale)
    command = _command(call, kind, namespace, name, scale.spec.replicas, version)
    committed = await writes.submit(call, command, dry_run)
    entry = await versions.one(call, committed.entry)
    return replies.of_value(scale_of(kind, entry.object), wanted=call.wanted)


async def _patched(call: Call, entry: Entry) -> tuple[autoscaling_v1.Scale, str]:
    """The Scale that a patch makes, and the resource version if the patch names one."""
    data, media = await requests.body(call.request), writes.patch_type(call)
    before = codec.to_builtins(scale_of(call.kind, entry.object))
    version = before["metadata"].pop("resourceVersion", "")
    scale = await requests.DECODING.run(len(data), _changed, codec.encode(before), data, media, call.field_validation)
    named: str = scale.metadata.resource_version
    return scale, named if named != version else ""


def _changed(before: bytes, data: bytes, media: str, validation: str) -> autoscaling_v1.Scale:
    """Errors: Refusal."""
    target: Any = patch.apply(autoscaling_v1.Scale, before, data, media)
    try:
        scale, _ = codec.from_builtins(autoscaling_v1.Scale, target, validation=validation)
    except codec.Undecodable as refusal:
        raise patch.unreadable(target, refusal.why) from refusal
    return scale


def _check(name: str, scale: autoscaling_v1.Scale) -> None:
    if scale.spec.replicas < 0:
        message = f"Invalid value: {scale.spec.replicas}: must be greater than or equal to 0"
        raise Invalid(
            f'Scale.autoscaling "{name}" is invalid: spec.replicas: {message}', name=name, group="autoscaling", kind="Scale",
            causes=(Cause("FieldValueInvalid", message, "spec.replicas"),),
        )  # fmt: skip


def _command(call: Call, kind: Kind, namespace: str, name: str, replicas: int, version: str) -> Patch:
    change: dict[str, Any] = {"spec": {"replicas": replicas}}
    if kind.definition is not None:
        names = json_paths.plain(kind.definition.scale.spec_replicas_path) or ()
        value: Any = replicas
        for inner in reversed(names):
            value = {inner: value}
        change = value
    if version:
        change["metadata"] = {"resourceVersion": version}
    return Patch(
        resource=kind.resource, namespace=namespace, name=name, media_type=MERGE_PATCH,
        body=msgspec.json.encode(change), field_manager=call.field_manager, subresource="scale",
        api_version="" if kind.hub is None else kind.api_version,
    )  # fmt: skip
