"""One connection: it remembers whose certificate opened it, and bounds the head of each request in bytes and time."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

if TYPE_CHECKING:
    from .users import User

HEAD_BYTES = 1 << 20  # request line and headers together, as in Go; a read more may have come when it is noticed
HEADERS = 8192  # lines of a head; in Go only its bytes count
HEAD_S = 32.0  # from the first byte of a head (at first: from the connection) to its last; as the Kubernetes API server
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: 35\r\n\r\n431 Request Header Fields Too Large"
)
UNREADABLE = b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"


class HttpConnection(RequestHandler):
    """Reads requests one after the other. A head that is too long or too slow ends it; nothing of that is logged."""

    __slots__ = ("_body", "_deadline", "_head_bytes", "ended", "user")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user: User | None = None
        self.ended = asyncio.Event()
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None  # of a head that has begun
        self._body: StreamReader | None = None  # of the last request, while it comes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._await_head()

    @property
    def busy(self) -> bool:
        """Whether something was asked that is not answered yet."""
        return bool(self._request_in_progress or self._messages)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.ended.set()
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The next bytes. What belongs to a body, or comes after an upgrade, is bounded by who reads it."""
        in_body = self._body is not None and not self._body.is_eof()
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            payload = self._messages[-1][1]
            self._body = payload if not payload.is_eof() else None
            self._head_is_there()
        elif data and not in_body and not self._upgraded and not self._force_close:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse()
            elif self._deadline is None:
                self._await_head()

    def _await_head(self) -> None:
        self._deadline = self._loop.call_later(HEAD_S, self._late)

    def _head_is_there(self) -> None:
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        """As Go: the connection ends without an answer, but not under a request that is still being answered."""
        if self._request_in_progress or self._messages:
            self._await_head()
        else:
            self.force_close()

    def _refuse(self) -> None:
        if self.transport is not None and not self._request_in_progress and not self._messages:
            self.transport.write(TOO_LARGE)
        self.force_close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What a head that cannot be read is answered, as Go's server does. Nothing of it is logged: anybody can send one.
        Source: net/http/server.go."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        phrase = f"{status} {HTTPStatus(status).phrase}"
        why = f"{phrase}: {message.splitlines()[0].rstrip(':')}" if message else phrase  # what comes behind repeats the request
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 %b%b%b" % (phrase.encode(), UNREADABLE, why.encode("ascii", "replace")))
        response = web.StreamResponse(status=status)
        response._eof_sent = True  # for aiohttp: nothing is left to be prepared or finished
        response.force_close()
        return response
