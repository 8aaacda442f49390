"""The log over HTTP: the same answers as from a file, under the caller's rights."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from shipslog.engine.api.log import chronicle
from shipslog.engine.auth.attributes import Attributes, Verdict
from shipslog.engine.auth.users import User
from shipslog.engine.past import views
from shipslog.engine.state.view import MemoryView
from shipslog.store.log.event_log import EventLog
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client

SECRETS = "/api/v1/namespaces/default/secrets"
ALICE = {"Impersonate-User": "alice"}


async def lines(client: Client, path: str, **options: Any) -> list[Any]:
    code, text = await client.call("GET", path, **options)
    assert code == 200, text
    return [json.loads(line) for line in text.splitlines()]


async def test_the_log_is_read_over_http(admin: Client) -> None:
    made = await admin.config_map("a", k="1")
    made["data"]["k"] = "2"
    await admin.call("PUT", f"{CONFIG_MAPS}/a", made)
    found = await lines(admin, "/log/events?kind=cm&namespace=default")
    assert [(line["effect"], line["what"]) for line in found] == [
        ("created", "created configmap default/a"),
        ("modified", "modified configmap default/a: data.k: 1 -> 2"),
    ]
    assert found[0]["reason"].startswith("asked for: create, by ")
    (shown,) = await lines(admin, f"/log/show?revision={found[1]['revision']}")
    assert shown["event"]["fact"]["object"]["data"] == {"k": "2"} and shown["previous"] == found[0]["revision"]
    assert [c["effect"] for c in await lines(admin, "/log/history?of=cm/a")] == ["created", "modified"]
    assert [s["line"]["revision"] for s in await lines(admin, "/log/why?of=cm/a")] == [line["revision"] for line in found]
    await admin.call("DELETE", f"{CONFIG_MAPS}/a")
    assert [g["name"] for g in await lines(admin, "/log/deleted?kind=cm")] == ["a"]
    (then,) = await lines(admin, f"/log/as-of?of=cm/a&at={found[0]['revision']}")
    assert then["data"] == {"k": "1"}


async def test_wrong_questions_are_refused(admin: Client, api: Api) -> None:
    for path, said in {
        "/log/events?kind=unicorn": "there is no kind 'unicorn'",
        "/log/events?since=teatime": "names no moment",
        "/log/events?colour=red": "'colour' is no parameter of /log/events",
        "/log/show?revision=x": "Expected `int`",
        f"/log/events?name={'*a' * 300}": "length <= 512 - at `$.name`",
        f"/log/events?actor={'*a' * 300}": "length <= 512 - at `$.actor`",
        "/log/events?follow=true&kind=unicorn": "there is no kind 'unicorn'",
    }.items():
        code, status = await admin.call("GET", path)
        assert (code, status["kind"]) == (400, "Status") and said in status["message"], path
    assert (await admin.call("GET", "/log/show?revision=99999"))[0] == 404
    assert (await admin.call("GET", "/log/nonsense"))[0] == 404
    assert (await admin.call("DELETE", "/log/events"))[0] == 405
    assert (await api.client().call("GET", "/log/events"))[0] == 401


async def test_nobody_sees_more_of_the_log_than_of_the_cluster(
    admin: Client, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.config_map("a", k="1")
    await admin.call("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"k": "hush"}})
    assert await lines(admin, "/log/events", headers=ALICE) == []
    assert (await admin.call("GET", "/log/history?of=cm/a", headers=ALICE))[0] == 404

    def config_maps_only(user: User, wanted: Attributes, view: MemoryView) -> Verdict:
        return Verdict((wanted.verb, wanted.resource, wanted.namespace) == ("get", "configmaps", "default"))

    monkeypatch.setattr(chronicle, "authorize", config_maps_only)
    found = await lines(admin, "/log/events?show_secrets=true", headers=ALICE)
    assert {line["resource"] for line in found} == {"configmaps"} and {line["namespace"] for line in found} == {"default"}
    assert [c["effect"] for c in await lines(admin, "/log/history?of=cm/a", headers=ALICE)] == ["created"]
    assert (await admin.call("GET", "/log/history?of=secret/s&show_secrets=true", headers=ALICE))[0] == 404
    assert (await admin.call("GET", "/log/as-of?of=secret/s&show_secrets=true", headers=ALICE))[0] == 404
    revision = next(x["revision"] for x in await lines(admin, "/log/events?kind=secret"))
    assert (await admin.call("GET", f"/log/show?revision={revision}", headers=ALICE))[0] == 404


async def test_secrets_stay_closed_unless_one_asks(admin: Client) -> None:
    _, made = await admin.call("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"k": "hush"}})
    value = made["data"]["k"]
    for path in ("/log/events?kind=secret", "/log/history?of=secret/s", "/log/as-of?of=secret/s"):
        _, hidden = await admin.call("GET", path)
        assert value not in json.dumps(hidden)
    for path in ("/log/history?of=secret/s", "/log/as-of?of=secret/s"):
        _, shown = await admin.call("GET", f"{path}&show_secrets=true")
        assert value in json.dumps(shown)


async def test_a_stream_goes_on_and_ends_with_the_server(admin: Client, api: Api) -> None:
    stream = await admin.stream("/log/events?kind=cm&name=late&follow=true")
    await admin.config_map("early")
    await admin.config_map("late")
    async with asyncio.timeout(10):
        assert json.loads(await stream.content.readline())["name"] == "late"
    stopping = asyncio.create_task(api.server.stop())
    async with asyncio.timeout(3):
        assert await stream.content.read() == b""
    await stopping


async def test_not_everybody_reads_at_once(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "FOLLOWERS", 1)
    stream = await admin.stream("/log/events?follow=true")
    await stream.content.readline()
    code, status = await admin.call("GET", "/log/events?follow=true")
    assert (code, status["details"]["retryAfterSeconds"]) == (429, 1)
    await lines(admin, "/log/events")
    stream.close()
    async with asyncio.timeout(10):
        while (await admin.stream("/log/events?follow=true")).status == 429:
            await asyncio.sleep(0.01)


async def test_one_user_leaves_room_for_others(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "FOLLOWERS_EACH", 2, raising=False)
    for _ in range(2):
        assert (await admin.stream("/log/events?follow=true", headers=ALICE)).status == 200
    assert (await admin.stream("/log/events?follow=true", headers=ALICE)).status == 429
    assert await lines(admin, "/log/events", headers=ALICE) == []
    assert (await admin.stream("/log/events?follow=true")).status == 200


async def test_who_takes_nothing_holds_no_place(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "UNREAD_S", 0.2, raising=False)
    monkeypatch.setattr(chronicle, "AT_ONCE", 1)
    for k in range(24):
        code, made = await admin.call("PUT" if k else "POST", f"{CONFIG_MAPS}{'/a' * (k > 0)}", {
            "metadata": {"name": "a"}, "data": {"k": chr(97 + k) * 900_000},
        })  # fmt: skip
        assert code in (200, 201), made
    stream = await admin.stream("/log/history?of=cm/a")  # 60 MB, more than sockets take
    assert (await admin.call("GET", "/log/events?kind=pod"))[0] == 429
    async with asyncio.timeout(20):
        while (await admin.call("GET", "/log/events?kind=pod"))[0] == 429:
            await asyncio.sleep(0.05)
    assert stream.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream.read()


async def test_what_is_asked_of_the_past_shares_its_views(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    async def counted(event_log: EventLog, revision: int) -> MemoryView:
        made.append(revision)
        return await make(event_log, revision)

    make = views.view_at
    monkeypatch.setattr(views, "view_at", counted)
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    _, waits = await admin.call("POST", "/api/v1/namespaces/default/pods", pod)
    revision = waits["metadata"]["resourceVersion"]
    await admin.call("POST", "/api/v1/nodes", {"metadata": {"name": "n"}, "status": {"allocatable": {"pods": "9"}}})
    (now,) = await lines(admin, "/log/placing?of=pod/p")
    assert [node["name"] for node in now["nodes"]] == ["n"]
    for path in (f"/at/rev/{revision}/log/placing?of=pod/p", f"/log/placing?of=pod/p&at=rev/{revision}"):
        (then,) = await lines(admin, path)
        assert then["why"] == "no nodes available to schedule pods" and "nodes" not in then
    assert made.count(int(revision)) == 1
    code, said = await admin.call("GET", f"/at/rev/{revision}/log/history?of=pod/p")
    assert code == 400 and "ask it without /at/" in said["message"]
