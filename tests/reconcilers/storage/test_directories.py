"""Directories for claims: made where the pod goes, given back when the claim goes, grown, emptied."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.storage import binder, directories, reclaim
from shipslog.runtime.commands import MakeVolume, RemoveVolume, ScrubVolume
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.facts import VolumeMade, VolumeOperationFailed, VolumeRemoved, VolumeScrubbed
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.volume_claims import DIRECTORIES
from tests.reconcilers.storage.test_binder import claim, held, kept, ref, storage_class, volume
from tests.reconcilers.views import BORN, NOW, add, node, observed, pod, view_of, woken_by_end

NAME = "pvc-uid-persistentvolumeclaims-c"
ASKED = {"volume.kubernetes.io/storage-provisioner": DIRECTORIES}
CHOSEN = {**ASKED, "volume.kubernetes.io/selected-node": "n"}
LATE = storage_class("late", "WaitForFirstConsumer", DIRECTORIES)
SOON = storage_class("soon", "Immediate", DIRECTORIES)
MADE = VolumeMade(node="n", volume=NAME, path=f"/volumes/{NAME}")
FAILED = VolumeOperationFailed(node="n", volume=NAME, message="no space left", at_ns=NOW)
OURS = {"pv.kubernetes.io/provisioned-by": DIRECTORIES}


def late(**more: Any) -> Any:
    return claim(storage_class_name="late", annotations=more.pop("annotations", CHOSEN), **more)


def decided(view: MemoryView, now: int = NOW) -> Decision:
    return directories.decide(view, "default/c", now=now)


def reclaimed(view: MemoryView, name: str = NAME, now: int = NOW) -> Decision:
    return reclaim.decide(view, name, now=now)


def test_the_directory_first_then_the_volume() -> None:
    view = view_of(LATE, late(), node("n", labels={"kubernetes.io/hostname": "host"}))
    first = decided(view)
    assert first.commands == (MakeVolume(node="n", volume=NAME),) and first.says[0].reason == "Provisioning"
    add(view, MADE)
    second = decided(view)
    (create,) = second.commands
    assert isinstance(create, Create) and second.says[0].message == f"Successfully provisioned volume {NAME}"
    made: core_v1.PersistentVolume = create.object
    assert made.metadata.name == NAME and made.metadata.annotations == OURS
    assert made.spec.local == core_v1.LocalVolumeSource(path=f"/volumes/{NAME}")
    assert made.spec.claim_ref is not None and made.spec.claim_ref.uid == held(view).metadata.uid
    assert made.spec.persistent_volume_reclaim_policy == "Delete" and made.spec.capacity == {"storage": "1Gi"}
    affinity = made.spec.node_affinity
    assert affinity is not None and affinity.required is not None
    assert affinity.required.node_selector_terms[0].match_expressions[0].values == ("host",)
    add(view, made)
    assert not decided(view).commands
    step = binder.decide(view, "claim/default/c", now=NOW).commands[0]
    assert isinstance(step, Update) and step.object.spec.volume_name == NAME


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ((LATE, late(annotations=ASKED)), "no node is chosen yet"),
        ((LATE, late(annotations={})), "nobody asked for a directory"),
        ((storage_class("late", "Immediate"), late()), "nobody asked for a directory"),
        ((SOON, claim(storage_class_name="soon", annotations=ASKED), node("n", ready=False)), "no node can take it"),
        ((LATE, late(volume_mode="Block"), node("n")), "directories are no block devices"),
        ((LATE, late(deletion_timestamp=BORN), node("n")), "there is no such claim, or it goes"),
    ],
)
def test_when_nothing_is_made(there: tuple[Any, ...], why: str) -> None:
    decision = decided(view_of(*there))
    assert not decision.commands and decision.reason.startswith(why)


def test_a_claim_that_does_not_wait_gets_a_node_and_keeps_it() -> None:
    view = view_of(SOON, claim(storage_class_name="soon", annotations=ASKED), node("n"), node("m"), node("o", ready=False))
    (make,) = decided(view).commands
    assert isinstance(make, MakeVolume) and make.node in ("m", "n")
    add(view, replace(MADE, node=make.node), node("a"), node("b"), node("c"))
    (create,) = decided(view).commands
    assert isinstance(create, Create)


def test_a_class_says_where() -> None:
    term = core_v1.TopologySelectorLabelRequirement(key="zone", values=("a",))
    found = replace(SOON, allowed_topologies=(core_v1.TopologySelectorTerm(match_label_expressions=(term,)),))
    view = view_of(found, claim(storage_class_name="soon", annotations=ASKED), node("n"), node("m", labels={"zone": "a"}))
    assert decided(view).commands == (MakeVolume(node="m", volume=NAME),)


def test_a_node_that_is_gone_is_chosen_anew() -> None:
    decision = decided(view_of(LATE, late()))
    (update,) = decision.commands
    assert isinstance(update, Update) and "volume.kubernetes.io/selected-node" not in update.object.metadata.annotations
    assert decision.says[0].reason == "ProvisioningFailed" and 'nodes "n" not found' in decision.says[0].message


def test_a_node_that_does_not_answer_is_chosen_anew_unless_it_has_the_directory() -> None:
    view = view_of(LATE, late(), node("n", ready=False))
    (update,) = decided(view).commands
    assert isinstance(update, Update) and "volume.kubernetes.io/selected-node" not in update.object.metadata.annotations
    add(view, MADE)
    (create,) = decided(view).commands
    assert isinstance(create, Create)


def test_what_fails_is_said_and_tried_again_later_each_time() -> None:
    view = view_of(LATE, late(), node("n"), FAILED)
    decision = decided(view)
    assert not decision.commands and decision.requeue_after == 1.0
    assert decision.says[0].message == 'failed to provision volume with StorageClass "late": no space left'
    assert decided(view, NOW + 1_000_000_000).commands == (MakeVolume(node="n", volume=NAME),)
    add(view, FAILED, FAILED)
    assert decided(view).requeue_after == 4.0


# --- giving back ---


def released(**more: Any) -> core_v1.PersistentVolume:
    made = volume(NAME, phase="Released", claim_ref=ref(), policy="Delete", annotations=OURS, **more)
    return replace(made, spec=replace(made.spec, local=core_v1.LocalVolumeSource(path=f"/volumes/{NAME}")))


HOLD = ("external-provisioner.volume.kubernetes.io/finalizer",)


def test_a_released_volume_goes_with_its_directory() -> None:
    view = view_of(released(finalizers=HOLD), MADE)
    assert reclaimed(view).commands == (RemoveVolume(node="n", volume=NAME),)
    add(view, VolumeRemoved(node="n", volume=NAME))
    (update,) = reclaimed(view).commands
    assert isinstance(update, Update) and not update.object.metadata.finalizers
    add(view, update.object)
    (gone,) = reclaimed(view).commands
    assert isinstance(gone, Delete) and (gone.resource, gone.name) == ("persistentvolumes", NAME)


def test_one_that_cannot_be_removed_has_failed_and_is_tried_again() -> None:
    view = view_of(released(), MADE, FAILED)
    decision = reclaimed(view)
    (update,) = decision.commands
    assert isinstance(update, Update) and decision.requeue_after == 1.0
    assert (update.object.status.phase, update.object.status.message) == ("Failed", "no space left")
    assert [say.reason for say in decision.says] == ["VolumeFailedDelete"]
    add(view, update.object)
    assert reclaimed(view, now=NOW + 2_000_000_000).commands == (RemoveVolume(node="n", volume=NAME),)


def test_a_directory_whose_claim_went_before_its_volume_came_is_removed() -> None:
    view = view_of(LATE, late(), MADE)
    assert not reclaimed(view).commands, "its claim waits for it"
    add(view, late(annotations={**CHOSEN, "volume.kubernetes.io/selected-node": "m"}))
    assert reclaimed(view).commands == (RemoveVolume(node="n", volume=NAME),), "its claim went to another node"
    add(view, late(deletion_timestamp=BORN))
    assert reclaimed(view).commands == (RemoveVolume(node="n", volume=NAME),)


def test_a_volume_that_people_delete_leaves_its_directory() -> None:
    view = view_of(replace(released(), spec=replace(released().spec, persistent_volume_reclaim_policy="Retain")), MADE)
    assert not reclaimed(view).commands
    woken_by_end(reclaim.WAKES, view, released())
    assert not view.volumes(NAME) and not reclaimed(view).commands


@pytest.mark.parametrize(
    ("policy", "notes", "phase"),
    [("Retain", {}, None), ("Delete", {"pv.kubernetes.io/provisioned-by": "x"}, None), ("Delete", {}, "Failed")],
)
def test_volumes_of_others(policy: str, notes: dict[str, str], phase: str | None) -> None:
    decision = reclaimed(view_of(volume("v", phase="Released", claim_ref=ref(), policy=policy, annotations=notes)), "v")
    found = [c.object.status.phase for c in decision.commands if isinstance(c, Update)]
    assert found == ([phase] if phase else [])


# --- Recycle ---


def recycled(**more: Any) -> core_v1.PersistentVolume:
    made = volume("v", phase="Released", claim_ref=ref(uid="gone"), policy="Recycle", **more)
    return replace(made, spec=replace(made.spec, host_path=core_v1.HostPathVolumeSource(path="/data/v")))


def test_a_volume_is_emptied_and_free_again() -> None:
    note = {"pv.kubernetes.io/bound-by-controller": "yes"}
    view = view_of(recycled(annotations=note), node("n"), observed("n"))
    scrub = ScrubVolume(node="n", volume="v", path="/data/v", claim_uid="gone")
    assert reclaimed(view, "v").commands == (scrub,)
    add(view, VolumeScrubbed(node="n", volume="v", claim_uid="another"))
    assert reclaimed(view, "v").commands == (scrub,), "that was for a claim before"
    add(view, VolumeScrubbed(node="n", volume="v", claim_uid="gone"))
    decision = reclaimed(view, "v")
    (update,) = decision.commands
    assert isinstance(update, Update) and update.object.spec.claim_ref is None and not update.object.metadata.annotations
    assert decision.says[0].reason == "VolumeRecycled"
    add(view, update.object)
    phase = binder.decide(view, "volume/v", now=NOW).commands[0]
    assert isinstance(phase, Update) and phase.object.status.phase == "Available"


def test_it_is_not_emptied_under_a_pod() -> None:
    source = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    user = pod("p", node="n", spec=core_v1.PodSpec(volumes=(core_v1.Volume(name="d", persistent_volume_claim=source),)))
    decision = reclaimed(view_of(recycled(), node("n"), observed("n"), user), "v")
    assert not decision.commands and decision.says[0].message == "Volume is used by pods: default/p"


def test_what_cannot_be_emptied_has_failed() -> None:
    bare = replace(recycled(), spec=replace(recycled().spec, host_path=None))
    (update,) = reclaimed(view_of(bare, node("n"), observed("n")), "v").commands
    assert isinstance(update, Update) and update.object.status.phase == "Failed"


# --- growing ---


def test_a_claim_grows_with_its_volume() -> None:
    bound = {"pv.kubernetes.io/bind-completed": "yes"}
    grown = claim(size="5Gi", volume_name=NAME, annotations=bound, phase="Bound")
    view = view_of(replace(grown, status=replace(grown.status, capacity={"storage": "1Gi"})))
    add(view, volume(NAME, phase="Bound", claim_ref=ref(), annotations=OURS))
    seen = []
    for _ in range(5):
        decision = decided(view)
        if not decision.commands:
            break
        (update,) = decision.commands
        assert isinstance(update, Update)
        seen += [say.reason for say in decision.says]
        add(view, update.object)
        if not seen[1:]:
            assert [c.type for c in held(view).status.conditions] == ["Resizing"]
            assert held(view).status.allocated_resource_statuses == {"storage": "ControllerResizeInProgress"}
    assert seen == ["Resizing", "VolumeResizeSuccessful"]
    assert kept(view, NAME).spec.capacity == {"storage": "5Gi"} and held(view).status.capacity == {"storage": "5Gi"}
    assert not held(view).status.conditions and held(view).status.allocated_resources == {"storage": "5Gi"}


def test_volumes_of_others_grow_by_others() -> None:
    grown = claim(size="5Gi", volume_name="v", phase="Bound")
    assert not decided(view_of(grown, volume("v", phase="Bound", claim_ref=ref()))).commands
