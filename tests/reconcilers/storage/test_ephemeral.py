"""Ephemeral volumes have claims of their pods' own."""

from shipslog.reconcilers.storage import ephemeral
from shipslog.store.commands import Create
from shipslog.store.objects.types import core_v1, meta_v1
from tests.reconcilers.storage.test_binder import claim
from tests.reconcilers.views import BORN, NOW, add, controlled_by, pod, view_of, woken, woken_by_end


def one(**more: object) -> core_v1.Pod:
    template = core_v1.PersistentVolumeClaimTemplate(
        metadata=meta_v1.ObjectMeta(labels={"a": "b"}), spec=claim(storage_class_name="x").spec
    )
    source = core_v1.EphemeralVolumeSource(volume_claim_template=template)
    volumes = (core_v1.Volume(name="scratch", ephemeral=source), core_v1.Volume(name="tmp"))
    return pod("web", spec=core_v1.PodSpec(volumes=volumes), **more)  # type: ignore[arg-type]


def test_a_pod_gets_its_claim_once() -> None:
    view = view_of(one())
    decision = ephemeral.decide(view, "default/web", now=NOW)
    (create,) = decision.commands
    assert isinstance(create, Create)
    made = create.object
    assert made.metadata.name == "web-scratch" and made.metadata.labels == {"a": "b"} and made.spec.storage_class_name == "x"
    assert made.metadata.owner_references[0].uid == "uid-pods-web" and made.metadata.owner_references[0].controller
    add(view, made)
    assert ephemeral.decide(view, "default/web", now=NOW).reason == "it has its claims"


def test_another_s_claim_is_not_taken() -> None:
    decision = ephemeral.decide(view_of(one(), claim("web-scratch")), "default/web", now=NOW)
    assert not decision.commands and decision.requeue_after
    assert "was not created for pod default/web (pod is not owner)" in decision.says[0].message


def test_pods_that_end_get_none() -> None:
    for pod_ in (one(phase="Succeeded"), one(deletion_timestamp=BORN)):
        assert not ephemeral.decide(view_of(pod_), "default/web", now=NOW).commands


def test_what_wakes_it() -> None:
    view = view_of()
    assert woken(ephemeral.WAKES, view, one()) == ["default/web"] and woken(ephemeral.WAKES, view, pod("other")) == []
    held = claim("web-scratch", owner_references=controlled_by(one()))
    assert woken(ephemeral.WAKES, view, held) == []
    assert woken_by_end(ephemeral.WAKES, view, held) == ["default/web"]
