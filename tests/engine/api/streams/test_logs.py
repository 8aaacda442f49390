"""A pod's log over a WebSocket."""

import aiohttp
import pytest

from tests.engine.api.conftest import Api

PATH = "/api/v1/namespaces/default/pods/p"


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("binary.k8s.io", [b"one\n", b"two\n"]), ("base64.binary.k8s.io", ["b25lCg==", "dHdvCg=="])],
)
async def test_each_piece_is_a_message(running: Api, protocol: str, expected: list[bytes | str]) -> None:
    client = running.client(certificate=True)
    status = {"status": {"containerStatuses": [{"name": "c", "image": "i", "imageID": "", "ready": True, "restartCount": 0}]}}
    merge = {"Content-Type": "application/merge-patch+json"}
    code, said = await client.call("PATCH", f"{PATH}/status", status, headers=merge)
    assert code == 200, said
    async with client.session.ws_connect(f"{client.base}{PATH}/log", protocols=[protocol]) as socket:
        assert socket.protocol == protocol
        assert [message.data async for message in socket] == expected
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.session.ws_connect(f"{client.base}{PATH}/log", protocols=["v9.unheard.of"])
