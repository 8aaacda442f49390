"""What is used is not taken away."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.storage import protection
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from tests.reconcilers.storage.test_binder import claim, volume
from tests.reconcilers.views import NOW, controlled_by, pod, view_of, woken_by_end

GOES = "2027-01-15T08:00:00Z"
HELD, HELD_VOLUME = ("kubernetes.io/pvc-protection",), ("kubernetes.io/pv-protection",)
CLASS = ("kubernetes.io/vac-protection",)


def attributes(**meta: Any) -> storage_v1.VolumeAttributesClass:
    return storage_v1.VolumeAttributesClass(metadata=meta_v1.ObjectMeta(name="gold", uid="g", **meta), driver_name="d")


def of_class(obj: Any, name: str) -> Any:
    return replace(obj, spec=replace(obj.spec, volume_attributes_class_name=name))


def had(obj: Any) -> Any:
    return replace(obj, status=replace(obj.status, current_volume_attributes_class_name="gold"))


def user(name: str, **more: Any) -> core_v1.Pod:
    source = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    return pod(name, spec=core_v1.PodSpec(volumes=(core_v1.Volume(name="d", persistent_volume_claim=source),)), **more)


def ephemeral(name: str, **more: Any) -> core_v1.Pod:
    return pod(
        name, spec=core_v1.PodSpec(volumes=(core_v1.Volume(name="d", ephemeral=core_v1.EphemeralVolumeSource()),)), **more
    )


def finalizers(decision: Any) -> tuple[str, ...] | None:
    """What the decision leaves of them; None where it changes nothing."""
    if not decision.commands:
        return None
    assert isinstance(decision.commands[0], Update)
    left: tuple[str, ...] = decision.commands[0].object.metadata.finalizers
    return left


OF_POD = {"owner_references": controlled_by(ephemeral("p"))}


@pytest.mark.parametrize(
    ("there", "name", "left"),
    [
        ((claim(),), "c", HELD),
        ((claim(finalizers=HELD),), "c", None),
        ((claim(finalizers=(*HELD, "mine"), deletion_timestamp=GOES),), "c", ("mine",)),
        ((claim(finalizers=HELD, deletion_timestamp=GOES), user("p", node="n")), "c", None),
        ((claim(finalizers=HELD, deletion_timestamp=GOES), user("p", node="n", phase="Succeeded")), "c", None),
        ((claim(finalizers=HELD, deletion_timestamp=GOES), user("p")), "c", ()),  # it waits for a node: it will not be started
        ((claim("p-d", finalizers=HELD, deletion_timestamp=GOES, **OF_POD), ephemeral("p", node="n")), "p-d", None),
        ((claim("p-d", finalizers=HELD, deletion_timestamp=GOES), ephemeral("p", node="n")), "p-d", ()),  # not that pod's
        (
            (
                claim("p-d", finalizers=HELD, deletion_timestamp=GOES, **OF_POD),
                ephemeral("p", node="n", deletion_timestamp=GOES, deletion_grace_period_seconds=0),
            ),
            "p-d",
            (),
        ),
    ],
)
def test_claims(there: tuple[Any, ...], name: str, left: tuple[str, ...] | None) -> None:
    assert finalizers(protection.decide_claim(view_of(*there), f"default/{name}", now=NOW)) == left


@pytest.mark.parametrize(
    ("there", "left"),
    [
        (volume("v"), HELD_VOLUME),
        (volume("v", finalizers=HELD_VOLUME, phase="Bound", deletion_timestamp=GOES), None),
        (volume("v", finalizers=HELD_VOLUME, phase="Released", deletion_timestamp=GOES), ()),
        (volume("v", finalizers=("mine",), phase="Available", deletion_timestamp=GOES), None),
    ],
)
def test_volumes(there: core_v1.PersistentVolume, left: tuple[str, ...] | None) -> None:
    assert finalizers(protection.decide_volume(view_of(there), "v", now=NOW)) == left


def test_the_end_of_a_pod_wakes_the_claims_that_go() -> None:
    view = view_of(claim(deletion_timestamp=GOES), user("p", node="n"))
    assert woken_by_end(protection.CLAIMS.wakes, view, user("p", node="n")) == ["default/c"]
    view = view_of(claim(), user("p", node="n"))
    assert woken_by_end(protection.CLAIMS.wakes, view, user("p", node="n")) == []


@pytest.mark.parametrize(
    ("there", "left"),
    [
        ((attributes(),), CLASS),
        ((attributes(finalizers=CLASS),), None),
        ((attributes(finalizers=CLASS, deletion_timestamp=GOES),), ()),
        ((attributes(finalizers=CLASS, deletion_timestamp=GOES), of_class(claim(), "gold")), None),
        ((attributes(finalizers=CLASS, deletion_timestamp=GOES), of_class(volume("v"), "gold")), None),
        ((attributes(finalizers=CLASS, deletion_timestamp=GOES), of_class(claim(), "silver")), ()),
        ((attributes(finalizers=CLASS, deletion_timestamp=GOES), had(claim())), None),
    ],
)
def test_attributes_classes_that_claims_and_volumes_have(there: tuple[Any, ...], left: tuple[str, ...] | None) -> None:
    assert finalizers(protection.decide_class(view_of(*there), "gold", now=NOW)) == left


def test_an_attributes_class_hears_of_the_last_that_had_it() -> None:
    goes = attributes(finalizers=CLASS, deletion_timestamp=GOES)
    last = of_class(claim(), "gold")
    assert woken_by_end(protection.CLASSES.wakes, view_of(goes, last), last) == ["gold"]
