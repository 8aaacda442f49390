"""What of a head goes on, either way: not what is about one connection, nor what says who somebody is.
Source: RFC 9110, 7.6.1; net/http/httputil's ReverseProxy; the API server's filters, which take credentials out."""

import posixpath
from collections.abc import Iterable

from aiohttp import web

Headers = list[tuple[bytes, bytes]]
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
CREDENTIALS = ("authorization", "impersonate-", "x-remote-")  # what they begin with
BEARER = "base64url.bearer.authorization.k8s.io."  # a token among the protocols of a WebSocket
NOT_BACK = frozenset({f"access-control-allow-{what}" for what in ("credentials", "headers", "methods", "origin")})


def onward(request: web.BaseRequest, authority: str, uri: str, *, upgrade: bool = False) -> Headers:
    """The headers that the other end gets. `upgrade`: with those that ask for another protocol."""
    named = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
    found: Headers = []
    came_from = [value for name, value in request.headers.items() if name.lower() == "x-forwarded-for"]
    for name, value in request.headers.items():
        low = name.lower()
        if low.startswith(CREDENTIALS) or low in ("x-forwarded-for", "x-forwarded-uri", "expect", "host"):
            continue
        if low in HOP_BY_HOP or low in named:
            continue
        if low == "sec-websocket-protocol":
            value = ", ".join(p for each in value.split(",") if not (p := each.strip()).startswith(BEARER))
            if not value:
                continue
        found.append(_encoded(name, value))
    if request.headers.get("TE", "").strip().lower() == "trailers":
        found.append((b"Te", b"trailers"))
    if upgrade:
        found += [(b"Connection", b"Upgrade"), _encoded("Upgrade", request.headers["Upgrade"])]
    if request.remote:
        came_from.append(request.remote)
    if came_from:
        found.append(_encoded("X-Forwarded-For", ", ".join(came_from)))
    return [_encoded("Host", request.headers.get("Host") or authority), *found, _encoded("X-Forwarded-Uri", uri)]


def framed(headers: Headers, *, has_body: bool) -> Headers:
    """With how its body is sent: as long as it says, or in chunks."""
    if not has_body or any(name.lower() == b"content-length" for name, _ in headers):
        return headers
    return [*headers, (b"Transfer-Encoding", b"chunked")]


def back(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The headers that the client gets."""
    pairs = [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in headers]
    named = {word.strip().lower() for name, value in pairs if name.lower() == "connection" for word in value.split(",")}
    return [
        (name, value)
        for name, value in pairs
        if (low := name.lower()) not in HOP_BY_HOP and low not in named and low not in NOT_BACK and _can_be_sent(value)
    ]


def forwarded_uri(prefix: str, path: str) -> str:
    """What X-Forwarded-Uri says: the proxy's path, and the one behind it."""
    joined = posixpath.normpath(f"{prefix}/{path.lstrip('/')}")
    return joined + "/" if path.endswith("/") and not joined.endswith("/") else joined


def _can_be_sent(value: str) -> bool:
    return not any(character in value for character in "\r\n\0")


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode("latin-1", "replace"), value.strip().encode("utf-8", "surrogateescape")
