"""Writes: POST, PUT, PATCH, DELETE of objects and collections become commands."""

import asyncio
from typing import Any

from msgspec.structs import replace

from shipslog.engine.api.request import heads, requests, versions
from shipslog.engine.api.request.negotiation import JSON, PROTOBUF, YAML, Format, body_type
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import first, flag
from shipslog.engine.api.request.selection import of_params
from shipslog.engine.api.response import replies, shapes
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.commit.committer import Committed
from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.kinds.faults import invalid
from shipslog.store.commands import Apply, Create, Delete, Patch, Update
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.patch import APPLY_PATCH, PATCH_TYPES, STRATEGIC_PATCH
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import meta_v1
from shipslog.store.refusals import BadRequest, Cause, NotFound, Refusal, UnsupportedMediaType
from shipslog.store.state import Entry, in_version

from . import reads
from .reads import formatted

TOGETHER = 100  # deletions of a collection that share transactions
UNTYPED_PATCHES = tuple(media for media in PATCH_TYPES if media != STRATEGIC_PATCH)  # of what a definition makes
PROPAGATIONS = ("", "Foreground", "Background", "Orphan")


async def create(call: Call) -> Reply:
    """POST to a collection."""
    kind, route = call.kind, call.route
    if route.name or (kind.namespaced and not route.namespace):
        raise requests.method_not_allowed(call)
    validation, dry_run = call.field_validation, call.dry_run
    obj, warnings = await read(call, kind, validation)
    obj = in_place(kind, obj, route.namespace)
    version = "" if kind.hub is None else kind.api_version
    stored = await versions.to_hub(call, kind, obj)
    committed = await submit(call, Create(object=stored, field_manager=call.field_manager, api_version=version), dry_run)
    return await answer(call, committed, 201, warnings)


async def read(call: Call, kind: Kind, validation: str) -> tuple[Any, tuple[str, ...]]:
    """The object of the body, and warnings of it. Errors: BadRequest, UnsupportedMediaType, TooLarge."""
    if kind.definition is not None and body_type(call.request.headers.get("Content-Type", "")) == PROTOBUF:
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {JSON}, {YAML}"
        )
    obj, warnings = await requests.decoded(call, kind.type, validation=validation)
    if kind.definition is None:
        return obj, warnings
    obj, more = await requests.DECODING.run(call.body_bytes, rules_of(kind).read, kind, obj, validation)
    return obj, warnings + more


async def update(call: Call, subresource: str = "") -> Reply:
    """PUT of an object (or of a part of it)."""
    kind, namespace, name = call.named()
    validation, dry_run = call.field_validation, call.dry_run
    obj, warnings = await read(call, kind, validation)
    obj = in_place(kind, obj, namespace)
    check_name(obj, name)
    command = Update(
        object=await versions.to_hub(call, kind, obj), subresource=subresource, field_manager=call.field_manager,
        api_version="" if kind.hub is None else kind.api_version,
    )  # fmt: skip
    committed = await submit(call, command, dry_run)
    return await answer(call, committed, 201 if committed.effect == "Created" else 200, warnings)


async def patch(call: Call, subresource: str = "") -> Reply:
    """PATCH of an object (or of a part of it)."""
    kind, namespace, name = call.named()
    media: Any = "" if call.is_apply else patch_type(call)  # before its options: it may have those of an apply
    validation, dry_run = call.field_validation, call.dry_run
    version = "" if kind.hub is None else kind.api_version
    if call.is_apply:
        config, warnings = await configuration(call)
        applied = Apply(
            resource=kind.resource, namespace=namespace, name=name, body=config,
            field_manager=call.field_manager, force=flag(call.params, "force"), subresource=subresource,
            field_validation=validation, api_version=version,
        )  # fmt: skip
        committed = await submit(call, applied, dry_run)
        return await answer(call, committed, 201 if committed.effect == "Created" else 200, warnings)
    data = await requests.body(call.request)
    command = Patch(
        resource=kind.resource, namespace=namespace, name=name, media_type=media, body=data, subresource=subresource,
        field_validation=validation, api_version=version, field_manager=call.field_manager,
    )  # fmt: skip
    return await answer(call, await submit(call, command, dry_run), 200, ())


