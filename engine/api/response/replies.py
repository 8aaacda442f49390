"""Responses. The usual one is a head and a body in one write; only streams need more.

Tests: tests/engine/api/verbs/test_writes.py, tests/engine/api/verbs/test_reads.py
"""

import asyncio
import gzip
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from shipslog.engine.api.request.negotiation import JSON, PROTOBUF, YAML, Format
from shipslog.engine.time.long_work import LongWork
from shipslog.store.logger import logger, new_failure_id
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.values.scalars import Object
from shipslog.store.objects.wire import protobuf_encoding
from shipslog.store.refusals import Internal, Refusal, internal_error

log = logger(__name__)
_encode = msgspec.json.Encoder().encode
_HEADS: dict[tuple[int, str], bytes] = {}
_date = (0, b"")
COMPRESSED_BYTES, GZIP_LEVEL = 128 * 1024, 1  # from there on, and how hard: as Kubernetes does
COMPRESSING, RENDERING = LongWork("shipslog-compress"), LongWork("shipslog-render")
ENCODING = LongWork("shipslog-encode")  # protobuf, tables and metadata of long objects; YAML takes longer still
SQUEEZED = b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
WARNINGS_LENGTH, CUT_LENGTH = 4096, 256  # characters of all warnings; of each where all are more
SENT_BYTES = 256 * 1024  # of an answer at a time: encrypting 3 MiB keeps the loop for 10 ms
BROWSERS = ("curl", "Wget", "Mozilla/5.0")


def _head(code: int, media: str) -> bytes:
    """The part of the head that does not change from reply to reply."""
    key = (code, media)
    head = _HEADS.get(key)
    if head is None:
        phrase = HTTPStatus(code).phrase if code in HTTPStatus._value2member_map_ else "Unknown"
        text = f"HTTP/1.1 {code} {phrase}\r\nContent-Type: {media}\r\nCache-Control: no-cache, private\r\n"
        head = _HEADS[key] = text.encode()
    return head


def _date_line() -> bytes:
    global _date
    now = int(time.time())
    if now != _date[0]:
        _date = (now, time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(now)).encode())
    return _date[1]


def for_people(request: web.BaseRequest) -> bool:
    """Whether JSON is to be indented: on request, and for what people type addresses into."""
    if "pretty=" in request.raw_path:
        wanted = request.query.get("pretty")
        if wanted is not None:
            return wanted.lower() in ("1", "t", "true")
    return request.headers.get("User-Agent", "").startswith(BROWSERS)


def takes_gzip(request: web.BaseRequest) -> bool:
    """Whether the client names gzip, as plainly as Kubernetes wants it named: `gzip;q=0` is not it."""
    return any(name.strip() == "gzip" for name in request.headers.get("Accept-Encoding", "").split(","))


