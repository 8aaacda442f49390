"""What each node runs short of, by its last word. It stays over a restart of the engine: its node tells when it is over.

Tests: tests/reconcilers/kubelet/eviction/test_rule.py
"""

from msgspec.structs import replace

from shipslog.store.facts import ImagesCollected, PressureObserved
from shipslog.store.state import PressureState


class NodePressure(dict[str, PressureState]):
    """By node."""

    def observe(self, fact: PressureObserved) -> None:
        self[fact.node] = pressure_after(self.get(fact.node, PressureState()), fact)

    def collect(self, fact: ImagesCollected) -> None:
        self[fact.node] = replace(self.get(fact.node, PressureState()), collected_ns=fact.at_ns)


def pressure_after(held: PressureState, fact: PressureObserved) -> PressureState:
    """The state of a node after what was observed."""
    names = sorted({one.name for one in fact.thresholds})
    before, now = ({name.partition("/")[0] for name in some} for some in (held.since, names))
    ceased = {signal: at for signal, at in held.ceased.items() if signal not in now}
    return replace(
        held, observed=fact, since={name: held.since.get(name, fact.at_ns) for name in names},
        ceased=ceased | dict.fromkeys(sorted(before - now), fact.at_ns),
    )  # fmt: skip
