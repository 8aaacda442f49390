"""One request to what runs behind the proxy, and its answer: HTTP/1.1, its bodies a piece at a time.

What answers may be anybody's: its head is bounded in bytes, and what is no HTTP ends the exchange. h11 reads and writes the
protocol; this module moves the bytes."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import h11

from shipslog.runtime.network.dial import Ends

HEAD_BYTES = 1 << 20  # of an answer
MOST_INTERIM = 16  # answers 1xx before the one
READ_BYTES = 64 * 1024
Headers = Sequence[tuple[bytes, bytes]]


class NoAnswer(ConnectionError):
    """What came back is no answer; the message says what, in Go's words."""


class Exchange:
    """A connection for one request. `close` in any case."""

    def __init__(self, ends: Ends) -> None:
        self._reader, self._writer = ends
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)

    async def send_head(self, method: str, path: str, headers: Headers) -> None:
        """Errors: ValueError for a head that cannot be sent; OSError."""
        try:
            data = self._protocol.send(h11.Request(method=method, target=path, headers=list(headers)))
        except h11.LocalProtocolError as error:
            raise ValueError(str(error)) from error
        await self._write(data)

    async def send_body(self, pieces: AsyncIterator[bytes]) -> None:
        """All of a body, and its end. Errors: OSError; NoAnswer for one that is shorter or longer than was said."""
        try:
            async for piece in pieces:
                if piece:
                    await self._write(self._protocol.send(h11.Data(data=piece)))
            await self._write(self._protocol.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as error:
            raise NoAnswer(f"http: request body: {error}") from error

    async def _write(self, data: bytes | None) -> None:
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def answer(self) -> h11.Response | h11.InformationalResponse:
        """The head of the answer; one that is interim says that another protocol begins. Errors: NoAnswer, OSError."""
        for _ in range(MOST_INTERIM):
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                break
            if event.status_code == 101:
                return event
        raise NoAnswer("EOF")

    @property
    def switched(self) -> tuple[bytes, Ends]:
        """What has come of the other protocol, and the connection."""
        return self._protocol.trailing_data[0], (self._reader, self._writer)

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the answer's body. Errors: NoAnswer for one that breaks off; OSError."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise NoAnswer("unexpected EOF")

    async def _next(self) -> Any:
        while True:
            try:
                event: Any = self._protocol.next_event()
            except h11.RemoteProtocolError as error:
                if "too long" in str(error):
                    raise NoAnswer(f"net/http: server response headers exceeded {HEAD_BYTES} bytes; aborted") from error
                raise NoAnswer("unexpected EOF" if "closed" in str(error) else f"malformed HTTP response: {error}") from error
            if event is not h11.NEED_DATA:
                return event
            self._protocol.receive_data(await self._reader.read(READ_BYTES))

    def close(self) -> None:
        self._writer.transport.abort()  # it may hang on what we have not sent: nobody waits for it
