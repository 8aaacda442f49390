"""Where pods go that have claims, and what is done for the claims first."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.commands import Bind, Update
from shipslog.store.objects import core_v1
from tests.reconcilers.storage.test_binder import claim, ref, storage_class, volume
from tests.reconcilers.views import BORN, NOW, add, node, pod, view_of, woken

BOUND = {"pv.kubernetes.io/bind-completed": "yes"}
LATE = storage_class("late", "WaitForFirstConsumer")
LOCAL = storage_class("local", "WaitForFirstConsumer", "kubernetes.io/no-provisioner")


def user(name: str = "p", *claims: str, **more: Any) -> core_v1.Pod:
    sources = [core_v1.PersistentVolumeClaimVolumeSource(claim_name=c) for c in claims or ("c",)]
    volumes = tuple(core_v1.Volume(name=f"v{i}", persistent_volume_claim=s) for i, s in enumerate(sources))
    return pod(name, spec=core_v1.PodSpec(volumes=volumes), **more)


def on(host: str, made: core_v1.PersistentVolume) -> core_v1.PersistentVolume:
    """The volume, to be had on one node only."""
    here = core_v1.NodeSelectorRequirement(key="kubernetes.io/hostname", operator="In", values=(host,))
    affinity = core_v1.NodeSelector(node_selector_terms=(core_v1.NodeSelectorTerm(match_expressions=(here,)),))
    return replace(made, spec=replace(made.spec, node_affinity=core_v1.VolumeNodeAffinity(required=affinity)))


def host(name: str, **more: Any) -> core_v1.Node:
    return node(name, labels={"kubernetes.io/hostname": name}, **more)


def decided(view: MemoryView) -> Decision:
    return scheduler.decide(view, scheduler.KEY, now=NOW)


def said(view: MemoryView) -> str:
    (say,) = decided(view).says
    assert say.reason == "FailedScheduling"
    return say.message


def bound_to(name: str, **more: Any) -> Any:
    return claim(volume_name=name, annotations=BOUND, phase="Bound", **more)


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ((), 'persistentvolumeclaim "c" not found'),
        ((claim(),), "pod has unbound immediate PersistentVolumeClaims"),
        ((storage_class("soon"), claim(storage_class_name="soon")), "pod has unbound immediate PersistentVolumeClaims"),
        ((LATE, claim(storage_class_name="late", volume_name="x")), "pod has unbound immediate PersistentVolumeClaims"),
        ((bound_to("v", deletion_timestamp=BORN),), 'persistentvolumeclaim "c" is being deleted'),
        (
            (claim(volume_name="v", annotations=BOUND, phase="Lost"),),
            'persistentvolumeclaim "c" bound to non-existent persistentvolume "v"',
        ),
        ((bound_to("v"),), "2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"),
        ((bound_to("v"), on("elsewhere", volume("v", claim_ref=ref()))), "2 node(s) had volume node affinity conflict"),
        ((LOCAL, claim(storage_class_name="local")), "2 node(s) didn't find available persistent volumes to bind"),
        (
            (
                LATE,
                claim(storage_class_name="late", annotations={"volume.kubernetes.io/selected-node": "gone"}),
            ),
            "2 node(s) didn't find available persistent volumes to bind",
        ),
        (
            (
                bound_to("v", modes=("ReadWriteOncePod",)),
                volume("v", claim_ref=ref()),
                user("other", node="n"),
            ),
            "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
        ),
    ],
)
def test_why_a_pod_waits(there: tuple[Any, ...], why: str) -> None:
    assert said(view_of(host("m"), host("n"), *there, user())).startswith(f"0/2 nodes are available: {why}.")


def test_a_pod_goes_where_its_volume_is() -> None:
    for where in ("m", "n"):
        view = view_of(host("m"), host("n"), bound_to("v"), on(where, volume("v", claim_ref=ref())), user())
        (bind,) = decided(view).commands
        assert isinstance(bind, Bind) and bind.node == where


def test_a_node_that_is_full_says_so_first() -> None:
    view = view_of(host("m"), host("n", cpu="1m"), bound_to("v"), on("n", volume("v", claim_ref=ref())), user(cpu="1"))
    why = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had volume node affinity conflict."
    assert said(view) == f"{why} preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."


def test_the_node_is_written_into_a_claim_that_waits_and_the_pod_follows_when_it_is_bound() -> None:
    view = view_of(LATE, host("n"), claim(storage_class_name="late"), user())
    (chosen,) = decided(view).commands
    assert isinstance(chosen, Update)
    assert chosen.object.metadata.annotations == {"volume.kubernetes.io/selected-node": "n"}
    assert woken(scheduler.WAKES, view, chosen.object) == [scheduler.KEY]
    assert not decided(view).commands and not decided(view).says, "its provisioner is at work"
    add(view, on("n", volume("v", storage_class_name="late", claim_ref=ref())))
    assert not decided(view).commands, "the binder is at work"
    add(view, bound_to("v", storage_class_name="late"))
    (bind,) = decided(view).commands
    assert isinstance(bind, Bind) and bind.node == "n"


def test_one_that_is_being_made_keeps_its_place_for_its_pod() -> None:
    selected = {"volume.kubernetes.io/selected-node": "n"}
    view = view_of(
        LATE, host("n", cpu="1"), claim(storage_class_name="late", annotations=selected), user(cpu="1"), pod("q", cpu="1")
    )
    decision = decided(view)
    assert not any(isinstance(command, Bind) for command in decision.commands)
    (told,) = decision.says
    assert told.message.startswith("0/1 nodes are available: 1 Insufficient cpu.") and told.about.name == "q"


def test_a_free_volume_near_is_taken_the_smallest_and_each_once() -> None:
    free = [
        on("n", volume(name, size, storage_class_name="local")) for name, size in (("a", "9Gi"), ("b", "2Gi"), ("d", "3Gi"))
    ]
    claims = (claim("c", "1Gi", storage_class_name="local"), claim("e", "1Gi", storage_class_name="local"))
    view = view_of(LOCAL, host("m"), host("n"), *free, *claims, user("p", "c", "e"))
    commands = decided(view).commands
    given = {c.object.metadata.name: c.object.spec.claim_ref.name for c in commands if isinstance(c, Update)}
    assert given == {"b": "c", "d": "e"}
    assert all(c.object.metadata.annotations == {"pv.kubernetes.io/bound-by-controller": "yes"} for c in commands)  # type: ignore[union-attr]


def test_pods_that_share_a_claim_that_waits_choose_once() -> None:
    view = view_of(LATE, host("m"), host("n"), claim(storage_class_name="late"), user("p"), user("q"))
    assert len(decided(view).commands) == 1


def test_volumes_and_classes_wake_it_only_when_a_pod_with_claims_waits() -> None:
    view = view_of(host("n", cpu="0"), pod("p", cpu="1"))
    assert woken(scheduler.WAKES, view, volume("v")) == woken(scheduler.WAKES, view, claim()) == []
    add(view, user("u"))
    assert woken(scheduler.WAKES, view, volume("w")) == woken(scheduler.WAKES, view, claim()) == [scheduler.KEY]
