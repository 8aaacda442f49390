"""The other shapes of objects: tables for people, metadata alone, YAML."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.store.objects import meta_v1, protobuf_encoding
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest, NotAcceptable
from shipslog.store.state import Entry, message_of

from . import replies
from .negotiation import PROTOBUF, YAML, Format
from .replies import Reply
from .requests import Call
from .routes import first

_encode = msgspec.json.Encoder().encode


def one(entry: Entry, wanted: Format, call: Call, code: int = 200, warnings: Sequence[str] = ()) -> Reply:
    """One object in a shape. Errors: NotAcceptable for the shape of a list."""
    if wanted.shape == "PartialObjectMetadataList":
        raise NotAcceptable("you requested PartialObjectMetadataList, but the requested object is not a list")
    headers = [replies.warning(w) for w in warnings]
    if wanted.protobuf:
        return Reply(message(entry, wanted), code, PROTOBUF, headers)
    body = encoded(entry, wanted, call)
    return Reply(replies.as_yaml(body) if wanted.yaml else body, code, YAML if wanted.yaml else "application/json", headers)


def encoded(entry: Entry, wanted: Format, call: Call) -> bytes:
    """The JSON of one object in a shape; a watch sends the same."""
    kind = call.view.scheme.by_resource(entry.resource)
    if wanted.shape == "Table":
        return _encode(table(kind, [entry], {"resourceVersion": str(entry.revision)}, wanted, call))
    if wanted.shape:
        return _encode(partial(entry, wanted.version))
    return entry.encoded


def message(entry: Entry, wanted: Format) -> bytes:
    """The protobuf of one object in a shape, in its envelope; a watch sends the same."""
    if wanted.shape:
        partial_ = protobuf_encoding.metadata_alone(entry.object.metadata)
        return protobuf_encoding.enveloped(f"meta.k8s.io/{wanted.version}", "PartialObjectMetadata", partial_)
    return protobuf_encoding.enveloped(entry.object.api_version, entry.object.kind, message_of(entry))


def message_of_kind(kind: Kind, metadata: meta_v1.ObjectMeta, wanted: Format) -> bytes:
    """The protobuf of an object of a kind, of which there is only metadata, in its envelope."""
    alone = protobuf_encoding.metadata_alone(metadata)
    if wanted.shape:
        return protobuf_encoding.enveloped(f"meta.k8s.io/{wanted.version}", "PartialObjectMetadata", alone)
    return protobuf_encoding.enveloped(kind.api_version, kind.kind, protobuf_encoding.encode(kind.type(metadata=metadata)))


def messages(kind: Kind, entries: Sequence[Entry], metadata: Mapping[str, object], wanted: Format) -> Reply:
    """A list in protobuf."""
    if wanted.shape:
        items = [protobuf_encoding.metadata_alone(e.object.metadata) for e in entries]
        api_version, name = f"meta.k8s.io/{wanted.version}", "PartialObjectMetadataList"
    else:
        items, api_version, name = [message_of(e) for e in entries], kind.api_version, kind.list_kind
    raw = protobuf_encoding.list_of(msgspec.convert(metadata, meta_v1.ListMeta), items)
    return Reply(protobuf_encoding.enveloped(api_version, name, raw), 200, PROTOBUF)


def many(kind: Kind, entries: Sequence[Entry], metadata: Mapping[str, object], wanted: Format, call: Call) -> Reply:
    """A list in a shape. Errors: NotAcceptable for the shape of one object."""
    if wanted.shape == "PartialObjectMetadata":
        raise NotAcceptable("you requested PartialObjectMetadata, but the requested object is a list")
    if wanted.protobuf:
        return messages(kind, entries, metadata, wanted)
    if wanted.shape == "Table":
        value = table(kind, entries, metadata, wanted, call)
    elif wanted.shape:
        items = [partial(e, wanted.version) for e in entries]
        version = f"meta.k8s.io/{wanted.version}"
        value = {"kind": "PartialObjectMetadataList", "apiVersion": version, "metadata": metadata, "items": items}
    else:
        whole = [msgspec.Raw(e.encoded) for e in entries]
        value = {"kind": kind.list_kind, "apiVersion": kind.api_version, "metadata": metadata, "items": whole}
    return replies.of_value(value, wanted=wanted)


def partial(entry: Entry, version: str = "v1") -> dict[str, Any]:
    """The object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": entry.object.metadata}


def table(kind: Kind, entries: Sequence[Entry], metadata: Mapping[str, object], wanted: Format, call: Call) -> dict[str, Any]:
    """A Table of objects, as Kubernetes prints the kind. Errors: NotAcceptable for a kind that is no resource."""
    include = first(call.params, "includeObject") or "Metadata"
    if include not in ("None", "Metadata", "Object"):
        raise BadRequest(f'unrecognized includeObject value: "{include}"')
    if wanted.shape != "Table":
        raise NotAcceptable(f"{kind.kind} cannot be shown as {wanted.shape}")
    strategy = strategy_of(kind.resource)
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"cells": strategy.cells(entry.object, call.now_ns)}
        if conditions := strategy.row_conditions(entry.object):
            row["conditions"] = conditions
        if include == "Metadata":
            row["object"] = partial(entry, wanted.version)
        elif include == "Object":
            row["object"] = msgspec.Raw(entry.encoded)
        rows.append(row)
    definitions = [c.definition() for c in strategy.columns]
    version = f"meta.k8s.io/{wanted.version}"
    return {"kind": "Table", "apiVersion": version, "metadata": metadata, "columnDefinitions": definitions, "rows": rows}
