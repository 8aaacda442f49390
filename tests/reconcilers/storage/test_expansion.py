"""A claim whose volume has grown, until its node has made the file system larger too."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.storage import expansion
from shipslog.runtime.commands import ExpandVolume
from shipslog.store.commands import Update
from shipslog.store.facts import SandboxStarted, VolumeExpanded, VolumeExpansionFailed
from shipslog.store.objects.types import core_v1
from tests.reconcilers.storage.test_attachments import disk, user
from tests.reconcilers.storage.test_binder import claim
from tests.reconcilers.views import NOW, add, view_of, woken

LARGE = 2 << 30
EXPAND = ExpandVolume(node="n", volume="v", driver="csi.example.com", handle="h", size_bytes=LARGE)


def waiting() -> core_v1.PersistentVolumeClaim:
    made = claim(volume_name="v", phase="Bound")
    condition = core_v1.PersistentVolumeClaimCondition(type="FileSystemResizePending", status="True")
    status = replace(
        made.status, capacity={"storage": "1Gi"}, conditions=(condition,),
        allocated_resource_statuses={"storage": "NodeResizePending"},
    )  # fmt: skip
    return replace(made, status=status)


def large() -> core_v1.PersistentVolume:
    made = disk()
    return replace(made, spec=replace(made.spec, capacity={"storage": "2Gi"}))


def up(pod: core_v1.Pod, node: str = "n") -> SandboxStarted:
    return SandboxStarted(node=node, pod_uid=f"uid-pods-{pod.metadata.name}", sandbox_id="s", ip="10.0.0.1", at_ns=NOW)


def decided(view: MemoryView, now: int = NOW) -> Any:
    return expansion.decide(view, "default/c", now=now)


def test_its_node_is_asked_once_it_has_the_volume() -> None:
    pod = user("a", "n")
    view = view_of(large(), waiting(), pod)
    assert not decided(view).commands, "it is not mounted yet"
    assert woken(expansion.WAKES, view, up(pod)) == ["default/c"]
    assert decided(view).commands == (EXPAND,)


def test_what_has_grown_is_told() -> None:
    pod = user("a", "n")
    view = view_of(large(), waiting(), pod, up(pod))
    told = VolumeExpanded(node="n", volume="v", size_bytes=LARGE)
    assert woken(expansion.WAKES, view, told) == ["default/c"]
    decision = decided(view)
    (update,) = decision.commands
    assert isinstance(update, Update) and update.subresource == "status"
    status = update.object.status
    assert (status.capacity, status.conditions, status.allocated_resource_statuses) == ({"storage": "2Gi"}, (), {})
    assert {(say.reason, say.about.kind) for say in decision.says} == {
        ("FileSystemResizeSuccessful", "Pod"),
        ("FileSystemResizeSuccessful", "PersistentVolumeClaim"),
    }


def test_every_node_that_uses_it_has_to() -> None:
    pods = user("a", "n"), user("b", "m")
    view = view_of(large(), waiting(), *pods, up(pods[0]), up(pods[1], "m"))
    assert sorted(command.node for command in decided(view).commands) == ["m", "n"]
    add(view, VolumeExpanded(node="n", volume="v", size_bytes=LARGE))
    assert [command.node for command in decided(view).commands] == ["m"]


def test_what_fails_is_said_and_tried_again_later() -> None:
    pod = user("a", "n")
    view = view_of(large(), waiting(), pod, up(pod))
    add(view, VolumeExpansionFailed(node="n", volume="v", message="no room", at_ns=NOW))
    decision = decided(view)
    assert not decision.commands and decision.requeue_after == 1.0
    assert [(say.reason, say.about.name) for say in decision.says] == [("VolumeResizeFailed", "a")]
    assert 'NodeExpandVolume failed for volume "v" : no room' in decision.says[0].message
    assert decided(view, NOW + 2 * 10**9).commands == (EXPAND,)


def test_others_are_left_alone() -> None:
    pod = user("a", "n")
    settled = claim(volume_name="v", phase="Bound")
    assert not decided(view_of(large(), settled, pod, up(pod))).commands
    gone = replace(pod, status=replace(pod.status, phase="Succeeded"))
    assert not decided(view_of(large(), waiting(), gone, up(gone))).commands


def test_what_nobody_knows_of_is_not_kept() -> None:
    view = view_of()
    add(view, VolumeExpansionFailed(node="n", volume="v", message="m", at_ns=NOW))
    assert not view.volumes("v"), "there is no such volume"
