"""The adapter that remembers instead of acting: for simulations and tests. It passes the same contract as the real one.

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_nftables.py
"""

from shipslog.runtime.commands import Ruleset

from .adapter import NetfilterFailed, Sets
from .loaded_ruleset import LoadedRuleset, RulesetDiff
from .service_elements import Endpoint
from .service_ruleset_text import MAPS, SETS, ServiceRulesetText


class RecordingAdapter:
    """Holds the sets that a kernel would hold, as strict as one: what is there cannot be added, what is not there not removed.

    `applied` counts the rulesets that took, `touched` the elements that the last one changed. `fail_next` makes the next
    apply fail with this message."""

    def __init__(self) -> None:
        self.ruleset: Ruleset | None = None
        self.applied = 0
        self.touched = 0
        self.fail_next = ""
        self._loaded = LoadedRuleset()
        self._sets: dict[str, dict[str, str]] = {}

    async def apply(self, ruleset: Ruleset) -> None:
        """See NetfilterAdapter."""
        if self.fail_next:
            message, self.fail_next = self.fail_next, ""
            raise NetfilterFailed(message)
        loaded = self._loaded if self._loaded.fits(ruleset) else LoadedRuleset()
        try:
            ServiceRulesetText().skeleton(ruleset.pod_cidr, ruleset.node_addresses)
            change = loaded.plan(ruleset)
        except ValueError as error:
            raise NetfilterFailed(f"ruleset {ruleset.digest} not applied, the rules are as before: {error}") from error
        if loaded is not self._loaded or not self._sets:
            self._sets = {name: {} for name in (*MAPS, *SETS)}
        self._change(change)
        loaded.take(change)
        self._loaded, self.ruleset = loaded, ruleset
        self.applied += 1
        self.touched = len(change.removed.keys() | change.added.keys())

    def _change(self, change: RulesetDiff) -> None:
        for (name, key), value in change.removed.items():
            held = self._sets[name].pop(key, None)
            assert held == value, f"{name}: {key} is {held!r}, not {value!r}: it cannot be removed"
        for (name, key), value in change.added.items():
            assert key not in self._sets[name], f"{name}: {key} is there already"
            self._sets[name][key] = value

    async def sets(self) -> Sets:
        """What a kernel would answer."""
        return {name: dict(elements) for name, elements in self._sets.items()}

    def endpoints(self, address: str, protocol: str, port: int) -> tuple[Endpoint, ...]:
        """Where packets from inside to this address and port would go, in the order of the indexes."""
        key = f"{address} . {protocol} . {port} . 0x5e"
        held = sorted(self._sets.get("endpoints_by_address", {}).items())
        found = [value.split(" . ") for mark, value in held if mark.startswith(key) and int(mark[-6:], 16) < 0x800000]
        return tuple((ip, int(number)) for ip, number in found)

    async def close(self, *, remove: bool) -> None:
        """See NetfilterAdapter."""
        if remove:
            self._sets = {}
        self._loaded = LoadedRuleset()
