"""Requests that are well: every kind in each encoding, each way to patch, to ask and to say who asks."""

from typing import Any

import msgspec
import yaml

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.wire import codec, protobuf_encoding
from tests.engine.kinds.test_contract import filled

from .accepted import ACCEPTED
from .case import Case

JSON, YAML, PROTOBUF = b"application/json", b"application/yaml", b"application/vnd.kubernetes.protobuf"
MERGE, STRATEGIC, PATCH, APPLY = (
    b"application/merge-patch+json",
    b"application/strategic-merge-patch+json",
    b"application/json-patch+json",
    b"application/apply-patch+yaml",
)
DEPTH = 4
CONFIG_MAPS = b"/api/v1/namespaces/default/configmaps"
OPERATIONS = (
    b'[{"op":"add","path":"/metadata/labels","value":{"a":"b"}},{"op":"copy","from":"/metadata/labels","path":"/data"},'
    b'{"op":"test","path":"/data/a","value":"b"},{"op":"replace","path":"/data/a","value":"c"},'
    b'{"op":"move","from":"/data/a","path":"/data/b~1~0"},{"op":"remove","path":"/data/b~1~0"}]'
)
QUERIES = (
    b"labelSelector=a%20in%20(b,c),!d,e!=f&fieldSelector=metadata.name%3Dx",
    b"limit=1&continue=x",
    b"resourceVersion=1&resourceVersionMatch=NotOlderThan",
    b"watch=1&resourceVersion=0&timeoutSeconds=1&allowWatchBookmarks=true",
    b"watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1",
)
WRITES = (b"dryRun=All", b"fieldManager=x", b"fieldValidation=Strict", b"fieldValidation=Warn&pretty=true")
ACCEPTS = (
    b"application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    PROTOBUF,
    b"application/yaml, */*;q=0.1",
    b"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    b"application/vnd.kubernetes.protobuf;stream=watch",
)
PATHS = (
    b"/at/rev/2",
    b"/at/2027-01-15T07:55:00Z",
    b"/at/-5m",
    b"/healthz",
    b"/readyz?verbose=1",
    b"/api",
    b"/apis",
    b"/openapi/v2",
    b"/openapi/v3",
    b"/version",
    b"/apis/policy/v1",
)


def path_of(kind: Kind) -> bytes:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/default/{kind.plural}".encode() if kind.namespaced else f"{root}/{kind.plural}".encode()


def _named(kind: Kind, value: dict[str, Any], name: str) -> dict[str, Any]:
    space = {"namespace": "default"} if kind.namespaced else {}
    meta = {"name": name, "labels": {"a": "b"}, "annotations": {"c": "d"}, **space, **value.get("metadata", {})}
    return {**value, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}


def first() -> list[Case]:
    """What makes one object of each kind, each of which is taken."""
    made = []
    for resource, value in ACCEPTED.items():
        kind = BUILTIN.by_resource(resource)
        made.append(Case(b"POST", path_of(kind), (content(JSON),), msgspec.json.encode(_named(kind, value, "x"))))
    return made


def _bodies(kind: Kind, value: dict[str, Any]) -> list[Case]:
    path = path_of(kind)
    obj, _ = codec.from_builtins(kind.type, value)
    text = msgspec.json.encode(value)
    made = [
        Case(b"POST", path, (content(media),), body)
        for media, body in ((JSON, text), (YAML, yaml.safe_dump(value).encode()), (PROTOBUF, protobuf_encoding.whole(obj)))
    ]
    item = path + b"/x"
    changed = [
        Case(b"PATCH", item, (content(media),), body) for media, body in ((MERGE, text), (STRATEGIC, text), (PATCH, OPERATIONS))
    ]
    for query in (b"?fieldManager=one", b"?fieldManager=two&force=true", b"/status?fieldManager=one"):
        changed.append(Case(b"PATCH", item + query, (content(APPLY),), text))
    under = [Case(b"PUT", item + b"/" + name.encode(), (content(JSON),), text) for name in kind.subresources]
    return [*made, *changed, *under, Case(b"PUT", item, (content(JSON),), text), Case(b"GET", item), Case(b"DELETE", item)]


def content(media: bytes) -> tuple[bytes, bytes]:
    return b"Content-Type", media


def minimal(name: bytes = b"x", media: bytes = JSON) -> Case:
    return Case(b"POST", CONFIG_MAPS, (content(media),), b'{"metadata":{"name":"%b"},"data":{"a":"b"}}' % name)


def seeds(token: bytes) -> list[Case]:
    """`token`: one that the server takes."""
    kinds = [k for k in BUILTIN.kinds() if {"get", "create"} <= set(k.verbs)]
    made = [minimal()]
    for kind in kinds:
        every = {k: v for k, v in filled(kind.type, DEPTH).items() if k != "metadata"}
        accepted = {k: v for k, v in ACCEPTED[kind.resource].items() if k != "metadata"}
        made += _bodies(kind, _named(kind, every, "x")) + _bodies(kind, _named(kind, accepted, "x"))
        made += _bodies(kind, _named(kind, accepted, "y"))[:3]
    lists = [path_of(kind) for kind in kinds]
    made += [Case(b"GET", b"%b?%b" % (path, query)) for path in lists[:4] for query in QUERIES]
    made += [Case(b"POST", b"%b?%b" % (CONFIG_MAPS, query), (content(JSON),), minimal().body) for query in WRITES]
    made += [Case(b"GET", path, ((b"Accept", accept),)) for path in lists for accept in ACCEPTS]
    made += [Case(b"GET", path) for path in PATHS]
    made += [Case(b"GET", path + CONFIG_MAPS + b"/x") for path in PATHS[:3]]
    made += [Case(b"GET", CONFIG_MAPS, ((b"Authorization", b"Bearer " + token),))] * 3
    made += [
        Case(
            b"GET",
            CONFIG_MAPS,
            (
                (b"Impersonate-User", b"a"),
                (b"Impersonate-Group", b"system:masters"),
                (b"Impersonate-Uid", b"1"),
                (b"Impersonate-Extra-x%2fy", b"z"),
            ),
        )
    ] * 3
    options = b'{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","preconditions":{"uid":"x"}}'
    made += [Case(b"DELETE", path + b"/x", (content(JSON),), options) for path in lists]
    return made
