"""What a node's table holds, and the smallest change from there to another ruleset. In memory; no kernel, no I/O.

Two services may claim one address and port: every element has its claimants, and the first by name holds it. When that
one lets go, the next one's value comes in. So the table depends on the ruleset alone, not on how it came about (but for
the order of indexes, which moves as few endpoints as it can).

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_nftables.py
"""

from collections.abc import Mapping
from typing import NamedTuple

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.store.log.sequences import shared_ends

from .service_elements import Element, Parts, SharedChain, checked, fronts, moved, parts_of, placed_rules

Claims = tuple[tuple[str, str], ...]  # (service, value), by service
Rules = tuple[ServiceRules, ...]


class RulesetDiff(NamedTuple):
    """From what is loaded to `ruleset`. `removed` and `added` may share elements: those get another value."""

    ruleset: Ruleset
    removed: dict[Element, str]
    added: dict[Element, str]
    chains: tuple[SharedChain, ...]  # new ones
    moves: dict[tuple[str, str], dict[int, int | None]]  # affinity: by front, marks that mean something else now
    udp: dict[tuple[str, str], frozenset[tuple[str, int]]]  # by front: its endpoints now, where they have changed
    claims: dict[Element, Claims]
    hosts: dict[str, int]  # how many services more, or fewer, have an endpoint at this address
    placed: dict[str, Rules]

    @property
    def empty(self) -> bool:
        return not (self.removed or self.added or self.chains)


_NOTHING = Parts({}, frozenset(), frozenset())


class LoadedRuleset:
    """The state of one family's table. `plan` looks, `take` changes."""

    def __init__(self, family: str = "IPv4") -> None:
        self._family = family
        self.ruleset: Ruleset | None = None
        self._wanted: Mapping[str, Rules] = {}
        self._placed: dict[str, Rules] = {}
        self._claims: dict[Element, Claims] = {}
        self._hosts: dict[str, int] = {}
        self._chains: set[SharedChain] = set()

    def fits(self, ruleset: Ruleset) -> bool:
        """Whether the table's frame is the one that this ruleset needs."""
        now = self.ruleset
        return now is not None and (now.pod_cidr, now.node_addresses) == (ruleset.pod_cidr, ruleset.node_addresses)

    def plan(self, ruleset: Ruleset) -> RulesetDiff:
        """What to do. Services that are the same objects as before cost a comparison of two pointers.

        Errors: ValueError for an address that is none."""
        gone, differing = _differences(self._wanted, ruleset.services)
        change = RulesetDiff(ruleset, {}, {}, (), {}, {}, {}, {}, {})
        chains: dict[SharedChain, None] = {}
        for name in [*gone, *differing]:
            self._plan_service(name, ruleset.services.get(name, ()), change, chains)
        for element, claims in change.claims.items():
            before, after = _holder(self._claims.get(element, ())), _holder(claims)
            if before == after:
                continue
            if before is not None:
                change.removed[element] = before
            if after is not None:
                change.added[element] = after
        for address, more in change.hosts.items():
            count = self._hosts.get(address, 0)
            if not count and more:
                change.added[_hairpin(address)] = ""
            elif count and not count + more:
                change.removed[_hairpin(address)] = ""
        return change._replace(chains=tuple(chains))

    def _plan_service(self, name: str, wanted: Rules, change: RulesetDiff, chains: dict[SharedChain, None]) -> None:
        wanted = tuple(rule for rule in wanted if rule.family == self._family)
        checked(wanted)
        before = self._placed.get(name, ())
        after = placed_rules(before, wanted)
        change.placed[name] = after
        if before == after:
            return
        old, new = parts_of(before) if before else _NOTHING, parts_of(after)
        for element in old.elements.keys() | new.elements.keys():
            value = new.elements.get(element)
            if value == old.elements.get(element):
                continue
            claims = change.claims.get(element)
            claims = self._claims.get(element, ()) if claims is None else claims
            change.claims[element] = _claimed(claims, name, value)
        for hosts, step in ((new.hosts - old.hosts, 1), (old.hosts - new.hosts, -1)):
            for address in hosts:
                change.hosts[address] = change.hosts.get(address, 0) + step
        chains.update((chain, None) for chain in sorted(new.chains - self._chains))
        change.moves.update(moved(before, after))
        change.udp.update(udp_changes(before, after))

    def take(self, change: RulesetDiff) -> None:
        """The change is in the kernel."""
        for element, claims in change.claims.items():
            if claims:
                self._claims[element] = claims
            else:
                self._claims.pop(element, None)
        for address, more in change.hosts.items():
            self._hosts[address] = self._hosts.get(address, 0) + more
            if not self._hosts[address]:
                del self._hosts[address]
        for name, rules in change.placed.items():
            if name in change.ruleset.services:
                self._placed[name] = rules
            else:
                self._placed.pop(name, None)
        self._chains.update(change.chains)
        self._wanted = change.ruleset.services
        self.ruleset = change.ruleset

    def elements(self) -> dict[Element, str]:
        """What the table should hold."""
        held = {element: claims[0][1] for element, claims in self._claims.items()}
        return held | {_hairpin(address): "" for address in self._hosts}


def _differences(old: Mapping[str, Rules], new: Mapping[str, Rules]) -> tuple[list[str], list[str]]:
    """(names that are gone, names whose rules are new or other). The order of names hardly changes: see shared_ends."""
    before, after = list(old), list(new)
    by_name, by_rules = shared_ends(before, after), shared_ends(list(old.values()), list(new.values()))
    head, tail = min(by_name[0], by_rules[0]), min(by_name[1], by_rules[1])
    differing = [name for name in after[head : len(after) - tail] if old.get(name) is not new[name]]
    return [name for name in before[head : len(before) - tail] if name not in new], differing


def _claimed(claims: Claims, service: str, value: str | None) -> Claims:
    rest = tuple(claim for claim in claims if claim[0] != service)
    return rest if value is None else tuple(sorted((*rest, (service, value))))


def _hairpin(address: str) -> Element:
    return "hairpin", f"{address} . {address}"


def _holder(claims: Claims) -> str | None:
    return claims[0][1] if claims else None


def udp_changes(before: Rules, after: Rules) -> dict[tuple[str, str], frozenset[tuple[str, int]]]:
    """UDP has no end that connection tracking sees: flows to endpoints that are gone have to be ended."""
    old = {front: _endpoints(rule) for rule in before if rule.protocol == "udp" for front in fronts(rule)}
    new = {front: _endpoints(rule) for rule in after if rule.protocol == "udp" for front in fronts(rule)}
    return {front: new.get(front, frozenset()) for front in {**old, **new} if old.get(front) != new.get(front)}


def _endpoints(rule: ServiceRules) -> frozenset[tuple[str, int]]:
    return frozenset(rule.endpoints + (rule.local_endpoints or ()))
