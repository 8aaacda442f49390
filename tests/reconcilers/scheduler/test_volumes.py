"""Pods with claims: where their volumes let them go, and what has open claims be bound where the pod goes."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1

from ..views import NOW, controlled_by, node, pod, view_of, woken

SELECTED = "volume.kubernetes.io/selected-node"
DONE = {"pv.kubernetes.io/bind-completed": "yes"}


def claim(name: str, volume: str = "", class_: str = "local", modes: tuple[str, ...] = ("ReadWriteOnce",), **more: Any) -> Any:
    asks = core_v1.VolumeResourceRequirements(requests={"storage": "1Gi"})
    spec = core_v1.PersistentVolumeClaimSpec(volume_name=volume, storage_class_name=class_, access_modes=modes, resources=asks)
    notes = {**(DONE if volume else {}), **more.pop("annotations", {})}
    meta = meta_v1.ObjectMeta(name=name, namespace="default", annotations=notes, **more)
    status = core_v1.PersistentVolumeClaimStatus(phase="Bound" if volume else "Pending")
    return core_v1.PersistentVolumeClaim(metadata=meta, spec=spec, status=status)


def volume(name: str, host: str = "", size: str = "1Gi", **more: Any) -> core_v1.PersistentVolume:
    asks = core_v1.NodeSelectorRequirement(key="host", operator="In", values=(host,))
    term = core_v1.NodeSelectorTerm(match_expressions=(asks,))
    affinity = core_v1.VolumeNodeAffinity(required=core_v1.NodeSelector(node_selector_terms=(term,))) if host else None
    spec = core_v1.PersistentVolumeSpec(
        capacity={"storage": size}, access_modes=("ReadWriteOnce", "ReadWriteOncePod"), storage_class_name="local",
        node_affinity=affinity, csi=more.pop("csi", None),
    )  # fmt: skip
    status = core_v1.PersistentVolumeStatus(phase="Available")
    return core_v1.PersistentVolume(metadata=meta_v1.ObjectMeta(name=name, **more), spec=spec, status=status)


def storage(name: str = "local", by: str = "kubernetes.io/no-provisioner", mode: str = "WaitForFirstConsumer") -> Any:
    return storage_v1.StorageClass(metadata=meta_v1.ObjectMeta(name=name), provisioner=by, volume_binding_mode=mode)


def uses(name: str, *claims: str, on: str = "") -> core_v1.Pod:
    source = core_v1.PersistentVolumeClaimVolumeSource
    volumes = tuple(core_v1.Volume(name=c, persistent_volume_claim=source(claim_name=c)) for c in claims)
    return pod(name, node=on, spec=core_v1.PodSpec(volumes=volumes))


def place(name: str, **labels: str) -> core_v1.Node:
    return node(name, labels={"host": name, **labels})


def decided(*things: Any) -> Decision:
    return scheduler.decide(view_of(*things), "pending", now=NOW)


def bound(decision: Decision) -> dict[str, str]:
    return {c.name: c.node for c in decision.commands if isinstance(c, Bind)}


def told(decision: Decision) -> list[str]:
    return [
        c.object.status.conditions[-1].message.partition(" preemption")[0]
        for c in decision.commands
        if isinstance(c, Update) and isinstance(c.object, core_v1.Pod)
    ]


def test_a_bound_claim_takes_its_pod_along() -> None:
    decision = decided(place("a"), place("b"), storage(), volume("v", "b"), claim("c", "v"), uses("p", "c"))
    assert bound(decision) == {"p": "b"}


def test_a_volume_that_no_node_reaches() -> None:
    things = place("a"), storage(), volume("v", "gone"), claim("c", "v"), uses("p", "c")
    assert told(decided(*things)) == ["0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity."]


def test_a_zone_must_be_the_volumes() -> None:
    zone = "topology.kubernetes.io/zone"
    nodes = place("a", **{zone: "z1"}), place("b", **{zone: "z2"})
    there = volume("v", labels={zone: "z2__z3"})
    assert bound(decided(*nodes, storage(), there, claim("c", "v"), uses("p", "c"))) == {"p": "b"}
    away = volume("v", labels={zone: "z9"})
    decision = decided(*nodes, storage(), away, claim("c", "v"), uses("p", "c"))
    assert told(decision) == ["0/2 nodes are available: 2 node(s) had no available volume zone."]


@pytest.mark.parametrize(
    ("things", "said"),
    [
        ((), 'persistentvolumeclaim "c" not found'),
        ((claim("c", deletion_timestamp="2027-01-15T08:00:00Z"),), 'persistentvolumeclaim "c" is being deleted'),
        ((storage(mode="Immediate"), claim("c")), "pod has unbound immediate PersistentVolumeClaims"),
        ((claim("c", "gone"),), 'persistentvolume "gone" not found'),
    ],
)
def test_what_no_node_helps_against(things: tuple[Any, ...], said: str) -> None:
    decision = decided(place("a"), place("b"), *things, uses("p", "c"))
    assert told(decision) == [f"0/2 nodes are available: {said}."]
    (message,) = [c.object.status.conditions[-1].message for c in decision.commands if isinstance(c, Update)]
    assert message.endswith("preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.")


def test_what_somebody_else_made_is_not_the_pods_own_volume() -> None:
    own = core_v1.Volume(name="c", ephemeral=core_v1.EphemeralVolumeSource())
    waits = pod("p", spec=core_v1.PodSpec(volumes=(own,)))
    made = claim("p-c", "v")
    things = place("a"), storage(), volume("v", "a")
    why = "PVC default/p-c was not created for pod default/p (pod is not owner)"
    assert told(decided(*things, made, waits)) == [f"0/1 nodes are available: {why}."]
    mine = replace(made, metadata=replace(made.metadata, owner_references=controlled_by(waits)))
    assert bound(decided(*things, mine, waits)) == {"p": "a"}


def test_a_free_volume_is_given_to_an_open_claim_where_its_pod_goes() -> None:
    volumes = volume("large", "a", "9Gi"), volume("small", "a"), volume("elsewhere", "gone")
    decision = decided(place("a"), place("b"), storage(), *volumes, claim("c"), uses("p", "c"))
    (update,) = decision.commands
    assert isinstance(update, Update) and update.object.metadata.name == "small"
    assert (update.object.spec.claim_ref.name, update.object.spec.claim_ref.uid) == ("c", "uid-persistentvolumeclaims-c")


def test_two_claims_get_a_volume_each_or_none() -> None:
    things = place("a"), place("b"), storage(), volume("a1", "a"), volume("b1", "b"), volume("b2", "b"), claim("c"), claim("d")
    decision = decided(*things, uses("p", "c", "d"))
    assert sorted(c.object.metadata.name for c in decision.commands if isinstance(c, Update)) == ["b1", "b2"]
    alone = decided(*things[:4], claim("c"), claim("d"), uses("p", "c", "d"))
    assert told(alone) == ["0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."]


def test_where_nothing_is_free_the_node_is_named_and_kept() -> None:
    class_ = storage("made", "example.com/disks")
    small = replace(place("a"), status=replace(place("a").status, allocatable={"cpu": "1", "memory": "1Gi", "pods": "1"}))
    first = decided(
        small, class_, claim("c", class_="made"), uses("p", "c"), pod("q", creation_timestamp="2027-01-16T08:00:00Z")
    )
    (update, other) = first.commands
    assert isinstance(update, Update) and update.object.metadata.annotations == {SELECTED: "a"}
    assert isinstance(other, Update) and other.object.metadata.name == "q", "there is no room beside it"
    waiting = decided(small, class_, claim("c", class_="made", annotations={SELECTED: "a"}), uses("p", "c"))
    assert waiting.commands == (), "it waits for the volume"
    done = decided(small, class_, volume("v", "a"), claim("c", "v", class_="made"), uses("p", "c"))
    assert bound(done) == {"p": "a"}


def test_a_claim_for_one_pod_is_not_shared() -> None:
    held = claim("c", "v", modes=("ReadWriteOncePod",))
    decision = decided(place("a"), storage(), volume("v"), held, uses("p", "c"), uses("q", "c"))
    assert list(bound(decision)) == ["p"]
    why = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    assert told(decision) == [f"0/1 nodes are available: 1 {why}."]


def test_a_node_attaches_only_so_many() -> None:
    driver = storage_v1.CSINodeDriver(name="d", node_id="x", allocatable=storage_v1.VolumeNodeResources(count=1))
    limit = storage_v1.CSINode(metadata=meta_v1.ObjectMeta(name="a"), spec=storage_v1.CSINodeSpec(drivers=(driver,)))
    disk = [volume(f"v{i}", csi=core_v1.CSIPersistentVolumeSource(driver="d", volume_handle=f"h{i}")) for i in range(2)]
    claims = claim("c0", "v0"), claim("c1", "v1")
    things = place("a"), storage(), limit, *disk, *claims, uses("old", "c0", on="a")
    assert told(decided(*things, uses("p", "c1"))) == ["0/1 nodes are available: 1 node(s) exceed max volume count."]
    assert bound(decided(*things, uses("p", "c0"))) == {"p": "a"}, "it is attached already"


RACK = "example.com/rack"


def room(name: str, rack: str | None, capacity: str | None, most: str | None = None, class_: str = "made") -> Any:
    topology = meta_v1.LabelSelector(match_labels={RACK: rack}) if rack is not None else None
    meta = meta_v1.ObjectMeta(name=name, namespace="storage")
    return storage_v1.CSIStorageCapacity(
        metadata=meta, storage_class_name=class_, node_topology=topology, capacity=capacity, maximum_volume_size=most
    )


def driver(*, tells: bool = True) -> storage_v1.CSIDriver:
    spec = storage_v1.CSIDriverSpec(storage_capacity=tells)
    return storage_v1.CSIDriver(metadata=meta_v1.ObjectMeta(name="example.com/disks"), spec=spec)


def selected(*things: Any) -> Any:
    """The node that is named on the claim, or why none is."""
    nodes = place("a", **{RACK: "r1"}), place("b", **{RACK: "r2"})
    decision = decided(*nodes, storage("made", "example.com/disks"), claim("c", class_="made"), uses("p", "c"), *things)
    named = [c.object.metadata.annotations[SELECTED] for c in decision.commands if SELECTED in c.object.metadata.annotations]
    return named[0] if named else told(decision)[0]


ENOUGH = room("r2", "r2", "5Gi")
NO_ROOM = "0/2 nodes are available: 2 node(s) did not have enough free storage."


@pytest.mark.parametrize(
    ("things", "where"),
    [
        ((driver(), room("r1", "r1", "500Mi"), ENOUGH), "b"),
        ((driver(), room("r1", "r1", None), ENOUGH), "b"),
        ((driver(), room("r1", "r1", "9Gi", most="1Mi"), ENOUGH), "b"),
        ((driver(), room("r1", "r1", "1Mi", most="1Gi")), "a"),
        ((driver(), room("r1", "r1", "9Gi", class_="other"), ENOUGH), "b"),
        ((driver(), room("r1", None, "9Gi"), ENOUGH), "b"),
        ((driver(),), NO_ROOM),
        ((driver(), room("r1", "r1", "1Mi"), room("r2", "r2", "1Mi")), NO_ROOM),
        ((driver(tells=False), room("r1", "r1", "1Mi")), "ab"),
        ((room("r1", "r1", "1Mi"),), "ab"),
    ],
    ids=[
        "least",
        "nothing",
        "largest",
        "only the largest",
        "another class",
        "nowhere",
        "none",
        "too little",
        "untold",
        "no driver",
    ],
)
def test_a_volume_is_made_where_its_driver_has_room(things: tuple[Any, ...], where: str) -> None:
    assert selected(*things) in (where, *where)


def test_what_comes_to_have_room_wakes_who_waits() -> None:
    view = view_of(uses("p", "c"))
    assert woken(scheduler.WAKES, view, ENOUGH) == woken(scheduler.WAKES, view, driver()) == ["pending"]
