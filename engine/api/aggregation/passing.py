"""One request to a server behind this one: as it came, with who asks in its headers, and its answer piece by piece.

Tests: tests/engine/api/aggregation/test_aggregation.py
"""

import asyncio
import ssl
from typing import Any

from aiohttp import web

from shipslog.engine.api.proxy import heads
from shipslog.engine.api.proxy.exchange import Exchange
from shipslog.engine.api.proxy.handling import TRYING, Passing
from shipslog.engine.api.proxy.targets import Target
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.streams import upgrade
from shipslog.engine.auth.users import User
from shipslog.engine.webhooks.addresses import Addresses
from shipslog.runtime.network.dial import HANDSHAKE_S, Ends, dial
from shipslog.store.refusals import Unavailable

USER, UID, GROUP, EXTRA = b"X-Remote-User", b"X-Remote-Uid", b"X-Remote-Group", "X-Remote-Extra-"
PLAIN = frozenset("!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def identity(user: User) -> heads.Headers:
    """The headers that say who asks."""
    made = [(USER, _value(user.name))]
    if user.uid:
        made.append((UID, _value(user.uid)))
    made += [(GROUP, _value(group)) for group in user.groups]
    for key, values in sorted(user.extra.items()):
        made += [((EXTRA + _key(key)).encode(), _value(value)) for value in values]
    return made


def _key(text: str) -> str:
    """A key of the extra as a header's name: what may not stand there is percent-encoded, as Kubernetes does."""
    return "".join(c if c in PLAIN else "".join(f"%{byte:02X}" for byte in c.encode()) for c in text)


def _value(text: str) -> bytes:
    return "".join(c if c.isprintable() else " " for c in text).encode()


async def connected(where: Addresses, context: ssl.SSLContext, turn: int) -> Ends:
    """A connection to one of its addresses, encrypted, and verified by the service's name. Errors: Unavailable."""
    host, port = where.to[turn % len(where.to)]
    try:
        reader, writer = await dial(host, port)
    except OSError as error:
        raise Unavailable(f"{TRYING}{error}") from error
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            await writer.start_tls(context, server_hostname=where.name)
    except (OSError, TimeoutError) as error:  # ssl.SSLError among them
        writer.transport.abort()
        message = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error) or "handshake timeout"
        raise Unavailable(f"{TRYING}tls: failed to verify certificate: x509: {message}") from error
    return reader, writer


class Onward(Passing):
    """A request on its way to the server that answers for its group."""

    def __init__(self, call: Call, where: Addresses) -> None:
        raw = call.request.raw_path.partition("?")[0]
        super().__init__(call, Target(where.name, where.port, tls=True), "", raw)
        self._user = call.user

    def _head(self) -> heads.Headers:
        request = self._request
        headers = heads.onward(request, self._target.authority, self._path, upgrade=bool(upgrade(request)))
        headers = [pair for pair in headers if pair[0].lower() not in (b"host", b"x-forwarded-uri")]
        host = (b"Host", self._target.authority.encode())
        return heads.framed([host, *headers, *identity(self._user)], has_body=request.body_exists)

    def _link(self, url: str) -> str:
        return url


async def passed_on(call: Call, where: Addresses, context: ssl.SSLContext, turn: int) -> web.StreamResponse:
    """Errors: Unavailable."""
    ends: Any = await connected(where, context, turn)
    return await Onward(call, where).exchange(Exchange(ends))
