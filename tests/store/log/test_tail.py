"""The newest batches of a log: so many, of so many bytes, and the newest in any case."""

import pytest
from msgspec import Raw

from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated
from shipslog.store.log import tail
from shipslog.store.log.tail import Tail


def batch(revision: int, size_bytes: int) -> list[Event]:
    fact = ObjectCreated(resource="configmaps", namespace="default", name="a", uid="u", object=Raw(b"x" * size_bytes))
    return [Event(revision=revision, time_ns=1, actor="a", fact=fact)]


@pytest.mark.parametrize(("size_bytes", "known"), [(1, 4), (40, 2), (60, 1), (1_000, 1)])
def test_what_is_remembered_is_bounded(size_bytes: int, known: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "RECENT_BATCHES", 4)
    monkeypatch.setattr(tail, "RECENT_BYTES", 100)
    remembered = Tail()
    for revision in range(1, 11):
        remembered.announce(batch(revision, size_bytes))
    assert remembered.since(10 - known - 1) is None
    assert [event.revision for event in remembered.since(10 - known) or ()] == list(range(10 - known + 1, 11))
