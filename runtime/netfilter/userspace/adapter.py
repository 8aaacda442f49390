"""The adapter of the proxy in user space: a process that listens, and packet rules that redirect to it.

Listeners come before the rules that lead to them and go after them, so no client is sent to where nobody listens.

Tests: tests/runtime/netfilter/test_packets.py, tests/runtime/netfilter/test_userspace.py
"""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from shipslog.runtime.commands import Ruleset
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.conntrack import end_stale_flows
from shipslog.runtime.netfilter.family import IPV4, Family
from shipslog.runtime.netfilter.iptables.chains import Chains, KeptChains
from shipslog.runtime.netfilter.loopback import Loopback
from shipslog.runtime.netfilter.service_elements import checked, fronts
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .link import Link
from .portals import JUMPS, assembled, name_of, spec_of
from .words import Request, Spec

log = logger(__name__)
Fronts = dict[tuple[str, str], frozenset[tuple[str, int]]]


class UserspaceAdapter:
    """Keeps the seed's chains, and the process at a Unix socket `path` that they lead to, in a network namespace (`netns`: a
    name or a path; None for the process's own)."""

    def __init__(self, path: Path, *, netns: str | None = None, family: Family = IPV4) -> None:
        self.path, self._family = path, family
        self._chains = KeptChains(family, netns=netns, mended=self._end_all_flows)
        self._link = Link(path, self._chains.kept.run)
        self._loopback = Loopback()
        self._specs: dict[str, Spec] = {}
        self._ports: dict[str, int] = {}
        self._fronts: Fronts = {}
        self._ruleset: Ruleset | None = None
        self._alone = asyncio.Lock()
        self._tasks = Tasks("userspace proxy")

    @property
    def pid(self) -> int:
        """Of the proxy process; 0 before the first ruleset."""
        return self._link.pid

    async def apply(self, ruleset: Ruleset) -> None:
        """See NetfilterAdapter. Errors: NetfilterFailed; RuntimeUnavailable without Debian's package iptables."""
        self._chains.check()
        mine = {n: tuple(r for r in rules if r.family == self._family.kind) for n, rules in ruleset.services.items()}
        ruleset = replace(ruleset, services=mine)
        try:
            for rules in mine.values():
                checked(rules)
        except ValueError as error:
            raise NetfilterFailed(f"ruleset {ruleset.digest} not applied, the rules are as before: {error}") from error
        async with self._alone:
            await self._apply(ruleset)
        self._ruleset = ruleset
        if not len(self._tasks):
            self._tasks.keep("watch", self._watch)

    async def _apply(self, ruleset: Ruleset) -> None:
        wanted = {
            name_of(rule): spec for rules in ruleset.services.values() for rule in rules if (spec := spec_of(rule)) is not None
        }
        whole = not self._link.open
        if whole:
            await self._link.connect()
        changed = wanted if whole else {name: spec for name, spec in wanted.items() if self._specs.get(name) != spec}
        pods = tuple(filter(None, ruleset.pod_cidr.split(",")))
        reply = await self._link.ask(Request(specs=changed, pods=pods))
        ports = (self._ports if not whole else {}) | reply.ports
        ports = {name: ports[name] for name in wanted if name in ports}
        for name, why in reply.failed.items():
            log.warning("service_port_not_served", service=name, why=why)
        chains = assembled(self._family, ruleset, ports)
        await self._chains.kept.run(self._load, chains)
        if whole:
            await self._link.ask(Request(specs=wanted, whole=True))
        elif gone := tuple(name for name in self._specs if name not in wanted):
            await self._link.ask(Request(drop=gone))
        self._specs, self._ports = wanted, ports
        await self._chains.kept.run(self._end_flows, _udp_fronts(ruleset, ports))

    async def _watch(self) -> None:
        """A process that ended is begun again, and the rules lead there."""
        while self._ruleset is not None:
            pid = self._link.pid
            await self._link.ended()
            log.warning("proxy_process_ended", pid=pid)
            async with self._alone:
                if self._link.pid == pid:
                    await self._link.close()
                    await self._apply(self._ruleset)

    async def close(self, *, remove: bool) -> None:
        """See NetfilterAdapter. The process stays as the rules do, unless `remove`."""
        await self._tasks.close()
        await self._chains.kept.close(self._remove if remove else None)
        if remove:
            await self._link.end()
        await self._link.close()
        self._chains.forget()
        self._specs, self._ports, self._fronts, self._ruleset = {}, {}, {}, None

    async def end(self) -> None:
        """Of an earlier daemon: its process ends; the rules are somebody else's by now."""
        await self._link.end()

    # --- below runs in the thread ---

    def _load(self, chains: Chains) -> None:
        self._chains.apply(chains, JUMPS)
        self._loopback.open()

    def _end_all_flows(self) -> None:
        """Those that began while rules were missing went nowhere, and would for as long as they last."""
        known, self._fronts = self._fronts, {}
        self._end_flows(known)

    def _end_flows(self, fronts_now: Fronts) -> None:
        before, self._fronts = self._fronts, fronts_now
        stale = {
            front: fronts_now.get(front, frozenset())
            for front in {**before, **fronts_now}
            if before.get(front) != fronts_now.get(front)
        }
        if stale:
            try:
                end_stale_flows(stale, self._family.number)
            except OSError as error:
                log.warning("stale_udp_flows_not_ended", why=str(error))

    def _remove(self) -> None:
        self._chains.remove()
        self._loopback.restore()


def _udp_fronts(ruleset: Ruleset, ports: dict[str, int]) -> Fronts:
    """Where what is sent to a front is redirected to: our port, at whatever address of the node."""
    found: Fronts = {}
    for rules in ruleset.services.values():
        for rule in rules:
            if rule.protocol == "udp":
                port = ports.get(name_of(rule))
                found.update(dict.fromkeys(fronts(rule), frozenset({("*", port)}) if port else frozenset()))
    return found
