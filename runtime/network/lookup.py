"""Names into addresses, on behalf of a pod: the resolver of the C library blocks, so it gets threads that are bounded a pod.

Tests: tests/runtime/probing/test_probes.py
"""

import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from shipslog.runtime.machine.threads import OwnerThreads

PER_POD = 2  # look-ups at once


class Lookups:
    """One a node."""

    def __init__(self) -> None:
        self._threads = OwnerThreads(PER_POD)

    async def addresses(self, pod_uid: str, host: str, port: int) -> list[tuple[Any, ...]]:
        """As socket.getaddrinfo answers; an address is answered at once. Errors: OSError."""
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
        except socket.gaierror:
            return await self._threads.run(pod_uid, socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)


class PodResolver(AbstractResolver):
    """Lookups for aiohttp."""

    def __init__(self, lookups: Lookups, pod_uid: str) -> None:
        self._lookups, self._pod_uid = lookups, pod_uid

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        found = await self._lookups.addresses(self._pod_uid, host, port)
        return [
            ResolveResult(hostname=host, host=where[0], port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST)
            for kind, _, proto, _, where in found
        ]

    async def close(self) -> None: ...
