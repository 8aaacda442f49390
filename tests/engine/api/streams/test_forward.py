"""Port forwarding over the channels of a WebSocket, and what is refused there."""

import asyncio

import aiohttp
import pytest

from shipslog.engine.api.streams import forward_channels
from shipslog.store.refusals import BadRequest
from tests.engine.api.conftest import Api
from tests.logs import capture_logs

from .conftest import Port, Process

PATH = "/api/v1/namespaces/default/pods/p/portforward"


async def test_each_port_has_a_channel_for_data_and_one_for_errors(running: Api) -> None:
    client = running.client(certificate=True)
    async with client.session.ws_connect(f"{client.base}{PATH}?ports=80&ports=1", protocols=["v4.channel.k8s.io"]) as socket:
        assert socket.protocol == "v4.channel.k8s.io"
        said: dict[int, list[bytes]] = {}
        for _ in range(5):
            message = await socket.receive_bytes(timeout=10)
            said.setdefault(message[0], []).append(message[1:])
        assert said[0] == said[1] == [b"P\x00"]
        assert said[2] == [b"\x01\x00"]
        assert said[3] == [b"\x01\x00", b"error forwarding port 1 to pod p: connection refused"]
        await socket.send_bytes(b"\x00hello")
        assert await socket.receive_bytes(timeout=10) == b"\x00HELLO"
        await socket.send_bytes(b"\x00bye")
        assert await socket.receive_bytes(timeout=10) == b"\x00BYE"
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE


async def test_channels_in_base64(running: Api) -> None:
    client = running.client(certificate=True)
    url = f"{client.base}{PATH}?ports=80"
    async with client.session.ws_connect(url, protocols=["v4.base64.channel.k8s.io"]) as socket:
        assert {await socket.receive_str(timeout=10), await socket.receive_str(timeout=10)} == {"0UAA=", "1UAA="}
        await socket.send_str("0aGk=")
        assert await socket.receive_str(timeout=10) == "0SEk="


@pytest.mark.parametrize("path", [f"{PATH}?ports=80", "/api/v1/namespaces/default/pods/p/exec?command=x&stdout=1"])
async def test_a_protocol_that_is_not_known_is_refused(running: Api, path: str) -> None:
    client = running.client(certificate=True)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.session.ws_connect(client.base + path, protocols=["v9.unheard.of"])
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "values", [(), ("",), ("0",), ("65536",), ("x",), ("-1",), ("²",), ("1" * 5000,), (",".join(["80"] * 65),)]
)
def test_ports_that_make_no_sense(values: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest, match="ports"):
        forward_channels.ports_of(values)


def test_ports() -> None:
    assert forward_channels.ports_of(("80", "443,8080")) == [80, 443, 8080]


async def test_a_failure_of_ours_is_told_to_the_client_and_in_the_log(running: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(running.cluster.runtimes["n"], "port_forward", fail)
    client = running.client(certificate=True)
    with capture_logs() as logs:
        async with client.session.ws_connect(f"{client.base}{PATH}?ports=80", protocols=["v4.channel.k8s.io"]) as socket:
            said = [await socket.receive_bytes(timeout=10) for _ in range(3)]
            assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
    assert said[2] == b"\x01error forwarding port 80 to pod p: a bug"
    assert [(entry["event"], entry["task"]) for entry in logs] == [("task_failed", "port 80")]


async def test_half_a_connection_hangs_nobody(running: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(Port):
        async def write(self, data: bytes) -> None:
            raise ZeroDivisionError("a bug")

        async def close(self) -> None:
            await self.close_write()

    async def deaf(*_: object) -> Deaf:
        return Deaf()

    monkeypatch.setattr(running.cluster.runtimes["n"], "port_forward", deaf)
    client = running.client(certificate=True)
    with capture_logs() as logs:
        async with client.session.ws_connect(f"{client.base}{PATH}?ports=80", protocols=["v4.channel.k8s.io"]) as socket:
            await socket.send_bytes(b"\x00hello")
            async with asyncio.timeout(10):
                while (await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
                    pass
    assert [(entry["event"], entry["task"]) for entry in logs] == [("task_failed", "upwards")]


async def test_input_that_fails_ends(running: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Process, "write", fail)
    client = running.client(certificate=True)
    path = "/api/v1/namespaces/default/pods/p/exec?command=cat&stdin=1&stdout=1"
    with capture_logs() as logs:
        async with client.session.ws_connect(f"{client.base}{path}", protocols=["v4.channel.k8s.io"]) as socket:
            await socket.send_bytes(b"\x00hello")
            assert b'"Success"' in await socket.receive_bytes(timeout=10)
    assert [(entry["event"], entry["task"]) for entry in logs] == [("task_failed", "input")]
