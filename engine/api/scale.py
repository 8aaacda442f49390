"""The scale of what has replicas: autoscaling/v1 Scale, read from and written through its owner."""

from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.engine.kinds.custom import json_paths
from shipslog.store.commands import Patch
from shipslog.store.objects import autoscaling_v1, codec, patch, selector
from shipslog.store.objects.patch import MERGE_PATCH
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest, Cause, Invalid, Unexpected
from shipslog.store.state import Entry

from . import replies, requests, writes
from .replies import Reply
from .requests import Call


def of(kind: Kind, entry: Entry) -> autoscaling_v1.Scale:
    """The Scale of an object with replicas. Errors: Unexpected, a 500 as in Kubernetes, for one that says of none."""
    meta = entry.object.metadata
    wanted, found, text = _custom(kind, entry.object) if kind.definition is not None else _builtin(entry.object)
    metadata = replace(
        meta, generate_name="", generation=0, labels={}, annotations={}, owner_references=(), finalizers=(), managed_fields=()
    )
    return autoscaling_v1.Scale(
        metadata=metadata, spec=autoscaling_v1.ScaleSpec(replicas=wanted),
        status=autoscaling_v1.ScaleStatus(replicas=found, selector=text)
    )  # fmt: skip


def _builtin(obj: Any) -> tuple[int, int, str]:
    """The replicas that are wanted, those that there are, and their selector."""
    chosen = obj.spec.selector
    text = (
        ",".join(f"{k}={v}" for k, v in sorted(chosen.items()))
        if isinstance(chosen, dict)
        else str(selector.of_label_selector(chosen))
    )
    return obj.spec.replicas or 0, obj.status.replicas, text


def _custom(kind: Kind, obj: Any) -> tuple[int, int, str]:
    """The same of an object whose definition says where they stand."""
    paths = kind.definition.scale
    wanted, found = _at(obj, paths.spec_replicas_path), _at(obj, paths.status_replicas_path)
    text = _at(obj, paths.label_selector_path) if paths.label_selector_path else None
    if not isinstance(wanted, int):
        raise Unexpected(f'the spec replicas field "{paths.spec_replicas_path}" does not exist')
    return wanted, found if isinstance(found, int) else 0, text if isinstance(text, str) else ""


def _at(obj: Any, path: str) -> Any:
    found = json_paths.values(path, obj.rest)
    return found[0] if found else None


async def handle(call: Call) -> Reply:
    """GET, PUT or PATCH of /scale."""
    kind, namespace, name = call.named()
    entry = requests.entry_of(call)
    if call.verb == "get":
        return replies.of_value(of(kind, entry), wanted=call.wanted)
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
    return replies.of_value(of(kind, committed.entry), wanted=call.wanted)


async def _patched(call: Call, entry: Entry) -> tuple[autoscaling_v1.Scale, str]:
    """The Scale that a patch makes, and the resource version if the patch names one."""
    data, media = await requests.body(call.request), writes.patch_type(call)
    before = codec.to_builtins(of(call.kind, entry))
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
    )  # fmt: skip
