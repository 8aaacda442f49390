"""The service proxy of a node in the mode that was asked for, and what other modes may have left taken away.

Which modes may have rules on this machine stands in a file beside the pods: another mode after a restart puts its own rules in
place first and removes the others' then, so no packet meets a node without any.

Tests: tests/runtime/netfilter/test_proxy.py
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from shipslog.runtime.commands import Ruleset
from shipslog.runtime.machine.threads import in_fresh_thread
from shipslog.runtime.network.announcing import Announced
from shipslog.runtime.node import PacketRules
from shipslog.store.address_pool import holds
from shipslog.store.logger import logger

from .family import IPV6, Family, PerFamily
from .health_checks import HealthChecks
from .libnftables import enter_namespace

log = logger(__name__)

MODES = ("nftables", "iptables", "userspace")
SHARING = {"iptables", "userspace"}  # the tables of iptables, and chains that begin with KUBE-
NOTE = "proxy-modes"


@runtime_checkable
class Ends(Protocol):
    """An adapter with more to end than packet rules."""

    async def end(self) -> None: ...


def _nftables(instance: str, run: Path, netns: str | None) -> PacketRules:
    from .nftables import NftablesAdapter

    return NftablesAdapter(instance, netns=netns)


def _iptables(instance: str, run: Path, netns: str | None) -> PacketRules:
    from .iptables.adapter import IptablesAdapter

    return PerFamily(lambda family: IptablesAdapter(netns=netns, family=family))


def _userspace(instance: str, run: Path, netns: str | None) -> PacketRules:
    from .userspace.adapter import UserspaceAdapter

    def make(family: Family) -> UserspaceAdapter:
        return UserspaceAdapter(run / ("proxy6.sock" if family is IPV6 else "proxy.sock"), netns=netns, family=family)

    return PerFamily(make)


_MAKERS: dict[str, Callable[[str, Path, str | None], PacketRules]] = {
    "nftables": _nftables,
    "iptables": _iptables,
    "userspace": _userspace,
}


class ServiceProxy:
    """PacketRules in one of MODES. `data` keeps the note, `run` sockets: it is gone after a reboot, as rules are. `netns`: the
    network namespace, a name or a path; None for the process's own. `bridge`: that of the pods; with "" the node answers for
    no address of a load balancer."""

    def __init__(self, mode: str, instance: str, *, data: Path, run: Path, netns: str | None = None, bridge: str = "") -> None:
        self.mode, self._netns = mode, netns
        self._health = HealthChecks()
        self._announced = Announced(bridge, run / "announced") if bridge else None
        self._make = {name: partial(maker, instance, run, netns) for name, maker in _MAKERS.items()}
        self._note = data / NOTE
        self._rules: PacketRules = self._make[mode]()
        self._answering = asyncio.Lock()
        self._quiet = False  # the node answers for nothing
        self._alone = False  # no other mode has left anything

    async def apply(self, ruleset: Ruleset) -> None:
        """See PacketRules. The first one also takes away what other modes have left."""
        await self._apply(ruleset)
        await self._health.renew(ruleset)
        services = ruleset.services.values() if ruleset.pool else ()  # without a pool none of thousands is looked at
        balancers = (address for rules in services for rule in rules for address in rule.balancer_addresses)
        await self._answer_for(address for address in balancers if holds(ruleset.pool, address))

    async def _answer_for(self, addresses: Iterable[str]) -> None:
        announced, wanted = self._announced, tuple(addresses)
        if announced is None or (not wanted and self._quiet):
            return

        try:
            await self._inside(partial(announced.renew, wanted))
            self._quiet = not wanted
        except OSError as error:  # the rules are in place all the same; it is tried again with the next ruleset
            log.warning("load_balancers_not_announced", why=str(error))

    async def bridge_made(self) -> None:
        """The pods' bridge was made anew under a running proxy: have what led to it lead to it again."""
        if self._announced is None or self._quiet:
            return
        try:
            await self._inside(self._announced.again)
        except OSError as error:
            log.warning("load_balancers_not_announced", why=str(error))

    async def _inside(self, work: Callable[[], None]) -> None:
        """In a thread of the proxy's network namespace, one after the other."""

        def entered() -> None:
            if self._netns is not None:
                enter_namespace(self._netns)
            work()

        async with self._answering:
            await asyncio.wrap_future(in_fresh_thread(entered))

    async def _apply(self, ruleset: Ruleset) -> None:
        if self._alone:
            await self._rules.apply(ruleset)
            return
        noted = self._noted()
        self._write({*noted, self.mode})
        await self._rules.apply(ruleset)
        for other in sorted(noted - {self.mode}):
            await self._leave(other)
        self._write({self.mode})
        self._alone = True

    async def close(self, *, remove: bool) -> None:
        """See PacketRules."""
        await self._health.close()
        if remove:
            await self._answer_for(())
        await self._rules.close(remove=remove)
        if remove:
            for other in sorted(self._noted() - {self.mode}):
                await self._leave(other)
            self._note.unlink(missing_ok=True)

    async def _leave(self, other: str) -> None:
        """Take away what another mode has left. The two that share chains have replaced each other's already."""
        rules = self._make[other]()
        if {self.mode, other} != SHARING:
            await rules.close(remove=True)
        elif isinstance(rules, PerFamily):
            for adapter in rules.of.values():
                if isinstance(adapter, Ends):
                    await adapter.end()

    def _noted(self) -> set[str]:
        """Older releases had one mode and noted nothing."""
        try:
            return set(self._note.read_text().split()) & set(MODES)
        except OSError:
            return {"nftables"}

    def _write(self, modes: set[str]) -> None:
        text = "".join(f"{mode}\n" for mode in sorted(modes))
        if not self._note.exists() or self._note.read_text() != text:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            draft = self._note.with_name(self._note.name + ".new")
            draft.write_text(text)
            draft.replace(self._note)
