"""Manifests as people write them: YAML or JSON to objects, and what `apply` makes of one that exists already."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shipslog.store.commands import Patch
from shipslog.store.objects.patch import MERGE_PATCH, STRATEGIC_PATCH
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.wire import codec, json_text, yaml_text
from shipslog.store.refusals import BadRequest
from shipslog.store.state import Entry

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def documents(manifest: str | bytes | Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The documents of a manifest; Lists are taken apart. Errors: BadRequest for what is not YAML or has no kind."""
    if isinstance(manifest, Mapping):
        loaded: list[Any] = [dict(manifest)]
    else:
        try:
            parsed = yaml_text.parse(manifest)
        except yaml_text.NotYaml as error:
            raise BadRequest(f"the manifest is not YAML: {error}") from error
        if repeated := next((d.repeated for d in parsed if d.repeated), ()):
            raise BadRequest(f"the manifest says twice what only counts once: {repeated[0]}")
        loaded = [d.value for d in parsed]
    for document in loaded:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise BadRequest(f"a manifest is a mapping with apiVersion and kind, not {type(document).__name__}")
        if document.get("kind") == "List" and isinstance(document.get("items"), list):
            yield from (dict(item) for item in document["items"])
        else:
            yield document


def parse(scheme: Scheme, document: dict[str, Any]) -> tuple[Kind, Any]:
    """The kind, in the document's version, and the object as it is stored; in the namespace `default` if it names none.
    Errors: BadRequest."""
    api_version, kind_name = document.get("apiVersion"), document.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind_name, str):
        raise BadRequest("the manifest lacks apiVersion or kind")
    kind = scheme.by_gvk(api_version, kind_name)
    if kind is None:
        raise BadRequest(f'no matches for kind "{kind_name}" in version "{api_version}"')
    if kind.namespaced:
        document = {**document, "metadata": {"namespace": "default", **(document.get("metadata") or {})}}
    obj, _ = codec.from_builtins(kind.type, document, validation="Strict")
    return kind, kind.to_hub(obj)


def with_last_applied(kind: Kind, obj: Any, document: Mapping[str, Any]) -> Any:
    """The object, annotated with the manifest that it was made from."""
    meta = obj.metadata
    annotations = {**meta.annotations, LAST_APPLIED: _remembered(document)}
    return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(meta, annotations=annotations))


def three_way(kind: Kind, current: Entry, document: Mapping[str, Any]) -> Patch:
    """The strategic merge patch from the current object to the manifest; fields that the last apply set are removed."""
    meta = current.object.metadata
    wanted = {k: v for k, v in document.items() if k != "status"}
    patch = _deletions(_last_applied(meta.annotations), wanted)
    patch = _merge(patch, wanted)
    metadata = patch.setdefault("metadata", {})
    if metadata.get("annotations") is None:  # a manifest that has none any more: each that it had is taken out by name
        metadata["annotations"] = dict.fromkeys(_annotations_of(_last_applied(meta.annotations)))
    metadata["annotations"][LAST_APPLIED] = _remembered(document)
    return Patch(
        resource=kind.resource, namespace=meta.namespace, name=meta.name, body=msgspec.json.encode(patch),
        media_type=STRATEGIC_PATCH if kind.definition is None else MERGE_PATCH,
        api_version="" if kind.hub is None else kind.api_version,
    )  # fmt: skip


def _last_applied(annotations: Mapping[str, str]) -> dict[str, Any]:
    """What the last apply set; nothing if the annotation is not there, or is none of ours: clients may write what they like."""
    try:
        last = json_text.parse(annotations.get(LAST_APPLIED, "{}"))
    except json_text.NotJson:
        return {}
    return last if isinstance(last, dict) else {}


def _annotations_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    held = document.get("metadata")
    found = held.get("annotations") if isinstance(held, dict) else None
    return found if isinstance(found, dict) else {}


def _remembered(document: Mapping[str, Any]) -> str:
    return msgspec.json.encode({k: v for k, v in document.items() if k != "status"}).decode() + "\n"


def _deletions(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """null for each field of `before` that `after` lacks; lists are left to their merge keys."""
    out: dict[str, Any] = {}
    for key, value in before.items():
        if key not in after:
            out[key] = None
        elif isinstance(value, dict) and isinstance(after[key], dict):
            inner = _deletions(value, after[key])
            if inner:
                out[key] = inner
    return out


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in values.items():
        into[key] = _merge(into.get(key) or {}, value) if isinstance(value, Mapping) else value
    return into
