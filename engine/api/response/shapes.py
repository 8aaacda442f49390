"""The other shapes of objects: tables for people, metadata alone, YAML.

Tests: tests/engine/api/verbs/test_reads.py
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipslog.engine.api.request.negotiation import JSON, PROTOBUF, YAML, Format
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import first
from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.kinds.columns import Column
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.time.long_work import SHORT_BYTES
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.wire import protobuf_encoding
from shipslog.store.refusals import BadRequest, NotAcceptable
from shipslog.store.state import Entry, in_version, message_of

from . import lists, replies
from .lists import ListReply
from .replies import Reply

_encode = msgspec.json.Encoder().encode


def check(wanted: Format, *, listed: bool = False) -> None:
    """Errors: NotAcceptable for the shape of a list where the answer is one object, and the other way round."""
    if wanted.shape == "PartialObjectMetadataList" and not listed:
        raise NotAcceptable("you requested PartialObjectMetadataList, but the requested object is not a list")
    if wanted.shape == "PartialObjectMetadata" and listed:
        raise NotAcceptable("you requested PartialObjectMetadata, but the requested object is a list")


async def one(entry: Entry, wanted: Format, call: Call, code: int = 200, warnings: Sequence[str] = ()) -> Reply:
    """One object in a shape. Errors: NotAcceptable for the shape of a list."""
    check(wanted)
    headers, size = replies.warned(warnings), len(entry.encoded)
    if wanted.protobuf:
        return Reply(await replies.ENCODING.run(size, message, entry, wanted, call.kind), code, PROTOBUF, headers)
    body = in_version(call.kind, entry).encoded
    if wanted.shape:
        body = await replies.ENCODING.run(size, encoded, entry, wanted, call)
    return Reply(body, code, YAML if wanted.yaml else JSON, headers)


def encoded(entry: Entry, wanted: Format, call: Call) -> bytes:
    """The JSON of one object in a shape; a watch sends the same."""
    kind = call.kind
    if wanted.shape == "Table":
        whole = table(kind, {"resourceVersion": str(entry.revision)}, wanted)
        return _encode(whole | {"rows": list(rows(kind, [entry], wanted, call))})
    if wanted.shape:
        return _encode(partial(entry, wanted.version))
    return in_version(kind, entry).encoded


def message(entry: Entry, wanted: Format, kind: Kind) -> bytes:
    """The protobuf of one object in a shape, in its envelope; a watch sends the same."""
    if wanted.shape:
        partial_ = protobuf_encoding.metadata_alone(entry.object.metadata)
        return protobuf_encoding.enveloped(f"meta.k8s.io/{wanted.version}", "PartialObjectMetadata", partial_)
    entry = in_version(kind, entry)
    return protobuf_encoding.enveloped(entry.object.api_version, entry.object.kind, message_of(entry))


def message_of_kind(kind: Kind, metadata: meta_v1.ObjectMeta, wanted: Format) -> bytes:
    """The protobuf of an object of a kind, of which there is only metadata, in its envelope."""
    alone = protobuf_encoding.metadata_alone(metadata)
    if wanted.shape:
        return protobuf_encoding.enveloped(f"meta.k8s.io/{wanted.version}", "PartialObjectMetadata", alone)
    return protobuf_encoding.enveloped(kind.api_version, kind.kind, protobuf_encoding.encode(kind.type(metadata=metadata)))


def many(
    kind: Kind, entries: Sequence[Entry], metadata: dict[str, object], wanted: Format, call: Call, turn: asyncio.Lock
) -> Reply:
    """A list in any shape. `turn`: shared by all lists. Errors: NotAcceptable for the shape of one object."""
    check(wanted, listed=True)
    api_version = f"meta.k8s.io/{wanted.version}" if wanted.shape else kind.api_version
    name = wanted.shape or kind.list_kind
    long = any(len(entry.encoded) > SHORT_BYTES for entry in entries) if wanted.protobuf or wanted.shape else False
    shown = entries if kind.hub is None else (in_version(kind, entry) for entry in entries)
    if wanted.protobuf:
        parts = lists.in_protobuf(api_version, name, metadata, shown, alone=bool(wanted.shape))
        return ListReply(parts, turn, PROTOBUF, long=long)
    head: dict[str, Any] = {"kind": name, "apiVersion": api_version, "metadata": metadata}
    people = replies.for_people(call.request)
    if not wanted.shape and not wanted.yaml and not people:
        return ListReply(lists.whole(head, shown), turn)
    items: Iterator[bytes]
    if wanted.shape == "Table":
        head, key = table(kind, metadata, wanted), "rows"
        items = map(_encode, rows(kind, entries, wanted, call))
    else:
        key = "items"
        items = (_encode(partial(e, wanted.version)) if wanted.shape else b"{" + e.encoded[e.body_at :] for e in shown)
    if wanted.yaml:
        return ListReply(lists.as_yaml(head, key, items), turn, YAML)
    return ListReply((lists.indented if people else lists.rendered)(head, key, items), turn, long=long or people)


def partial(entry: Entry, version: str = "v1") -> dict[str, Any]:
    """The object's metadata alone."""
    return metadata_of(entry.object.metadata, version)


def metadata_of(metadata: meta_v1.ObjectMeta, version: str) -> dict[str, Any]:
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata}


def table_of_one(columns: Sequence[Column], cells: list[Any], obj: Any, wanted: Format, call: Call) -> dict[str, Any]:
    """A Table of one object that is of no kind of its own: a Scale. Errors: BadRequest."""
    include = _included(call)
    row: dict[str, Any] = {"cells": cells}
    if include != "None":
        row["object"] = obj if include == "Object" else metadata_of(obj.metadata, wanted.version)
    head = {"kind": "Table", "apiVersion": f"meta.k8s.io/{wanted.version}"}
    metadata = {"resourceVersion": obj.metadata.resource_version}
    return {**head, "metadata": metadata, "columnDefinitions": [c.definition() for c in columns], "rows": [row]}


def table(kind: Kind, metadata: Mapping[str, object], wanted: Format) -> dict[str, Any]:
    """A Table without its rows. Errors: NotAcceptable for what is no table."""
    if wanted.shape != "Table":
        raise NotAcceptable(f"{kind.kind} cannot be shown as {wanted.shape}")
    definitions = [c.definition() for c in rules_of(kind).columns]
    version = f"meta.k8s.io/{wanted.version}"
    return {"kind": "Table", "apiVersion": version, "metadata": metadata, "columnDefinitions": definitions}


def rows(kind: Kind, entries: Sequence[Entry], wanted: Format, call: Call) -> Iterator[dict[str, Any]]:
    """The rows of a Table, as Kubernetes prints the kind; each is made when it is asked for. Errors: BadRequest."""
    strategy, include = rules_of(kind), _included(call)
    return (_row(kind, strategy, entry, include, wanted, call.now_ns) for entry in entries)


def _included(call: Call) -> str:
    """What of an object stands beside its cells."""
    include = first(call.params, "includeObject") or "Metadata"
    if include not in ("None", "Metadata", "Object"):
        raise BadRequest(f'unrecognized includeObject value: "{include}"')
    return include


def _row(kind: Kind, strategy: Strategy, entry: Entry, include: str, wanted: Format, now_ns: int) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": strategy.cells(entry.object, now_ns)}
    if conditions := strategy.row_conditions(entry.object):
        row["conditions"] = conditions
    if include == "Metadata":
        row["object"] = partial(entry, wanted.version)
    elif include == "Object":
        row["object"] = msgspec.Raw(in_version(kind, entry).encoded)
    return row