class Reply(web.StreamResponse):
    """A complete answer that goes out in one write; aiohttp's own preparation of headers costs several times as much."""

    # `body`: JSON also for YAML, which is made of it when it is sent
    def __init__(self, body: bytes, code: int = 200, media: str = JSON, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.body, self.code, self.media, self.extra = body, code, media, headers
        self._keep_alive = True
        self._eof_sent = True  # for aiohttp: nothing is left to be prepared or finished

    @property
    def status(self) -> int:
        return self.code

    def __bool__(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        try:
            await self.render(request)
        except Exception:
            self.fail(request)
        encoding = b""
        if len(self.body) > COMPRESSED_BYTES and takes_gzip(request):
            self.body = await COMPRESSING.run(len(self.body), gzip.compress, self.body, GZIP_LEVEL)
            encoding = SQUEEZED
        head = self.head(request, b"Content-Length: %d\r\n%b" % (len(self.body), encoding))
        body = self.body if request.method != "HEAD" else b""
        self.send(request, head + body[:SENT_BYTES])
        if len(body) > 65536 or request.protocol.writing_paused:  # who asks and does not read gets no more answers
            await request.protocol._drain_helper()
        for start in range(SENT_BYTES, len(body), SENT_BYTES):
            await asyncio.sleep(0)
            self.send(request, body[start : start + SENT_BYTES])
            await request.protocol._drain_helper()
        return None

    def fail(self, request: web.BaseRequest) -> None:
        """Become the answer that something went wrong inside, for the exception at hand; nothing of this one has gone out."""
        status = failed(request).status()
        self.body, self.code, self.media, self.extra = _encode(status), status["code"], JSON, ()

    async def render(self, request: web.BaseRequest) -> None:
        """Make of the JSON what the client is to read."""
        if self.media == YAML:
            self.body = await RENDERING.run(len(self.body), as_yaml, self.body)
        elif self.media == JSON and for_people(request):
            self.body = await RENDERING.run(len(self.body), indented, self.body)

    def head(self, request: web.BaseRequest, more: bytes) -> bytes:
        """All that stands before the body. `more`: lines about its length and encoding."""
        self._keep_alive = self._keep_alive and request.keep_alive
        lines = [_head(self.code, self.media), _date_line(), more]
        lines.extend(f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in self.extra)
        lines.append(b"\r\n" if self._keep_alive else b"Connection: close\r\n\r\n")
        return b"".join(lines)

    def send(self, request: web.BaseRequest, data: bytes) -> None:
        """Write to the connection. Errors: ConnectionError."""
        connection_of(request).write(data)

    async def write_eof(self, data: bytes = b"") -> None:
        return None


class Lost(Reply):
    """In place of an answer when the client has gone: nothing is sent, and aiohttp closes the connection."""

    def __init__(self) -> None:
        super().__init__(b"")

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        raise ConnectionResetError("the client is gone")


def connection_of(request: web.BaseRequest) -> asyncio.Transport:
    """Where the answer goes. Errors: ConnectionError."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client is gone")
    return transport


def of_bytes(body: bytes, code: int = 200, *, warnings: Iterable[str] = ()) -> Reply:
    """A JSON answer that is encoded already."""
    return Reply(body, code, JSON, warned(warnings))


def of_value(value: Any, code: int = 200, *, wanted: Format | None = None, warnings: Iterable[str] = ()) -> Reply:
    """An answer of plain values or Structs: in JSON, in YAML, or in protobuf for Structs that name their kind."""
    if wanted is not None and wanted.protobuf and isinstance(value, Object):
        return Reply(protobuf_encoding.whole(value), code, PROTOBUF, warned(warnings))
    if wanted is not None and wanted.yaml:
        return Reply(_encode(value), code, YAML, warned(warnings))
    return Reply(_encode(value), code, JSON, warned(warnings))


def text(body: str, code: int = 200) -> Reply:
    return Reply(body.encode(), code, "text/plain; charset=utf-8", [("X-Content-Type-Options", "nosniff")])


def refused(refusal: Refusal, *, wanted: Format | None = None) -> Reply:
    """The Status of a refusal."""
    headers = [("Retry-After", str(refusal.retry_after_s))] if refusal.retry_after_s else []
    if refusal.code == 401:
        headers.append(("WWW-Authenticate", 'Bearer realm="shipslog"'))
    if wanted is not None and wanted.protobuf:
        return Reply(status_message(refusal.status()), refusal.code, PROTOBUF, headers)
    return Reply(_encode(refusal.status()), refusal.code, JSON, headers)


def failed(request: web.BaseRequest) -> Internal:
    """What a client is told of the exception at hand; the server's log is told all."""
    failure_id = new_failure_id()
    log.exception("request_failed", method=request.method, path=request.path, failure_id=failure_id)
    return internal_error(failure_id)


def status_message(status: dict[str, Any]) -> bytes:
    """A Status of plain values in protobuf."""
    return protobuf_encoding.whole(msgspec.convert(status, meta_v1.Status))


def success(wanted: Format, *, name: str = "", group: str = "", kind: str = "", uid: str = "", code: int = 200) -> Reply:
    """A Status that says that it was done."""
    details = {k: v for k, v in {"name": name, "group": group, "kind": kind, "uid": uid}.items() if v}
    status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        status["details"] = details
    if code != 200:
        status["code"] = code
    if wanted.protobuf:
        return Reply(status_message(status), code, PROTOBUF)
    return Reply(_encode(status), code)


def indented(encoded: bytes) -> bytes:
    """JSON for people."""
    return msgspec.json.format(encoded, indent=2)


def as_yaml(encoded: bytes) -> bytes:
    """JSON as YAML."""
    import yaml  # few replies need it

    text_: str = yaml.dump(msgspec.json.decode(encoded), Dumper=yaml.CSafeDumper, default_flow_style=False, allow_unicode=True)
    return text_.encode()


def warned(warnings: Iterable[str]) -> list[tuple[str, str]]:
    """The headers of all warnings, each once; where they are long together each is cut, and those beyond are left out.
    Source: k8s.io/apiserver/pkg/endpoints/filters/warning.go."""
    if not warnings:
        return []
    shown, left = list(islice(dict.fromkeys(filter(None, warnings)), WARNINGS_LENGTH + 1)), WARNINGS_LENGTH
    if sum(map(len, shown)) > WARNINGS_LENGTH:
        shown = [message[:CUT_LENGTH] for message in shown]
    headers = []
    for message in shown:
        left -= len(message)
        if left < 0:
            break
        headers.append(warning(message))
    return headers


def warning(message: str) -> tuple[str, str]:
    """The header that kubectl prints as a warning."""
    escaped = "".join(c if c.isprintable() else " " for c in message).replace("\\", "\\\\").replace('"', '\\"')
    return ("Warning", f'299 - "{escaped}"')
