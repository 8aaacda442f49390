"""Port forwarding over the channels of a WebSocket, and what is refused there."""

import aiohttp
import pytest

from shipslog.engine.api.streams import forward_channels
from shipslog.store.refusals import BadRequest
from tests.engine.api.conftest import Api

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
