"""WATCH over HTTP."""

import asyncio
import gc
import json
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from shipslog.engine.api.response import lists, outlets
from shipslog.engine.api.verbs import watches
from shipslog.engine.auth.connection import HttpConnection
from shipslog.store.objects.types import core_v1, meta_v1
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client


class Watching:
    """A watch that is being read."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> tuple[str, Any]:
        line = await asyncio.wait_for(self.response.content.readline(), 10)
        assert line, "the watch has ended"
        event = json.loads(line)
        return event["type"], event["object"]

    async def ended(self) -> bool:
        return await asyncio.wait_for(self.response.content.read(), 10) == b""


async def watch(client: Client, query: str, **options: Any) -> Watching:
    response = await client.stream(f"{CONFIG_MAPS}?watch=1&{query}", **options)
    assert response.status == 200, await response.text()
    return Watching(response)


async def test_long_objects_go_out_in_their_order_with_those_that_come_behind(admin: Client) -> None:
    """Long ones are made into tables in a thread; short ones would be written at once."""
    watching = await watch(admin, "resourceVersion=1", headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    long = {f"k{i}": "v" for i in range(5_000)}
    for i in range(8):
        await admin.config_map(f"c{i}", long if i % 2 == 0 else {})
    names = [(await watching.next())[1]["rows"][0]["object"]["metadata"]["name"] for _ in range(8)]
    assert names == [f"c{i}" for i in range(8)]


async def test_a_watch_begins_with_more_than_one_part(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PART_ITEMS", 3)
    for i in range(8):
        await admin.config_map(f"c{i}", {"even": str(i % 2 == 0)})
    watching = await watch(admin, "labelSelector=even=True&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                                  "&allowWatchBookmarks=true")  # fmt: skip
    begun = [await watching.next() for _ in range(5)]
    assert [(kind, obj["metadata"].get("name")) for kind, obj in begun[:4]] == [("ADDED", f"c{i}") for i in (0, 2, 4, 6)]
    assert begun[4][0] == "BOOKMARK" and "annotations" in begun[4][1]["metadata"]


async def test_changes_after_a_revision(admin: Client) -> None:
    made = await admin.config_map("a", k="1")
    watching = await watch(admin, f"resourceVersion={made['metadata']['resourceVersion']}")
    replaced = (await admin.call("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "2"}}))[1]
    assert await watching.next() == ("MODIFIED", replaced)
    await admin.call("DELETE", f"{CONFIG_MAPS}/a")
    kind, obj = await watching.next()
    assert (kind, obj["data"]) == ("DELETED", {"k": "2"})
    assert int(obj["metadata"]["resourceVersion"]) > int(replaced["metadata"]["resourceVersion"])


async def test_without_a_revision_it_begins_with_what_is_there(admin: Client) -> None:
    made = await admin.config_map("a")
    watching = await watch(admin, "")
    assert await watching.next() == ("ADDED", made)
    later = await admin.config_map("b")
    assert await watching.next() == ("ADDED", later)


async def test_entering_and_leaving_a_selection(admin: Client) -> None:
    watching = await watch(admin, "labelSelector=color%3Dred&resourceVersion=0")
    await admin.config_map("a", {"color": "blue"}, n="1")
    for color, n in (("red", "2"), ("red", "3"), ("green", "4")):
        body = {"metadata": {"name": "a", "labels": {"color": color}}, "data": {"n": n}}
        assert (await admin.call("PUT", f"{CONFIG_MAPS}/a", body))[0] == 200
    seen = [await watching.next() for _ in range(3)]
    assert [(kind, obj["data"]["n"]) for kind, obj in seen] == [("ADDED", "2"), ("MODIFIED", "3"), ("DELETED", "3")]
    revisions = [int(obj["metadata"]["resourceVersion"]) for _, obj in seen]
    assert revisions == sorted(set(revisions))


async def test_watches_of_one_kind_see_each_change_in_their_own_way(admin: Client) -> None:
    """What one was sent is given to others only where they would be sent the same."""
    table, queries = (
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        ("labelSelector=color%3Dred&", "labelSelector=color%3Dblue&", ""),
    )
    plain = [await watch(admin, f"{query}resourceVersion=0") for query in (*queries, *queries)]
    shaped = await watch(admin, "resourceVersion=0", headers={"Accept": table})
    framed = await watch(admin, "resourceVersion=0", headers={"Accept": "application/vnd.kubernetes.protobuf;stream=watch"})
    for i, color in enumerate(("red", "blue", "red")):
        await admin.config_map(f"c{i}", {"color": color})
    for watching, names in zip(plain, (["c0", "c2"], ["c1"], ["c0", "c1", "c2"]) * 2, strict=True):
        assert [(await watching.next())[1]["metadata"]["name"] for _ in names] == names
    for i in range(3):
        assert (await shaped.next())[1]["rows"][0]["object"]["metadata"]["name"] == f"c{i}"
        size = int.from_bytes(await asyncio.wait_for(framed.response.content.readexactly(4), 30))
        assert f"c{i}".encode() in await asyncio.wait_for(framed.response.content.readexactly(size), 30)


async def test_a_bookmark_before_the_end(api: Api, admin: Client) -> None:
    watching = await watch(admin, "allowWatchBookmarks=true&timeoutSeconds=1")
    kind, obj = await watching.next()
    assert (kind, obj["kind"]) == ("BOOKMARK", "ConfigMap")
    assert obj["metadata"]["resourceVersion"] == str(api.cluster.view.revision)
    assert await watching.ended()


async def test_a_watch_without_what_is_there_begins_now(admin: Client) -> None:
    await admin.config_map("a")
    watching = await watch(admin, "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
    await admin.config_map("b")
    kind, obj = await watching.next()
    assert (kind, obj["metadata"]["name"]) == ("ADDED", "b")


async def test_initial_events_end_with_a_bookmark(admin: Client) -> None:
    await admin.config_map("a")
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watching = await watch(admin, query)
    assert (await watching.next())[0] == "ADDED"
    kind, obj = await watching.next()
    assert kind == "BOOKMARK"
    assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    code, _ = await admin.call("GET", f"{CONFIG_MAPS}?watch=1&sendInitialEvents=true")
    assert code == 422


async def test_a_revision_that_is_forgotten(api: Api, admin: Client) -> None:
    api.cluster.hub._floor = api.cluster.view.revision
    watching = await watch(admin, "resourceVersion=1")
    kind, status = await watching.next()
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert await watching.ended()


async def test_tables_in_a_watch(admin: Client) -> None:
    watching = await watch(admin, "", headers={"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"})
    await admin.config_map("a", k="v")
    kind, table = await watching.next()
    assert (kind, table["kind"], table["rows"][0]["cells"][:2]) == ("ADDED", "Table", ["a", 1])


async def test_bad_parameters(admin: Client) -> None:
    for query in ("timeoutSeconds=abc", "resourceVersion=abc", "fieldSelector=data.a%3Db"):
        code, status = await admin.call("GET", f"{CONFIG_MAPS}?watch=true&{query}")
        assert (code, status["reason"]) == (400, "BadRequest"), query


async def test_time_that_is_up_already(admin: Client) -> None:
    assert await Watching(await admin.stream(f"{CONFIG_MAPS}?watch=true&timeoutSeconds=-1")).ended()


async def test_the_old_watch_paths(admin: Client) -> None:
    made = await admin.config_map("a")
    await admin.config_map("b")
    watching = Watching(await admin.stream("/api/v1/watch/namespaces/default/configmaps/a?timeoutSeconds=1"))
    assert await watching.next() == ("ADDED", made)
    assert await watching.ended()


async def test_a_client_that_goes_is_forgotten(api: Api, admin: Client) -> None:
    watching = await watch(admin, "")
    assert len(api.server.handler.watching) == 1
    watching.response.close()
    async with asyncio.timeout(10):
        while api.server.handler.watching:
            await asyncio.sleep(0.01)


async def test_watches_end_when_the_server_stops(api: Api, admin: Client) -> None:
    watching = await watch(admin, "")
    await api.server.stop()
    assert await watching.ended()


async def test_a_watch_that_has_ended_leaves_no_connection_behind(admin: Client) -> None:
    """Not even until somebody collects garbage: a quarter of a MiB each, of `kubectl wait` one for each pod."""

    def connections() -> int:
        return sum(type(one) is HttpConnection for one in gc.get_objects())

    await admin.config_map("a")
    gc.collect()
    before = connections()
    gc.disable()
    try:
        watching = [await watch(admin, "") for _ in range(5)]
        for one in watching:
            assert (await one.next())[0] == "ADDED"
        assert connections() >= before + 4, "each has one, but for the first, which may have had another before"
        for one in watching:
            one.response.close()
        deadline = time.monotonic() + 30
        while (left := connections()) > before:
            assert time.monotonic() < deadline, f"{left - before} connections are left"
            await asyncio.sleep(0.02)
    finally:
        gc.enable()


def test_a_watch_begins_with_no_more_bytes_at_once_than_a_client_that_does_not_read_may_make_us_keep() -> None:
    sizes = [10, lists.PART_BYTES + 1, lists.PART_BYTES - 5, 5, 1, *([1] * (2 * lists.PART_ITEMS))]
    parts = list(watches.parts_of(sizes, lambda size: size))
    assert [size for part in parts for size in part] == sizes
    assert all(len(part) <= lists.PART_ITEMS and (len(part) == 1 or sum(part) <= lists.PART_BYTES) for part in parts)
    assert len(parts) == 6 and list(watches.parts_of([], len)) == []


async def test_what_a_watch_begins_with_is_written_in_parts(api: Api, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else 200 watches of one client that does not read, with a few large objects, would take gigabytes."""
    written: list[int] = []

    class Weighed(outlets.Chunks):
        async def write(self, parts: Sequence[bytes]) -> None:
            written.append(sum(map(len, parts)))
            await super().write(parts)

    monkeypatch.setattr(watches, "outlet_of", lambda request, media, *, text: Weighed(request, media))
    for at in range(20):
        named = meta_v1.ObjectMeta(name=f"big-{at}", namespace="default")
        await api.cluster.create(core_v1.ConfigMap(metadata=named, data={"k": "x" * 200_000}))
    reading = await watch(admin, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
    read = b""
    async with asyncio.timeout(30):
        while b"initial-events-end" not in read[-2_000:]:
            read += await reading.response.content.readany()
    assert [json.loads(line)["object"]["metadata"].get("name", "")[:3] for line in read.splitlines()] == ["big"] * 20 + [""]
    assert len(written) >= 20 and max(written) < lists.PART_BYTES, written
    reading.response.close()
