"""A client that would rather have protobuf gets it: objects, lists, watches, what was done and what was refused."""

import base64
from typing import Any

import aiohttp

from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.wire import protobuf

from .conftest import CONFIG_MAPS, Client

MEDIA = "application/vnd.kubernetes.protobuf"
WANTED = {"Accept": f"{MEDIA},application/json"}
METADATA = {"Accept": f"{MEDIA};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
METADATA_LIST = {"Accept": f"{MEDIA};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


async def raw(admin: Client, method: str, path: str, headers: dict[str, str], **options: Any) -> tuple[int, str, bytes]:
    async with admin.session.request(method, admin.base + path, headers=headers, **options) as response:
        return response.status, response.headers["Content-Type"], await response.read()


def parts(data: bytes) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for number, _, value in protobuf._parts(data):
        found.setdefault(number, []).append(value)
    return found


def status_of(data: bytes) -> meta_v1.Status:
    api_version, kind, message = protobuf.unwrap(data)
    assert (api_version, kind) == ("v1", "Status")
    return protobuf.decode(meta_v1.Status, message)


async def test_an_object(admin: Client) -> None:
    made = await admin.config_map("one", {"app": "web"}, key="value")
    for _ in range(2):  # the second time it is made already
        code, media, body = await raw(admin, "GET", f"{CONFIG_MAPS}/one", WANTED)
        api_version, kind, message = protobuf.unwrap(body)
        got = protobuf.decode(core_v1.ConfigMap, message)
        assert (code, media, api_version, kind) == (200, MEDIA, "v1", "ConfigMap")
        assert (got.data, got.metadata.uid, got.metadata.labels) == ({"key": "value"}, made["metadata"]["uid"], {"app": "web"})
        assert got.metadata.resource_version == made["metadata"]["resourceVersion"]
        assert got.metadata.creation_timestamp == made["metadata"]["creationTimestamp"]


async def test_a_write(admin: Client) -> None:
    code, media, body = await raw(admin, "POST", CONFIG_MAPS, WANTED, json={"metadata": {"name": "w"}, "data": {"a": "b"}})
    assert (code, media) == (201, MEDIA)
    assert protobuf.decode(core_v1.ConfigMap, protobuf.unwrap(body)[2]).data == {"a": "b"}


async def test_a_list(admin: Client) -> None:
    for name in ("a", "b", "c"):
        await admin.config_map(name)
    code, media, body = await raw(admin, "GET", f"{CONFIG_MAPS}?limit=2", WANTED)
    api_version, kind, message = protobuf.unwrap(body)
    assert (code, media, api_version, kind) == (200, MEDIA, "v1", "ConfigMapList")
    found = parts(message)
    metadata = protobuf.decode(meta_v1.ListMeta, found[1][0])
    assert metadata.resource_version and metadata.continue_ and metadata.remaining_item_count
    assert [protobuf.decode(core_v1.ConfigMap, item).metadata.name for item in found[2]] == ["a", "b"]


async def test_metadata_alone(admin: Client) -> None:
    await admin.config_map("one", key="value")
    _, _, body = await raw(admin, "GET", f"{CONFIG_MAPS}/one", METADATA)
    api_version, kind, message = protobuf.unwrap(body)
    assert (api_version, kind) == ("meta.k8s.io/v1", "PartialObjectMetadata")
    assert protobuf.decode(meta_v1.ObjectMeta, parts(message)[1][0]).name == "one" and 2 not in parts(message)
    _, _, body = await raw(admin, "GET", CONFIG_MAPS, METADATA_LIST)
    assert protobuf.unwrap(body)[:2] == ("meta.k8s.io/v1", "PartialObjectMetadataList")


async def test_what_was_refused_and_what_was_done(admin: Client) -> None:
    code, media, body = await raw(admin, "GET", f"{CONFIG_MAPS}/none", WANTED)
    status = status_of(body)
    assert (code, media, status.code, status.reason) == (404, MEDIA, 404, "NotFound")
    assert status.details is not None and (status.details.name, status.details.kind) == ("none", "configmaps")
    await admin.config_map("one")
    code, media, body = await raw(admin, "DELETE", f"{CONFIG_MAPS}/one", WANTED)
    assert (code, media, status_of(body).status) == (200, MEDIA, "Success")


async def frame(response: aiohttp.ClientResponse) -> tuple[str, str, bytes]:
    """(what happened, the kind, the message)"""
    size = int.from_bytes(await response.content.readexactly(4), "big")
    event = parts(await response.content.readexactly(size))
    _, kind, message = protobuf.unwrap(parts(event[2][0])[1][0])
    return event[1][0].decode(), kind, message


async def test_a_watch(admin: Client) -> None:
    await admin.config_map("one", {"app": "web"})
    query = "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    response = await admin.stream(CONFIG_MAPS + query, headers=WANTED)
    assert response.headers["Content-Type"] == f"{MEDIA};stream=watch"
    while (said := await frame(response))[0] == "ADDED":
        assert said[1] == "ConfigMap"
    change, kind, message = said
    bookmark = protobuf.decode(core_v1.ConfigMap, message)
    assert (change, kind) == ("BOOKMARK", "ConfigMap")
    assert bookmark.metadata.annotations == {"k8s.io/initial-events-end": "true"} and bookmark.metadata.resource_version
    await admin.config_map("two")
    change, _, message = await frame(response)
    assert (change, protobuf.decode(core_v1.ConfigMap, message).metadata.name) == ("ADDED", "two")
    await admin.call("DELETE", f"{CONFIG_MAPS}/two")
    assert (await frame(response))[0] == "DELETED"


async def test_a_watch_with_a_selector_and_one_that_is_too_old(admin: Client) -> None:
    response = await admin.stream(f"{CONFIG_MAPS}?watch=1&labelSelector=app%3Dweb", headers=METADATA)
    await admin.config_map("no")
    await admin.config_map("yes", {"app": "web"})
    change, kind, message = await frame(response)
    assert (change, kind) == ("ADDED", "PartialObjectMetadata")
    assert protobuf.decode(meta_v1.ObjectMeta, parts(message)[1][0]).name == "yes"


async def test_a_watch_over_a_websocket(admin: Client) -> None:
    await admin.config_map("one", {"app": "web"})
    url = f"{admin.base}{CONFIG_MAPS}?watch=1&labelSelector=app%3Dweb"
    async with admin.session.ws_connect(url) as socket:
        first = await socket.receive_json(timeout=10)
        assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "one")
        await admin.config_map("two", {"app": "web"})
        second = await socket.receive_json(timeout=10)
        assert (second["type"], second["object"]["metadata"]["name"]) == ("ADDED", "two")
    async with admin.session.ws_connect(url, headers=WANTED) as socket:
        assert (await socket.receive_bytes(timeout=10))[4:].startswith(b"\x0a\x05ADDED")
    async with admin.session.ws_connect(f"{url}&timeoutSeconds=1") as socket:
        kinds = [message.type async for message in socket]
    assert kinds == [aiohttp.WSMsgType.TEXT] * 2


def test_the_body_of_a_secret_is_bytes() -> None:
    text = base64.b64encode(b"\xff\x00").decode()
    made = core_v1.Secret(data={"k": text})
    from shipslog.store.objects.wire import protobuf_encoding

    assert protobuf.decode(core_v1.Secret, protobuf_encoding.encode(made)).data == {"k": text}
