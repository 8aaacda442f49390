"""What a node says of its CSI drivers."""

from msgspec.structs import replace

from shipslog.reconcilers.storage import csi_nodes
from shipslog.store.commands import Create, Update
from shipslog.store.facts import CsiDriver
from shipslog.store.objects.types import core_v1, storage_v1
from tests.reconcilers.views import NOW, add, node, observed, view_of, woken

ONE = CsiDriver(name="a.example.com", node_id="id-1", most=7, topology={"example.com/rack": "r1"})


def test_it_is_written_down_and_follows() -> None:
    view = view_of(node("n"))
    seen = replace(observed("n"), drivers=(ONE,))
    assert woken(csi_nodes.WAKES, view, seen) == ["n"]
    create, update = csi_nodes.decide(view, "n", now=NOW).commands
    assert isinstance(create, Create) and isinstance(create.object, storage_v1.CSINode)
    (driver,) = create.object.spec.drivers or ()
    assert (driver.name, driver.node_id, driver.topology_keys) == ("a.example.com", "id-1", ("example.com/rack",))
    assert driver.allocatable == storage_v1.VolumeNodeResources(count=7)
    assert create.object.metadata.owner_references[0].name == "n"
    assert isinstance(update, Update) and isinstance(update.object, core_v1.Node)
    assert update.object.metadata.labels["example.com/rack"] == "r1"
    assert update.object.metadata.annotations[csi_nodes.NODE_IDS] == '{"a.example.com":"id-1"}'
    add(view, create.object, update.object)
    assert not csi_nodes.decide(view, "n", now=NOW).commands
    add(view, observed("n"))
    gone, plain = csi_nodes.decide(view, "n", now=NOW).commands
    assert isinstance(gone, Update) and isinstance(gone.object, storage_v1.CSINode) and not gone.object.spec.drivers
    assert isinstance(plain, Update) and csi_nodes.NODE_IDS not in plain.object.metadata.annotations


def test_a_node_without_drivers_has_none() -> None:
    assert not csi_nodes.decide(view_of(node("n"), observed("n")), "n", now=NOW).commands
    assert csi_nodes.decide(view_of(observed("n")), "n", now=NOW).reason == "there is no such node"


def test_a_driver_that_comes_back_as_another_goes_first() -> None:
    """What it is may not change while it is there, says the API."""
    view = view_of(node("n"), replace(observed("n"), drivers=(ONE,)))
    add(view, *(command.object for command in csi_nodes.decide(view, "n", now=NOW).commands))
    add(view, replace(observed("n"), drivers=(replace(ONE, node_id="id-2", topology={}),)))
    gone, *_ = csi_nodes.decide(view, "n", now=NOW).commands
    assert isinstance(gone, Update) and isinstance(gone.object, storage_v1.CSINode) and not gone.object.spec.drivers
    add(view, gone.object)
    (come, *_) = csi_nodes.decide(view, "n", now=NOW).commands
    assert isinstance(come, Update) and isinstance(come.object, storage_v1.CSINode)
    assert [driver.node_id for driver in come.object.spec.drivers or ()] == ["id-2"]


def test_a_driver_renames_no_node() -> None:
    view = view_of(node("n", labels={"kubernetes.io/hostname": "n"}))
    add(view, replace(observed("n"), drivers=(replace(ONE, topology={"kubernetes.io/hostname": "other", "rack": "r"}),)))
    _, update = csi_nodes.decide(view, "n", now=NOW).commands
    assert isinstance(update, Update) and isinstance(update.object, core_v1.Node)
    assert update.object.metadata.labels == {"kubernetes.io/hostname": "n", "rack": "r"}
