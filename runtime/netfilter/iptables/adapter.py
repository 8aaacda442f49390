"""The adapter that makes a ruleset true with iptables: what changes between two rulesets is what is sent.

Tests: tests/runtime/netfilter/test_packets.py, tests/runtime/netfilter/test_iptables.py
"""

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.conntrack import end_stale_flows
from shipslog.runtime.netfilter.family import IPV4, Family
from shipslog.runtime.netfilter.loaded_ruleset import udp_changes
from shipslog.runtime.netfilter.loopback import Loopback
from shipslog.runtime.netfilter.service_elements import checked
from shipslog.store.logger import logger

from .chains import KeptChains
from .rules import JUMPS, Parts, assembled, parts_of

log = logger(__name__)
Rules = tuple[ServiceRules, ...]


class IptablesAdapter:
    """Keeps kube-proxy's chains in a network namespace (`netns`: a name or a path; None for the process's own)."""

    def __init__(self, *, netns: str | None = None, family: Family = IPV4) -> None:
        self._family = family
        self._chains = KeptChains(family, netns=netns, mended=self._end_all_flows)
        self._loopback = Loopback()
        self._frame: tuple[str, tuple[str, ...]] = ("", ())
        self._services: dict[str, tuple[Rules, Parts]] = {}

    async def apply(self, ruleset: Ruleset) -> None:
        """See NetfilterAdapter. Errors: NetfilterFailed; RuntimeUnavailable without Debian's package iptables."""
        self._chains.check()
        await self._chains.kept.run(self._apply, ruleset)

    async def close(self, *, remove: bool) -> None:
        """See NetfilterAdapter."""
        await self._chains.kept.close(self._remove if remove else None)
        self._services = {}
        self._chains.forget()

    # --- below runs in the thread ---

    def _apply(self, ruleset: Ruleset) -> None:
        services: dict[str, tuple[Rules, Parts]] = {}
        frame = (ruleset.pod_cidr, ruleset.node_addresses)
        held = self._services if frame == self._frame else {}
        try:
            for name, rules in ruleset.services.items():
                known = held.get(name)
                if known is not None and known[0] is rules:
                    services[name] = known
                    continue
                mine = tuple(rule for rule in rules if rule.family == self._family.kind)
                checked(mine)
                services[name] = (rules, parts_of(self._family, mine, ruleset.pod_cidr))
        except ValueError as error:
            raise NetfilterFailed(f"ruleset {ruleset.digest} not applied, the rules are as before: {error}") from error
        chains = assembled(self._family, ruleset, {name: parts for name, (_, parts) in services.items()})
        self._chains.apply(chains, JUMPS)
        before, self._services, self._frame = self._services, services, frame
        self._end_flows({name: rules for name, (rules, _) in before.items()})
        self._loopback.open()

    def _end_all_flows(self) -> None:
        """Those that began while rules were missing went nowhere, and would for as long as they last."""
        self._end_flows({})

    def _end_flows(self, before: dict[str, Rules]) -> None:
        stale: dict[tuple[str, str], frozenset[tuple[str, int]]] = {}
        after = {name: rules for name, (rules, _) in self._services.items()}
        for name in {**before, **after}:
            old, new = before.get(name, ()), after.get(name, ())
            if old is not new:
                mine = ((tuple(rule for rule in rules if rule.family == self._family.kind)) for rules in (old, new))
                stale.update(udp_changes(*mine))
        if stale:
            try:
                end_stale_flows(stale, self._family.number)
            except OSError as error:
                log.warning("stale_udp_flows_not_ended", why=str(error))

    def _remove(self) -> None:
        self._chains.remove()
        self._loopback.restore()
