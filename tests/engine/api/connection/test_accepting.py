"""How many may come in at once, and what is said when they are too many."""

import asyncio
import errno
import os
import resource
import socket

import pytest

from shipslog.engine.api.connection import accepting
from shipslog.engine.api.connection.accepting import Door, connections_bound
from tests.engine.api.conftest import Api
from tests.logs import capture_logs


def door_of(api: Api) -> Door:
    found = api.server._door
    assert found is not None
    return found


async def test_one_more_than_the_bound_is_closed_at_once_and_that_is_said_once(api: Api) -> None:
    door_of(api).bound = 3
    with capture_logs() as lines:
        clients = [api.client() for _ in range(3)]
        for client in clients:
            assert (await client.call("GET", "/version"))[0] == 200
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()
        await clients[0].close()
        async with asyncio.timeout(5):
            while api.server._server.count == 3:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
        assert (await api.client().call("GET", "/version"))[0] == 200
    assert [(line["event"], line["bound"]) for line in lines] == [("connections_refused", 3)]


async def test_who_is_still_shaking_hands_counts(api: Api) -> None:
    door_of(api).bound = 2
    idle = [await asyncio.open_connection("127.0.0.1", api.server.port) for _ in range(2)]
    reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    for _, w in (*idle, (reader, writer)):
        w.close()
    async with asyncio.timeout(5):
        while len(door_of(api)._greeting):
            await asyncio.sleep(0.01)
    assert (await api.client().call("GET", "/version"))[0] == 200


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EPERM])
async def test_whom_the_machine_does_not_let_in_waits_and_it_goes_on(
    api: Api, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(accepting, "AGAIN_S", 0.1)
    accepts: list[int] = []

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            accepts.append(1)
            if len(accepts) == 1:
                raise OSError(number, os.strerror(number))
            return super().accept()

    listener = Exhausted()
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)
    another = Door(api.server._server, api.pki.server_context())  # type: ignore[arg-type]
    with capture_logs() as lines:
        another.open([listener])
        client = api.client()
        client.base = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert (await client.call("GET", "/version"))[0] == 200
        await another.close()
    assert [(line["event"], line["why"]) for line in lines] == [("connections_refused", os.strerror(number))]


def test_the_bound_follows_the_limit_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, bound in ((1024, 512), (2, 8), (resource.RLIM_INFINITY, 1 << 19)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert connections_bound() == bound
