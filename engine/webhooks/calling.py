"""One question over HTTPS, and its answer: bounded in time and bytes, verified by a CA, sent nowhere else.

What goes wrong is worded as Go words it in Kubernetes' answers, since that is what people search for. No redirect is followed
and no proxy of the environment asked: who is asked is who the configuration names.

Tests: tests/engine/webhooks/test_admission.py
"""

import asyncio
import base64
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from shipslog.engine.time.long_work import LongWork
from shipslog.store.objects.wire import json_text
from shipslog.store.view import Objects

from .addresses import NowhereToBeHad, of_service

if TYPE_CHECKING:
    from aiohttp import ClientSession

ANSWER_BYTES = 3 << 20  # of an answer: as long as what may be sent to the API
AUTHORITIES = 64  # contexts of TLS that are kept
CONNECTIONS, TO_ONE = 512, 64
SHOWN = 2048  # bytes of an answer that is no review, in what people are told

READING = LongWork("shipslog-answers")


class CallFailed(Exception):
    """Nobody answered, or something that is no answer. `code`: of the answer, 0 without one."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Callee(Struct, frozen=True):
    """Who is asked: a URL, or a service with a path. `authority`: certificates as PEM by which he is verified; without any it
    is those of the machine."""

    url: str = ""
    namespace: str = ""
    service: str = ""
    port: int = 443
    path: str = ""
    authority: bytes = b""
    insecure: bool = False  # nobody is verified
    identity: tuple[str, str] | None = None  # files of a certificate and its key, which say who asks

    @property
    def address(self) -> str:
        """As people know it."""
        if not self.service:
            return self.url
        return f"https://{self.service}.{self.namespace}.svc:{self.port}/{self.path.lstrip('/')}"


class Caller:
    """Asks. Its connections are kept for the next question; `close` ends them."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._contexts: OrderedDict[object, ssl.SSLContext] = OrderedDict()
        self._next = 0

    async def ask(self, callee: Callee, body: bytes, *, view: Objects, timeout_s: float, limit: int = ANSWER_BYTES) -> Any:
        """What he answers, as plain values of JSON. Errors: CallFailed."""
        shown = f"{callee.address}?timeout={timeout_s:g}s"
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(callee, shown, body, view, limit, timeout_s)
        except TimeoutError as error:
            raise CallFailed(f'Post "{shown}": context deadline exceeded') from error
        except NowhereToBeHad as error:
            raise CallFailed(f'Post "{shown}": {error}') from error

    async def fetch(
        self, callee: Callee, *, view: Objects, timeout_s: float, limit: int = ANSWER_BYTES, headers: Mapping[str, str] = {}
    ) -> tuple[int, bytes]:
        """What he has there: (code, body). Errors: CallFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                code, data, encoding, _ = await self._exchange("GET", callee, callee.address, view, limit, dict(headers))
        except TimeoutError as error:
            raise CallFailed(f'Get "{callee.address}": context deadline exceeded') from error
        except NowhereToBeHad as error:
            raise CallFailed(str(error)) from error
        if encoding != "identity":
            raise CallFailed(f"the answer came in the encoding {encoding[:40]!r}, which was not asked for")
        return code, data

    async def _exchange(
        self, method: str, callee: Callee, shown: str, view: Objects, limit: int, headers: dict[str, str], **more: Any
    ) -> tuple[int, bytes, str, str]:
        """(code, body, its encoding, its type). Errors: CallFailed, NowhereToBeHad."""
        import aiohttp

        url, where = self._where(callee, view)
        more["ssl"] = self._context(callee)
        headers = {"Accept-Encoding": "identity", **headers, **where.pop("headers", {})}
        try:
            async with self._opened().request(method, url, headers=headers, allow_redirects=False, **where, **more) as response:
                data = await _read(response, limit)
                encoding = response.headers.get("Content-Encoding", "identity")
                return response.status, data, encoding, response.content_type
        except aiohttp.ClientError as error:
            raise CallFailed(f'{method.capitalize()} "{shown}": {described(error)}') from error
        except (ValueError, OSError) as error:  # a URL that aiohttp does not take; a resolver that fails
            raise CallFailed(f'{method.capitalize()} "{shown}": {error}') from error

    async def _ask(self, callee: Callee, shown: str, body: bytes, view: Objects, limit: int, timeout_s: float) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
        params = {"timeout": f"{timeout_s:g}s"}
        code, data, encoding, media = await self._exchange(
            "POST", callee, shown, view, limit, headers, data=body, params=params
        )
        if not 200 <= code <= 206:
            raise CallFailed(refused(code, data), code)
        if encoding != "identity":
            raise CallFailed(f"the answer came in the encoding {encoding[:40]!r}, which was not asked for")
        if not data:
            raise CallFailed(f"0-length response with status code: {code} and content type: {media}")
        try:
            return await READING.run(len(data), json_text.parse, data)
        except json_text.NotJson as error:
            raise CallFailed(f"couldn't get version/kind; json parse error: {error}") from error

    def _where(self, callee: Callee, view: Objects) -> tuple[str, dict[str, Any]]:
        """The URL of the connection, and what is said there. Errors: NowhereToBeHad."""
        if not callee.service:
            return callee.url, {}
        found = of_service(view, callee.namespace, callee.service, callee.port)
        self._next += 1
        host, port = found.to[self._next % len(found.to)]
        host = f"[{host}]" if ":" in host else host
        says = {"headers": {"Host": f"{found.name}:{found.port}"}, "server_hostname": found.name}
        return f"https://{host}:{port}/{callee.path.lstrip('/')}", says

    def _opened(self) -> "ClientSession":
        if self._session is None:
            import aiohttp

            connector = aiohttp.TCPConnector(limit=CONNECTIONS, limit_per_host=TO_ONE)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )  # fmt: skip
        return self._session

    def _context(self, callee: Callee) -> ssl.SSLContext:
        """Errors: CallFailed for what are no certificates."""
        key = callee.authority, callee.insecure, callee.identity
        context = self._contexts.get(key)
        if context is None:
            try:
                context = context_of(callee)
            except (OSError, ValueError) as error:
                raise CallFailed(f"unable to load root certificates: {error}") from error
            self._contexts[key] = context
            if len(self._contexts) > AUTHORITIES:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(key)
        return context

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def authority_of(text: str) -> bytes:
    """Certificates that are written in base64. Errors: CallFailed."""
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise CallFailed(f"unable to load root certificates: {error}") from error


def context_of(callee: Callee) -> ssl.SSLContext:
    """TLS as he is to be verified, and as who asks shows himself. Errors: OSError, ValueError for what are no certificates."""
    context = ssl.create_default_context(cadata=callee.authority.decode() if callee.authority else None)
    if callee.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if callee.identity is not None:
        context.load_cert_chain(*callee.identity)
    return context


async def _read(response: Any, limit: int) -> bytes:
    """The body. Errors: CallFailed for one that does not end."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            response.close()
            raise CallFailed(f"the answer is longer than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def described(error: Exception) -> str:
    """A failure of the connection, as Go would say it."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {error.host}: no such host"
    if isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
        if isinstance(inner, ssl.SSLError):
            return f"tls: {inner.reason or inner}"
        why = "connection refused" if isinstance(inner, ConnectionRefusedError) else (inner.strerror or str(inner)).lower()
        return f"dial tcp {error.host}:{error.port}: connect: {why}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    return str(error) or type(error).__name__


def _certificate(error: Exception) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: {error}"
    message = str(error.verify_message)
    if error.verify_code in (18, 19, 20, 21):  # self-signed, no issuer
        message = "certificate signed by unknown authority"
    elif error.verify_code in (9, 10):
        message = "certificate has expired or is not yet valid"
    return f"tls: failed to verify certificate: x509: {message}"


# What client-go says of answers that are no success.
WORDS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def refused(code: int, data: bytes) -> str:
    """What an answer with such a code says. A Status speaks for itself."""
    try:
        status = json_text.parse(data[: 1 << 16]) if data[:1] == b"{" else None
    except json_text.NotJson:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status" and isinstance(status.get("message"), str):
        return str(status["message"])[:SHOWN]
    text = data[:SHOWN].decode(errors="replace").strip()
    if code in (403, 406, 415):
        return text or "unknown"
    if code in WORDS:
        return WORDS[code]
    if code >= 500:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'an error on the server ("{quoted}") has prevented the request from succeeding'
    return f"the server responded with the status code {code} but did not return more information"
