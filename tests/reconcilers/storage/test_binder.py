"""Claims and volumes find each other, as Kubernetes' persistent volume controller would have it."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.storage import binder, matching
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from tests.reconcilers.views import NOW, add, meta, pod, view_of, woken

WAITS = "WaitForFirstConsumer"


def claim(name: str = "c", size: str = "1Gi", *, modes: tuple[str, ...] = ("ReadWriteOnce",), **more: Any) -> Any:
    spec = {k: more.pop(k) for k in ("volume_name", "storage_class_name", "selector", "volume_mode") if k in more}
    asked = core_v1.VolumeResourceRequirements(requests={"storage": size})
    phase = more.pop("phase", "Pending")
    return core_v1.PersistentVolumeClaim(
        metadata=meta(name, **more), spec=core_v1.PersistentVolumeClaimSpec(access_modes=modes, resources=asked, **spec),
        status=core_v1.PersistentVolumeClaimStatus(phase=phase),
    )  # fmt: skip


def volume(
    name: str, size: str = "1Gi", *, modes: tuple[str, ...] = ("ReadWriteOnce",), phase: str = "Available", **more: Any
) -> core_v1.PersistentVolume:
    spec = {k: more.pop(k) for k in ("claim_ref", "storage_class_name", "volume_mode") if k in more}
    spec["persistent_volume_reclaim_policy"] = more.pop("policy", "Retain")
    return core_v1.PersistentVolume(
        metadata=meta_v1.ObjectMeta(name=name, **more),
        spec=core_v1.PersistentVolumeSpec(capacity={"storage": size}, access_modes=modes, **spec),
        status=core_v1.PersistentVolumeStatus(phase=phase),
    )  # fmt: skip


def storage_class(name: str, mode: str = "Immediate", provisioner: str = "example.com/disk", **more: Any) -> Any:
    return storage_v1.StorageClass(
        metadata=meta_v1.ObjectMeta(name=name, **more), provisioner=provisioner, volume_binding_mode=mode
    )


def ref(name: str = "c", uid: str = "uid-persistentvolumeclaims-c") -> core_v1.ObjectReference:
    return core_v1.ObjectReference(kind="PersistentVolumeClaim", namespace="default", name=name, uid=uid)


def decided(view: MemoryView, key: str) -> Decision:
    return binder.decide(view, key, now=NOW)


def settle(view: MemoryView, *keys: str) -> None:
    """Decide the keys in turn until nobody has anything to do."""
    for _ in range(20):
        commands = [command for key in keys for command in decided(view, key).commands[:1]]
        if not commands:
            return
        assert isinstance(commands[0], Update)
        add(view, commands[0].object)
    raise AssertionError("it does not come to rest")


def held(view: MemoryView, name: str = "c") -> core_v1.PersistentVolumeClaim:
    found = view.get(core_v1.PersistentVolumeClaim, name, "default")
    assert found is not None
    return found


def kept(view: MemoryView, name: str) -> core_v1.PersistentVolume:
    found = view.get(core_v1.PersistentVolume, name)
    assert found is not None
    return found


def test_a_claim_and_a_volume_are_bound_in_steps_each_to_the_other() -> None:
    view = view_of(claim(), volume("v", phase="Pending"))
    settle(view, "volume/v", "claim/default/c")
    found, taken = held(view), kept(view, "v")
    assert found.spec.volume_name == "v" and found.status.phase == "Bound"
    assert found.status.capacity == {"storage": "1Gi"} and found.status.access_modes == ("ReadWriteOnce",)
    assert found.metadata.annotations == {
        "pv.kubernetes.io/bind-completed": "yes",
        "pv.kubernetes.io/bound-by-controller": "yes",
    }
    assert taken.status.phase == "Bound" and taken.metadata.annotations == {"pv.kubernetes.io/bound-by-controller": "yes"}
    bound = taken.spec.claim_ref
    assert bound is not None and (bound.kind, bound.name, bound.uid) == ("PersistentVolumeClaim", "c", found.metadata.uid)


@pytest.mark.parametrize(
    ("wants", "there", "gets"),
    [
        (claim(size="2Gi"), (volume("a", "1Gi"), volume("b", "9Gi"), volume("d", "3Gi")), "d"),
        (claim(size="2Gi"), (volume("a", "1Gi"),), None),
        (claim(), (volume("a", "1Gi", modes=("ReadWriteOnce", "ReadOnlyMany")), volume("b", "5Gi")), "b"),
        (claim(modes=("ReadWriteMany",)), (volume("a"), volume("b", modes=("ReadWriteOnce", "ReadWriteMany"))), "b"),
        (claim(storage_class_name="fast"), (volume("a"), volume("b", storage_class_name="fast")), "b"),
        (claim(), (volume("a", storage_class_name="fast"),), None),
        (claim(volume_mode="Block"), (volume("a"), volume("b", volume_mode="Block")), "b"),
        (claim(), (volume("a", phase="Pending"),), None),
        (claim(), (volume("a", phase="Released", claim_ref=ref(uid="another")),), None),
        (claim(), (volume("a"), volume("b", "7Gi", claim_ref=ref(uid=""))), "b"),
        (claim(size="8Gi"), (volume("a", "9Gi"), volume("b", "7Gi", claim_ref=ref(uid=""))), "a"),
        (claim(), (volume("a", claim_ref=ref("other", uid="")),), None),
        (claim(), (volume("a", deletion_timestamp="2027-01-15T08:00:00Z"),), None),
        (
            claim(selector=meta_v1.LabelSelector(match_labels={"disk": "ssd"})),
            (volume("a"), volume("b", "5Gi", labels={"disk": "ssd"})),
            "b",
        ),
    ],
)
def test_which_volume_a_claim_gets(wants: Any, there: tuple[Any, ...], gets: str | None) -> None:
    view = view_of(wants, *there)
    found = matching.best_match(view, held(view))
    assert (found.metadata.name if found is not None else None) == gets


def test_one_that_is_kept_for_a_claim_is_not_marked_as_bound_by_the_controller() -> None:
    view = view_of(claim(), volume("v", claim_ref=ref(uid="")))
    settle(view, "volume/v", "claim/default/c")
    assert not kept(view, "v").metadata.annotations and held(view).status.phase == "Bound"


def test_a_claim_that_names_its_volume() -> None:
    view = view_of(claim(volume_name="v", phase=""))
    first = decided(view, "claim/default/c").commands[0]
    assert isinstance(first, Update) and first.object.status.phase == "Pending"
    add(view, first.object, volume("v"))
    settle(view, "volume/v", "claim/default/c")
    assert held(view).metadata.annotations == {"pv.kubernetes.io/bind-completed": "yes"}, "the name was given by a person"


@pytest.mark.parametrize(
    ("there", "reason", "words"),
    [
        (volume("v", "1Mi"), "VolumeMismatch", 'Cannot bind to requested volume "v": requested PV is too small'),
        (volume("v", storage_class_name="x"), "VolumeMismatch", "storageClassName does not match"),
        (volume("v", volume_mode="Block"), "VolumeMismatch", "incompatible volumeMode"),
        (volume("v", modes=("ReadOnlyMany",)), "VolumeMismatch", "incompatible accessMode"),
        (volume("v", claim_ref=ref("other", "u")), "FailedBinding", 'volume "v" already bound to a different claim.'),
    ],
)
def test_a_named_volume_that_does_not_do(there: core_v1.PersistentVolume, reason: str, words: str) -> None:
    decision = decided(view_of(claim(volume_name="v"), there), "claim/default/c")
    assert not decision.commands and [s.reason for s in decision.says] == [reason] and words in decision.says[0].message


BOUND = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}, "phase": "Bound"}


@pytest.mark.parametrize(
    ("wants", "there", "reason"),
    [
        (claim(**BOUND), (), "ClaimLost"),
        (claim(volume_name="v", **BOUND), (), "ClaimLost"),
        (claim(volume_name="v", **BOUND), (volume("v", claim_ref=ref("other", "u")),), "ClaimMisbound"),
        (claim(volume_name="v", **BOUND), (volume("v", claim_ref=ref(uid="an older one")),), "ClaimMisbound"),
    ],
)
def test_a_bound_claim_without_its_volume_is_lost(wants: Any, there: tuple[Any, ...], reason: str) -> None:
    view = view_of(wants, *there)
    decision = decided(view, "claim/default/c")
    assert [say.reason for say in decision.says] == [reason]
    add(view, decision.commands[0].object)  # type: ignore[union-attr]
    assert held(view).status.phase == "Lost" and not decided(view, "claim/default/c").commands


def test_a_volume_whose_claim_is_gone_is_released_and_stays_so() -> None:
    view = view_of(volume("v", phase="Bound", claim_ref=ref(uid="gone")))
    settle(view, "volume/v")
    assert kept(view, "v").status.phase == "Released"
    add(view, claim())  # of the same name, another one
    settle(view, "volume/v", "claim/default/c")
    assert kept(view, "v").status.phase == "Released" and not held(view).spec.volume_name


def test_a_volume_whose_claim_took_another() -> None:
    view = view_of(claim(volume_name="w", **BOUND), volume("w", claim_ref=ref()))
    add(view, volume("v", claim_ref=ref(), annotations={"pv.kubernetes.io/bound-by-controller": "yes"}))
    settle(view, "volume/v")
    assert kept(view, "v").spec.claim_ref is None and not kept(view, "v").metadata.annotations
    add(view, volume("k", claim_ref=ref()))
    settle(view, "volume/k")
    still = kept(view, "k").spec.claim_ref
    assert still is not None and still.name == "c" and not still.uid, "a person keeps it for a claim of that name"
    add(view, volume("p", claim_ref=ref(), policy="Delete", annotations={"pv.kubernetes.io/provisioned-by": "x"}))
    settle(view, "volume/p")
    assert kept(view, "p").status.phase == "Released"


def test_who_is_asked_for_a_volume() -> None:
    view = view_of(storage_class("disk"), claim(storage_class_name="disk"))
    settle(view, "claim/default/c")
    notes = held(view).metadata.annotations
    assert notes["volume.kubernetes.io/storage-provisioner"] == "example.com/disk"
    assert notes["volume.beta.kubernetes.io/storage-provisioner"] == "example.com/disk"
    assert [say.reason for say in decided(view, "claim/default/c").says] == ["ExternalProvisioning"]


@pytest.mark.parametrize(
    ("there", "wants", "reason", "words"),
    [
        ((), claim(storage_class_name=""), "FailedBinding", "no persistent volumes available for this claim"),
        ((), claim(storage_class_name="x"), "ProvisioningFailed", 'storageclass.storage.k8s.io "x" not found'),
        (
            (storage_class("local", provisioner="kubernetes.io/no-provisioner"),),
            claim(storage_class_name="local"),
            "ProvisioningFailed",
            "no volume plugin matched",
        ),
        (
            (storage_class("late", WAITS),),
            claim(storage_class_name="late"),
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
        ),
    ],
)
def test_why_it_waits(there: tuple[Any, ...], wants: Any, reason: str, words: str) -> None:
    decision = decided(view_of(*there, wants), "claim/default/c")
    assert [say.reason for say in decision.says] == [reason] and words in decision.says[0].message
    assert not decision.commands


def test_one_that_waits_for_its_pod_takes_no_free_volume_and_says_which_pod() -> None:
    view = view_of(storage_class("late", WAITS), claim(storage_class_name="late"), volume("v", storage_class_name="late"))
    source = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    spec = core_v1.PodSpec(volumes=(core_v1.Volume(name="d", persistent_volume_claim=source),))
    assert woken(binder.WAKES, view, pod("web", spec=spec)) == ["claim/default/c"]
    decision = decided(view, "claim/default/c")
    assert not decision.commands and decision.says[0].message == "waiting for pod web to be scheduled"
    where = {"volume.kubernetes.io/selected-node": "n"}
    add(view, claim(storage_class_name="late", annotations=where))
    settle(view, "claim/default/c")
    assert "volume.kubernetes.io/storage-provisioner" in held(view).metadata.annotations, "its node is known: it can be made"


def test_a_claim_without_a_class_is_given_the_default_one_when_there_is_one() -> None:
    view = view_of(claim())
    assert not decided(view, "claim/default/c").commands
    mark = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert woken(binder.WAKES, view, storage_class("disk", annotations=mark)) == ["claim/default/c"]
    update = decided(view, "claim/default/c").commands[0]
    assert isinstance(update, Update) and update.object.spec.storage_class_name == "disk"


def test_what_grows_later_is_not_told_before_it_has_grown() -> None:
    view = view_of(claim(), volume("v"))
    settle(view, "volume/v", "claim/default/c")
    add(view, replace(kept(view, "v"), spec=replace(kept(view, "v").spec, capacity={"storage": "5Gi"})))
    settle(view, "volume/v", "claim/default/c")
    assert held(view).status.capacity == {"storage": "1Gi"}


def test_a_free_volume_wakes_the_claims_that_it_would_do_for() -> None:
    view = view_of(claim(), claim("big", "9Gi"), claim("other", storage_class_name="x"))
    assert woken(binder.WAKES, view, volume("v")) == ["volume/v", "claim/default/c"]
