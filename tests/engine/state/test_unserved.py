"""Objects of kinds that are not served, or that another version wrote: a log that holds them opens and keeps them."""

import msgspec
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.past.views import view_at
from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted, ObjectFact
from shipslog.store.log.event_log import LogNewer, Snapshot
from shipslog.store.log.memory import MemoryLog
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.state import Opaque

META = b'"metadata":{"name":"%s","namespace":"default","uid":"%s"}'
SHIP = b'{"apiVersion":"sea.example.com/v1","kind":"Ship",' + META % (b"a", b"u1") + b',"hull":{"x":1}}'
LATER = b'{"apiVersion":"v1","kind":"ConfigMap",' + META % (b"c", b"u2") + b',"data":{"k":"v"},"sails":[1]}'
SHIPS = "ships.sea.example.com"


def made(revision: int, data: bytes, resource: str, name: str, kind: type[ObjectFact] = ObjectCreated) -> Event:
    fact = kind(resource=resource, namespace="default", name=name, uid=f"u{name}", object=msgspec.Raw(data))
    return Event(revision=revision, time_ns=revision, actor="somebody", fact=fact)  # type: ignore[arg-type]


def view_of_ship() -> MemoryView:
    view = MemoryView()
    view.evolve(made(1, SHIP, SHIPS, "a"))
    return view


def test_it_is_kept_whole_and_shown_to_nobody() -> None:
    view = view_of_ship()
    assert list(view.resources()) == [] and view.entry(SHIPS, "a", "default") is None and view.by_uid("u1") is None
    for kept in (view, view.copy(), snapshots.restore(snapshots.take(view))):
        assert kept.state()["entries"] == [(SHIPS, 1, SHIP)]
        assert kept.reindex() == []
    entry, previous = view.evolve(made(2, SHIP, SHIPS, "a", ObjectDeleted))
    assert entry is not None and isinstance(entry.object, Opaque) and previous is not None and entry.object.metadata.uid == "u1"
    assert view.state()["entries"] == [], "nothing is left of what is gone"


def test_what_is_taken_back_is_as_it_was() -> None:
    view, before = view_of_ship(), view_of_ship()
    event = made(2, SHIP, SHIPS, "a", ObjectDeleted)
    _, previous = view.evolve(event)
    view.revert([(event.fact, previous)], before)
    assert view.state() == before.state()


def test_it_comes_and_goes_with_its_kind() -> None:
    """A view that no longer knows config maps keeps them, and shows them again when it does."""
    view = MemoryView()
    view.evolve(made(1, LATER.replace(b',"sails":[1]', b""), "configmaps", "c"))
    held = view.state()
    kind = BUILTIN.by_resource("configmaps")
    view._serve("configmaps", BUILTIN.without("configmaps"))
    assert view.by_uid("u2") is None and view.state() == held and view.reindex() == []
    view._serve("configmaps", view.scheme.with_kind(kind))
    assert view.by_uid("u2") is view.entry("configmaps", "c", "default") is not None and view.state() == held


def test_a_field_that_the_type_does_not_have_is_passed_over_and_kept() -> None:
    view = MemoryView()
    entry, _ = view.evolve(made(1, LATER, "configmaps", "c"))
    assert entry is not None and entry.object.data == {"k": "v"} and entry.encoded == LATER


def test_an_object_of_another_shape_is_of_a_newer_version() -> None:
    data = LATER.replace(b'"data":{"k":"v"}', b'"data":["k"]')
    with pytest.raises(LogNewer, match=r"^revision 1: an object of configmaps cannot be read.*not touched"):
        MemoryView().evolve(made(1, data, "configmaps", "c"))


async def test_a_log_that_holds_such_objects_is_served_and_goes_on() -> None:
    log = MemoryLog()
    await log.append([made(1, SHIP, SHIPS, "a"), made(2, LATER, "configmaps", "c")], expected_revision=0)
    async with Cluster.open(event_log=log, runtime="none") as cluster:
        await cluster.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="new", namespace="default")))
        assert {"c", "new"} <= {c.metadata.name for c in cluster.view.list(core_v1.ConfigMap, "default")}
        assert (SHIPS, 1, SHIP) in cluster.view.state()["entries"]


async def test_a_snapshot_that_cannot_be_read_costs_time_and_no_more() -> None:
    log = MemoryLog()
    await log.append([made(1, SHIP, SHIPS, "a"), made(2, LATER, "configmaps", "c")], expected_revision=0)
    await log.save_snapshot(Snapshot(1, 1, b'{"format":99,"what":"a newer version thought of"}'))
    await log.save_snapshot(Snapshot(2, 2, b'{"format":1}'))
    view = await view_at(log, 2)
    assert view.state()["entries"] == [("configmaps", 2, LATER), (SHIPS, 1, SHIP)]
    with pytest.raises(LogNewer, match="format 99"):
        snapshots.restore(Snapshot(1, 1, b'{"format":99}'))
