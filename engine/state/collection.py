"""The objects of one kind in one namespace: by name, in order of name, and by label.

Tests: tests/engine/state/test_view.py
"""

from bisect import bisect_left, insort
from collections.abc import Mapping

from shipslog.store.state import Entry

LABELS_INDEXED = 64  # of one object; one with more is looked at itself, so that 100,000 labels do not cost a second to index


class Collection:
    """The objects of one kind in one namespace: by name, in order of name, and by label."""

    __slots__ = ("by_label", "by_name", "crowded", "names")

    def __init__(self) -> None:
        self.by_name: dict[str, Entry] = {}
        self.names: list[str] = []
        self.by_label: dict[tuple[str, str], set[str]] = {}
        self.crowded: set[str] = set()  # whose labels are too many for the index

    def put(self, name: str, entry: Entry, previous: Entry | None) -> None:
        if previous is None:
            insort(self.names, name)
        self.by_name[name] = entry
        old = previous.object.metadata.labels if previous is not None else {}
        new = entry.object.metadata.labels
        if old == new:
            return
        self._unlabel(name, old)
        if len(new) > LABELS_INDEXED:
            self.crowded.add(name)
            return
        for label in new.items():
            self.by_label.setdefault(label, set()).add(name)

    def drop(self, name: str, previous: Entry) -> None:
        del self.by_name[name]
        del self.names[bisect_left(self.names, name)]
        self._unlabel(name, previous.object.metadata.labels)

    def _unlabel(self, name: str, labels: Mapping[str, str]) -> None:
        if len(labels) > LABELS_INDEXED:
            self.crowded.discard(name)
            return
        for label in labels.items():
            names = self.by_label[label]
            names.discard(name)
            if not names:
                del self.by_label[label]

    @classmethod
    def rebuilt(cls, by_name: Mapping[str, Entry]) -> "Collection":
        """A collection of these, its order and its labels made from nothing."""
        collection = cls()
        for name, entry in by_name.items():
            collection.put(name, entry, None)
        return collection

    def agrees(self, other: "Collection") -> bool:
        """Whether both find the same."""
        return (self.names, self.by_label, self.crowded) == (other.names, other.by_label, other.crowded)

    def entries(self) -> list[Entry]:
        by_name = self.by_name
        return [by_name[name] for name in self.names]

    def select(self, labels: Mapping[str, str]) -> list[Entry]:
        if not labels:
            return self.entries()
        sets = [self.by_label.get(label, set()) for label in labels.items()]
        found, wanted = set.intersection(*sets), labels.items()
        found |= {name for name in self.crowded if wanted <= self.by_name[name].object.metadata.labels.items()}
        return [self.by_name[name] for name in sorted(found)]
