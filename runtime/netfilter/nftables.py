"""The adapter to the kernel's nftables: a table a family, one thread each, one long-lived context.

The first ruleset after a start replaces whatever table an earlier daemon left, in one transaction: no packet meets a node
without rules, connections keep their translation. Later ones change elements only. The whole is loaded again when the kernel
tells that somebody else changed the table (kept_table.py), or when a change does not fit any more.
"""

from collections.abc import Iterable
from typing import Any

from shipslog.runtime.commands import Ruleset
from shipslog.store.logger import logger

from .adapter import NetfilterFailed, Sets
from .affinity import entries_of, followed
from .conntrack import end_stale_flows
from .family import IPV4, Family, PerFamily
from .guarded_table import GuardedTable
from .loaded_ruleset import LoadedRuleset, RulesetDiff
from .loopback import Loopback
from .monitor import Notification
from .service_elements import Element
from .service_ruleset_text import MAPS, SETS, ServiceRulesetText, table_name

log = logger(__name__)
UNMINDED = frozenset({"affinity"})  # packets fill it


class NftablesTable:
    """Keeps one family's table `shipslog_INSTANCE` in a network namespace (`netns`: a name or a path; None for the process's
    own).

    All of nft happens in one thread of its own. Errors: RuntimeUnavailable from the first call, where nftables is missing."""

    def __init__(self, instance: str, family: Family, *, netns: str | None = None) -> None:
        self.table, self._family = table_name(instance), family
        self._name = f"{family.name} {self.table}"
        self._words = ServiceRulesetText(family)
        self._kept = GuardedTable(self.table, self._restore, netns=netns, concerns=self._concerns)
        self._loaded = LoadedRuleset(self._family.kind)
        self._loopback = Loopback()

    async def start(self) -> None:
        """Make sure that it can work at all. Errors: RuntimeUnavailable."""
        await self._kept.run(lambda: self._kept.session)

    async def apply(self, ruleset: Ruleset) -> None:
        """A change of one service among thousands takes well under a millisecond."""
        await self._kept.run(self._apply, ruleset)

    async def sets(self) -> Sets:
        """The kernel's own answer."""
        return await self._kept.run(self._read)

    async def close(self, *, remove: bool) -> None:
        """See NetfilterAdapter."""
        await self._kept.close(self._remove if remove else None)
        self._loaded = LoadedRuleset(self._family.kind)

    def _concerns(self, one: Notification) -> bool:
        return one.table == self.table and one.family == self._family.number and one.set not in UNMINDED

    # --- below runs in the thread ---

    def _apply(self, ruleset: Ruleset) -> None:
        try:
            self._make_true(ruleset)
        except ValueError as error:
            raise NetfilterFailed(f"ruleset {ruleset.digest} not applied, the rules are as before: {error}") from error

    def _make_true(self, ruleset: Ruleset) -> None:
        if not self._loaded.fits(ruleset):
            self._load(ruleset)
            return
        change = self._loaded.plan(ruleset)
        if not change.empty:
            text = _change_text(self._words, self._name, change)
            if change.moves:
                text += self._affinity_text(change)
            try:
                self._kept.change(text)
            except NetfilterFailed as error:
                log.warning("ruleset_drifted", table=self.table, why=str(error))
                self._load(ruleset)
                return
        self._loaded.take(change)
        self._end_flows(change)

    def _end_flows(self, change: RulesetDiff) -> None:
        if change.udp:
            try:
                end_stale_flows(change.udp, self._family.number)
            except OSError as error:
                log.warning("stale_udp_flows_not_ended", table=self.table, why=str(error))

    def _restore(self) -> None:
        if self._loaded.ruleset is not None:
            self._load(self._loaded.ruleset)

    def _load(self, ruleset: Ruleset) -> None:
        """Replace the table by the whole ruleset in one transaction."""
        fresh = LoadedRuleset(self._family.kind)
        change = fresh.plan(ruleset)
        frame = self._words.skeleton(ruleset.pod_cidr, ruleset.node_addresses)
        chains = "\n".join(self._words.chain_body(chain) for chain in change.chains)
        name = self._name
        self._kept.change(
            f"add table {name}\ndelete table {name}\ntable {name} {{\n{frame}\n{chains}\n}}\n"
            + _elements_text("add", name, change.added.items())
        )
        fresh.take(change)
        self._loaded = fresh
        self._end_flows(change)
        self._loopback.open()

    def _affinity_text(self, change: RulesetDiff) -> str:
        listed = self._kept.session.query(f"list {'set' if self._words.sticky else 'map'} {self._name} affinity")
        return followed(self._name, entries_of(listed), change.moves, sticky=self._words.sticky)

    def _read(self) -> Sets:
        session = self._kept.session
        found: dict[str, dict[str, str]] = {}
        for kind, names in (("map", MAPS), ("set", SETS)):
            for name in names:
                for item in session.query(f"list {kind} {self._name} {name}"):
                    if kind in item:
                        found[name] = dict(_element(element) for element in item[kind].get("elem", ()))
        return found

    def _remove(self) -> None:
        self._kept.change(f"add table {self._name}\ndelete table {self._name}\n")
        self._loopback.restore()


class NftablesAdapter(PerFamily[NftablesTable]):
    """Keeps the tables `ip shipslog_INSTANCE` and, where the cluster has IPv6, `ip6 shipslog_INSTANCE`."""

    def __init__(self, instance: str = "", *, netns: str | None = None) -> None:
        super().__init__(lambda family: NftablesTable(instance, family, netns=netns))
        self.table = table_name(instance)

    async def start(self) -> None:
        """Make sure that it can work at all. Errors: RuntimeUnavailable."""
        await self.of[IPV4].start()

    async def sets(self, family: Family = IPV4) -> Sets:
        """The kernel's own answer."""
        return await self.of[family].sets()


def _change_text(words: ServiceRulesetText, name: str, change: RulesetDiff) -> str:
    chains = "\n".join(words.chain_body(chain) for chain in change.chains)
    return (
        (f"table {name} {{\n{chains}\n}}\n" if chains else "")
        + _elements_text("delete", name, change.removed.items())
        + _elements_text("add", name, change.added.items())
    )


def _elements_text(verb: str, table: str, elements: Iterable[tuple[Element, str]]) -> str:
    by_set: dict[str, list[str]] = {}
    for (name, key), value in elements:
        by_set.setdefault(name, []).append(f"{key} : {value}" if value else key)
    return "".join(f"{verb} element {table} {name} {{ {', '.join(listed)} }}\n" for name, listed in sorted(by_set.items()))


def _element(element: Any) -> tuple[str, str]:
    """One element of nft's JSON, as `LoadedRuleset.elements` writes it."""
    if isinstance(element, list):
        return _joined(element[0]), _joined(element[1])
    return _joined(element), ""


def _joined(value: Any) -> str:
    match value:
        case {"concat": list(parts)}:
            return " . ".join(_joined(part) for part in parts)
        case {"goto": {"target": str(target)}}:
            return f"goto {target}"
        case {"prefix": {"addr": str(address), "len": length}}:
            return f"{address}/{length}"
        case {"drop": _}:
            return "drop"
        case int() if value >= 1 << 16:  # a mark
            return f"{value:#010x}"
    return str(value)