def patch_type(call: Call) -> Any:
    """The kind of patch. Errors: UnsupportedMediaType."""
    media = call.request.headers.get("Content-Type", "").split(";", 1)[0].strip()
    served = call.served
    known = PATCH_TYPES if served is None or served.definition is None else UNTYPED_PATCHES
    if media in known:
        return media
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join((*known, APPLY_PATCH))
    )


async def configuration(call: Call) -> tuple[bytes, tuple[str, ...]]:
    """The JSON of what is to be applied, and warnings; clients send YAML. Errors: BadRequest, Invalid."""
    if not first(call.params, "fieldManager"):
        message = "Required value: is required for apply patch"
        raise requests.invalid_option("PatchOptions", "fieldManager", "FieldValueRequired", message)
    data = await requests.body(call.request)
    return await requests.DECODING.run(len(data), requests.as_json, data, call.field_validation)


async def delete(call: Call) -> Reply:
    """DELETE of an object."""
    kind, namespace, name = call.named()
    options = await delete_options(call)
    committed = await submit(call, command_of(kind, namespace, name, options), bool(options.dry_run))
    entry = committed.entry
    if committed.effect == "Deleted" and not rules_of(kind).returns_deleted:
        return replies.success(call.wanted, name=name, group=kind.group, kind=kind.plural, uid=entry.object.metadata.uid)
    accepted = committed.effect != "Deleted" and options.orphan_dependents is False
    return await formatted(entry, call.wanted, call, 202 if accepted else 200)


async def delete_collection(call: Call, pages: reads.Pages) -> Reply:
    """DELETE of all objects that the selectors let through; -> the list of what they were."""
    kind, namespace = call.kind, call.route.namespace or None
    selection = of_params(kind, call.params)
    options = await delete_options(call)
    page = await reads.read(call, kind, namespace, selection, pages)
    gone: list[Entry] = []
    for start in range(0, len(page.entries), TOGETHER):
        metas = [entry.object.metadata for entry in page.entries[start : start + TOGETHER]]
        commands = [command_of(kind, meta.namespace, meta.name, options) for meta in metas]
        done = await asyncio.gather(
            *(submit(call, command, bool(options.dry_run)) for command in commands), return_exceptions=True
        )
        for result in done:
            if isinstance(result, NotFound):
                continue  # somebody else was faster
            if isinstance(result, BaseException):
                raise result
            gone.append(result.entry)
    page = replace(page, entries=gone, revision=call.view.revision)
    return shapes.many(kind, page.entries, reads.list_metadata(page), call.wanted, call, pages.turn)


async def delete_options(call: Call) -> meta_v1.DeleteOptions:
    """The options of a deletion: those of the body where there is one, else those of the query. Errors: BadRequest, Invalid."""
    options = meta_v1.DeleteOptions()
    data = await requests.body(call.request) if call.request.body_exists else b""
    if data:
        media = body_type(call.request.headers.get("Content-Type", ""))
        options, _ = await requests.DECODING.run(len(data), requests.decode, data, media, meta_v1.DeleteOptions, "Ignore")
        if options.kind not in ("", "DeleteOptions"):
            raise BadRequest(f"the body of a deletion must be DeleteOptions, not {options.kind}")
    elif call.params:
        options = _with_params(call, options)
    requests.dry_run(options.dry_run, "DeleteOptions")
    policy = options.propagation_policy or ""
    if policy not in PROPAGATIONS:
        raise requests.unsupported("DeleteOptions", "propagationPolicy", policy, (*PROPAGATIONS[1:], "nil"))
    if policy and options.orphan_dependents is not None:
        message = "orphanDependents and deletionPropagation cannot be both set"
        message = f'Invalid value: "{policy}": {message}'
        raise requests.invalid_option("DeleteOptions", "propagationPolicy", "FieldValueInvalid", message)
    call.delete_options = options
    return options


