"""Channels in a WebSocket: one message a piece, its first byte the channel (KEP-4006), or the same as text in base64.

Tests: tests/engine/api/streams/test_forward.py, tests/engine/api/streams/test_leaks.py
"""

import base64
import binascii

from aiohttp import WSMessage, WSMsgType, web

from shipslog.store.refusals import BadRequest

MAX_MESSAGE = 4 << 20
QUEUED = 8  # messages that a slow reader inside the pod may be behind


def offered(request: web.BaseRequest) -> list[str]:
    """The protocols that a client would speak, in its order."""
    return [p.strip() for header in request.headers.getall("Sec-WebSocket-Protocol", []) for p in header.split(",")]


def accepted(request: web.BaseRequest, *known: str) -> web.WebSocketResponse:
    """A WebSocket for one of the known protocols; for any where none is known. Errors: BadRequest when the client offers only
    others."""
    protocols = offered(request)
    if known and protocols and not set(protocols) & set(known):
        raise BadRequest(f"unable to upgrade: the client offers the protocols {protocols}, the server knows {list(known)}")
    return web.WebSocketResponse(protocols=known, max_msg_size=MAX_MESSAGE, autoping=True, timeout=2.0)


class Channels:
    """The channels of an open WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self._base64 = "base64" in (socket.ws_protocol or "")

    def parsed(self, message: WSMessage) -> tuple[int, bytes]:
        """(channel, what it says); -1 for a message that is on no channel."""
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT) or not message.data:
            return -1, b""
        data: bytes | str = message.data
        if not self._base64:
            raw = data if isinstance(data, bytes) else data.encode("latin-1", "replace")
            return raw[0], raw[1:]
        text = data if isinstance(data, str) else data.decode("latin-1")
        try:
            return ord(text[0]) - ord("0"), base64.b64decode(text[1:])
        except (binascii.Error, ValueError):
            return -1, b""

    async def send(self, channel: int, data: bytes) -> None:
        """Errors: ConnectionResetError when the client is gone."""
        if self.socket.closed:
            raise ConnectionResetError("the client is gone")
        if self._base64:
            await self.socket.send_str(chr(ord("0") + channel) + base64.b64encode(data).decode())
        else:
            await self.socket.send_bytes(bytes((channel,)) + data)
