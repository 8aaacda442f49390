"""Storage on the disks of nodes, as the nodes told of it: by the name of its PersistentVolume, and by node.

Tests: tests/reconcilers/storage/test_directories.py, tests/engine/state/test_indexes.py
"""

from collections.abc import Iterable, Mapping, Sequence

from shipslog.store.facts import VolumeExpanded, VolumeExpansionFailed, VolumeFact, VolumeScrubbed
from shipslog.store.state import VolumeState

from .runtime import evolve_volume


class NodeVolumes:
    """All of a view."""

    def __init__(self, states: Iterable[VolumeState] = ()) -> None:
        self._states: dict[str, dict[str, VolumeState]] = {}
        for state in states:
            self._states.setdefault(state.volume, {})[state.node] = state

    def of(self, name: str) -> Sequence[VolumeState]:
        """Those of one volume, by node."""
        return [state for _, state in sorted(self._states.get(name, {}).items())]

    def on(self, node: str) -> Sequence[str]:
        """The names of those that a node told of."""
        return sorted(name for name, states in self._states.items() if node in states)

    def states(self) -> Sequence[VolumeState]:
        """All, by name and node."""
        return [state for name in sorted(self._states) for state in self.of(name)]

    def evolve(self, fact: VolumeFact, *, there: bool) -> None:
        """Take in what a node told. `there`: whether there is an object of the volume."""
        if isinstance(fact, VolumeScrubbed | VolumeExpanded | VolumeExpansionFailed) and not there:
            return  # nobody asks about it any more
        held = self._states.get(fact.volume, {})
        state = evolve_volume(held.get(fact.node), fact)
        others = {node: other for node, other in held.items() if node != fact.node}
        self._put(fact.volume, others if state is None else {**others, fact.node: state})

    def forget(self, name: str) -> None:
        """The object is gone: what is still on a disk is not the cluster's any more."""
        self._states.pop(name, None)

    def restore(self, name: str, to: "NodeVolumes") -> None:
        """Have of a volume what another has."""
        self._put(name, to._states.get(name, {}))

    def _put(self, name: str, states: Mapping[str, VolumeState]) -> None:
        if states:
            self._states[name] = dict(states)
        else:
            self._states.pop(name, None)