def _with_params(call: Call, options: meta_v1.DeleteOptions) -> meta_v1.DeleteOptions:
    params = call.params
    given: dict[str, Any] = {}
    if (grace := heads.integer(params, "gracePeriodSeconds")) is not None:
        given["grace_period_seconds"] = grace
    if policy := first(params, "propagationPolicy"):
        given["propagation_policy"] = policy
    if orphan := first(params, "orphanDependents"):
        given["orphan_dependents"] = orphan.lower() not in ("false", "0")
    if "dryRun" in params:
        given["dry_run"] = tuple(params["dryRun"])
    return replace(options, **given) if given else options


def command_of(kind: Kind, namespace: str, name: str, options: meta_v1.DeleteOptions) -> Delete:
    policy: Any = options.propagation_policy or ""
    if options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
    conditions = options.preconditions or meta_v1.Preconditions()
    return Delete(
        resource=kind.resource, namespace=namespace, name=name, uid=conditions.uid,
        resource_version=conditions.resource_version,
        grace_period_s=options.grace_period_seconds, propagation=policy,
    )  # fmt: skip


def in_place(kind: Kind, obj: Any, namespace: str) -> Any:
    """The object in the namespace of the URL, and of the kind of the URL. Errors: BadRequest."""
    if obj.kind != kind.kind or obj.api_version != kind.api_version:
        unsaid = kind.hub.api_version if kind.hub is not None and kind.place == kind.hub.place else ""  # the type's own default
        if (obj.kind or kind.kind) != kind.kind or (obj.api_version or kind.api_version) not in (kind.api_version, unsaid):
            raise _of_another_kind(kind, obj)
        obj = replace(obj, kind=kind.kind, api_version=kind.api_version)
    meta = obj.metadata
    if meta.namespace == namespace:
        return obj
    if meta.namespace and kind.namespaced:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    return replace(obj, metadata=replace(meta, namespace=namespace))


def _of_another_kind(kind: Kind, obj: Any) -> Refusal:
    """What is said of a body that is not of the URL's kind."""
    said, version = obj.kind or kind.kind, obj.api_version or kind.api_version
    other_version = f"the API version in the data ({version}) does not match the expected API version ({kind.api_version})"
    if kind.definition is not None:
        if version != kind.api_version:
            return BadRequest(other_version)
        cause = Cause("FieldValueInvalid", f'Invalid value: "{said}": must be {kind.kind}', "kind")
        return invalid(kind.kind, kind.group, obj.metadata.name, (cause,))
    known = BUILTIN.by_gvk(version, said)
    if known is not None and (known.hub or known).type is (kind.hub or kind).type:
        return BadRequest(other_version)
    short = version.rpartition("/")[2]
    why = f'no kind "{said}" is registered for version "{version}" in scheme "pkg/api/legacyscheme/scheme.go:30"'
    if known is not None:
        within = kind.group.partition(".")[0] or "core"
        why = f"converting ({short}.{said}) to ({within}.{kind.kind}): unknown conversion"
    return BadRequest(f'{said} in version "{short}" cannot be handled as a {kind.kind}: {why}')


def check_name(obj: Any, name: str) -> None:
    given = obj.metadata.name
    if given != name:
        raise BadRequest(
            f"the name of the object ({given}) does not match the name on the URL ({name})" if given
            else "name must be provided: the body of the request has no metadata.name"
        )  # fmt: skip


async def submit(call: Call, command: Any, dry_run: bool = False) -> Committed:
    """Every write goes through here. Errors: NotAcceptable, before anything is done, when its answer could not be given."""
    shapes.check(call.wanted, listed=call.verb == "deletecollection")
    user = call.user
    return await call.cluster.submit(
        command, actor=user.name, groups=user.groups, origin=call.origin, dry_run=dry_run, size_bytes=call.body_bytes,
        request_info=call.request_info,
    )  # fmt: skip


async def answer(call: Call, committed: Committed, code: int, warnings: tuple[str, ...]) -> Reply:
    wanted: Format = call.wanted
    warnings = warnings + committed.warnings if committed.warnings else warnings
    if wanted.plain and not warnings and not call.kind.is_foreign:
        return Reply(in_version(call.kind, committed.entry).encoded, code)
    return await formatted(committed.entry, wanted, call, code, warnings)
