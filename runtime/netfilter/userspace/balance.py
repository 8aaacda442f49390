"""Which endpoint the next client gets: in turn, or the one that it had. Pure; the time is given.

Tests: tests/runtime/netfilter/test_userspace.py
"""

from collections import OrderedDict
from collections.abc import Collection

from .words import Endpoint, Spec

CLIENTS = 65536  # that one service remembers; beyond that those are forgotten who were quiet for longest


class Balance:
    """The endpoints of one service port and whose turn it is."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._turn = 0
        self._clients: OrderedDict[str, tuple[Endpoint, float]] = OrderedDict()

    def renew(self, spec: Spec) -> None:
        """Other endpoints: who remembers one that is gone is given another."""
        self.spec = spec
        known = {*spec.endpoints, *(spec.local or ())}
        for client in [c for c, (endpoint, _) in self._clients.items() if endpoint not in known]:
            del self._clients[client]

    def choose(self, client: str, now: float, *, outside: bool, tried: Collection[Endpoint] = ()) -> Endpoint | None:
        """None when nobody is left. `tried`: endpoints that did not answer this client just now."""
        spec = self.spec
        listed = spec.local if outside and spec.local is not None else spec.endpoints
        possible = [endpoint for endpoint in listed if endpoint not in tried]
        if not possible:
            return None
        if not spec.affinity_s:
            return self._next(possible)
        held = self._clients.pop(client, None)
        kept = held is not None and now - held[1] < spec.affinity_s and held[0] in possible
        endpoint = held[0] if held is not None and kept else self._next(possible)
        self._clients[client] = endpoint, now
        if len(self._clients) > CLIENTS:
            self._clients.popitem(last=False)
        return endpoint

    def _next(self, possible: list[Endpoint]) -> Endpoint:
        self._turn += 1
        return possible[self._turn % len(possible)]
