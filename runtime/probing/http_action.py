"""The httpGet of probes and lifecycle handlers, on the loop. No clock here: callers set a deadline over all of it, which a
server that sends a byte now and then does not outlive.

Source: k8s.io/kubernetes/pkg/probe/http: 10 KiB of an answer are read, redirects are followed on the same host, ten at most.

Tests: tests/runtime/probing/test_probes.py
"""

import re

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from shipslog.runtime.commands import Hook
from shipslog.runtime.network.lookup import Lookups, PodResolver

RESPONSE_BYTES = 10 * 1024
REDIRECTS = 10
USER_AGENT = "kube-probe/1.37"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REDIRECTED = (301, 302, 303, 307, 308)


class HttpFailed(Exception):
    """No answer that counts; the message says why."""


async def http_get(action: Hook, pod_uid: str, lookups: Lookups, user_agent: str = USER_AGENT) -> tuple[int, bytes]:
    """(status, the first 10 KiB) of the answer. Certificates are not checked, as kubelet does not.
    Errors: HttpFailed, OSError."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True, ssl=False, resolver=PodResolver(lookups, pod_uid))
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding",),
        ) as session:
            return await _followed(session, URL(action.http_url), _headers(action, user_agent))
    except aiohttp.ClientConnectorError as error:
        raise error.os_error from error
    except (aiohttp.ClientError, ValueError) as error:  # a URL or a header that cannot be sent; an answer that is not HTTP
        raise HttpFailed(str(error) or type(error).__name__) from error


def _headers(action: Hook, user_agent: str) -> CIMultiDict[str]:
    for name, value in action.http_headers:
        if not _NAME.fullmatch(name):
            raise HttpFailed(f"invalid header field name {name[:64]!r}")
        if _CONTROL.search(value):
            raise HttpFailed(f'invalid header field value for "{name[:64]}"')
    headers = CIMultiDict(action.http_headers)
    headers.setdefault("User-Agent", user_agent)
    headers.setdefault("Accept", "*/*")
    return headers


async def _followed(session: aiohttp.ClientSession, url: URL, headers: CIMultiDict[str]) -> tuple[int, bytes]:
    for _ in range(REDIRECTS + 1):
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            body = bytearray()
            while len(body) < RESPONSE_BYTES and (data := await response.content.read(RESPONSE_BYTES - len(body))):
                body += data
            response.close()  # whatever else it would send
            location = response.headers.get("Location", "")
            if response.status not in _REDIRECTED or not location:
                return response.status, bytes(body)
            following = url.join(URL(location))
            if following.host != url.host:
                return response.status, bytes(body)  # it answers; where it points to is not the container's
            url = following
    raise HttpFailed(f"stopped after {REDIRECTS} redirects")
