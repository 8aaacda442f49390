"""Volumes of CSI drivers are attached where pods use them."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.storage import attachments
from shipslog.store.commands import Create, Delete
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from tests.reconcilers.storage.test_binder import claim, ref, volume
from tests.reconcilers.views import BORN, NOW, add, pod, view_of, woken, woken_by_end


def disk(*modes: str) -> core_v1.PersistentVolume:
    made = volume("v", phase="Bound", claim_ref=ref(), modes=modes or ("ReadWriteOnce",))
    source = core_v1.CSIPersistentVolumeSource(driver="csi.example.com", volume_handle="h")
    return replace(made, spec=replace(made.spec, csi=source))


def user(name: str, node: str, **more: Any) -> core_v1.Pod:
    source = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    return pod(
        name, node=node, spec=core_v1.PodSpec(volumes=(core_v1.Volume(name="d", persistent_volume_claim=source),)), **more
    )


BOUND = claim(volume_name="v", phase="Bound")


def decided(view: MemoryView) -> Any:
    return attachments.decide(view, "v", now=NOW)


def test_one_for_each_node_and_its_end_when_nobody_is_left() -> None:
    view = view_of(disk(), BOUND, user("a", "n"), user("b", "n"))
    (create,) = decided(view).commands
    assert isinstance(create, Create)
    made: storage_v1.VolumeAttachment = create.object
    assert made.metadata.name.startswith("csi-") and len(made.metadata.name) == 68
    assert (made.spec.attacher, made.spec.node_name, made.spec.source.persistent_volume_name) == ("csi.example.com", "n", "v")
    add(view, made)
    assert not decided(view).commands and not decided(view).says
    add(view, replace(made, status=replace(made.status, attached=True)))
    assert [(say.reason, say.about.name) for say in decided(view).says] == [
        ("SuccessfulAttachVolume", "a"),
        ("SuccessfulAttachVolume", "b"),
    ]
    assert woken_by_end(attachments.WAKES, view, user("a", "n")) == ["v"]
    assert not decided(view).commands
    assert woken(attachments.WAKES, view, user("b", "n", phase="Succeeded")) == ["v"]
    (gone,) = decided(view).commands
    assert isinstance(gone, Delete) and gone.name == made.metadata.name


def test_what_people_attach_is_theirs() -> None:
    what = storage_v1.VolumeAttachmentSource(persistent_volume_name="v")
    spec = storage_v1.VolumeAttachmentSpec(attacher="csi.example.com", node_name="n", source=what)
    view = view_of(storage_v1.VolumeAttachment(metadata=ObjectMeta(name="mine"), spec=spec))
    assert not decided(view).commands
    add(view, disk(), BOUND)
    assert not decided(view).commands


def test_one_disk_is_on_one_node_at_a_time() -> None:
    view = view_of(
        disk(), BOUND, user("a", "n", creation_timestamp=BORN), user("b", "m", creation_timestamp="2027-01-15T08:00:01Z")
    )
    decision = decided(view)
    assert [c.object.spec.node_name for c in decision.commands] == ["n"]
    assert [(say.reason, say.about.name) for say in decision.says] == [("FailedAttachVolume", "b")]
    assert "Multi-Attach error" in decision.says[0].message
    add(view, decision.commands[0].object)
    woken_by_end(attachments.WAKES, view, user("a", "n"))
    (gone,) = decided(view).commands
    assert isinstance(gone, Delete), "strictly before it is attached anywhere else"
    many = view_of(disk("ReadWriteMany"), BOUND, user("a", "n"), user("b", "m"))
    assert sorted(c.object.spec.node_name for c in decided(many).commands) == ["m", "n"]


def test_drivers_that_attach_nothing_and_volumes_of_other_kinds() -> None:
    spec = storage_v1.CSIDriverSpec(attach_required=False)
    driver = storage_v1.CSIDriver(metadata=ObjectMeta(name="csi.example.com"), spec=spec)
    assert not decided(view_of(driver, disk(), BOUND, user("a", "n"))).commands
    assert not decided(view_of(volume("v", claim_ref=ref()), BOUND, user("a", "n"))).commands
