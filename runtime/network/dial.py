"""Connections to what runs on a node, from this process's network. What fails is said in Go's words: people search for them.

Tests: tests/engine/api/proxy/test_proxy.py
"""

import asyncio
import errno
import os
import ssl
from functools import cache

CONNECT_S = 30.0  # as Go's dialer has it
HANDSHAKE_S = 10.0
WORDS = {
    errno.ECONNREFUSED: "connect: connection refused",
    errno.EHOSTUNREACH: "connect: no route to host",
    errno.ENETUNREACH: "connect: network is unreachable",
    errno.ETIMEDOUT: "i/o timeout",
    errno.ECONNRESET: "read: connection reset by peer",
}
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Unreachable(ConnectionError):
    """Nobody answers there; the message says where and why."""


async def dial(host: str, port: int, *, tls: bool = False) -> Ends:
    """A connection. `tls`: encrypted, and nobody is verified: who a pod is nobody has certified. Errors: Unreachable."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    context = _unverified() if tls else None
    try:
        async with asyncio.timeout(CONNECT_S):
            return await asyncio.open_connection(
                host, port, ssl=context, ssl_handshake_timeout=HANDSHAKE_S if tls else None, server_hostname="" if tls else None
            )
    except TimeoutError as error:
        raise Unreachable(f"dial tcp {where}: i/o timeout") from error
    except ssl.SSLError as error:
        plain = "WRONG_VERSION_NUMBER" in str(error) or "HTTP_REQUEST" in str(error)
        message = "http: server gave HTTP response to HTTPS client" if plain else f"remote error: tls: {error.reason or error}"
        raise Unreachable(message) from error
    except OSError as error:
        why = WORDS.get(error.errno or 0) or (os.strerror(error.errno) if error.errno else "EOF")
        raise Unreachable(f"dial tcp {where}: {why}") from error


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
