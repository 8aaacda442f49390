"""Which volume fits a claim: the smallest that is large enough, of its class, with its modes and the labels that it asks for.

Source: the volume binding of Kubernetes' persistent volume controller and of its scheduler.

Tests: tests/reconcilers/storage/test_binder.py
"""

from collections.abc import Collection, Iterable

from shipslog.store.objects.selector import of_label_selector
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.core_v1 import PersistentVolumeClaim as Claim
from shipslog.store.objects.values import quantity
from shipslog.store.objects.volume_claims import class_of, class_of_volume
from shipslog.store.view import View

from .words import AVAILABLE, FREE_VOLUMES, VOLUMES_BY_CLAIM, is_for


def best_match(view: View, claim: Claim, *, only_kept: bool = False) -> Volume | None:
    """The volume for a claim that names none; None if there is none now. One that is kept for the claim comes first.

    `only_kept`: of the others none, because the claim waits for its pod."""
    kept = [v for v in _kept(view, claim) if size_of(v) >= wanted_size(claim)]
    if kept or only_kept:
        return kept[0] if kept else None
    return smallest(claim, free(view, class_of(claim)))


def _kept(view: View, claim: Claim) -> Iterable[Volume]:
    meta = claim.metadata
    for entry in view.find(VOLUMES_BY_CLAIM, (meta.namespace, meta.name)):
        volume: Volume = entry.object
        if is_for(volume, claim) and mode_of(volume) == mode_of(claim) and not volume.metadata.deletion_timestamp:
            yield volume


def free(view: View, class_name: str) -> list[Volume]:
    """The volumes of a class that nobody has taken."""
    found: list[Volume] = [entry.object for entry in view.find(FREE_VOLUMES, class_name)]
    return [v for v in found if v.status.phase == AVAILABLE and not v.metadata.deletion_timestamp]


def smallest(claim: Claim, volumes: Iterable[Volume], taken: Collection[str] = ()) -> Volume | None:
    """The best of these: with as few access modes as will do, then the smallest. `taken`: names of those that are gone."""
    selector = of_label_selector(claim.spec.selector) if claim.spec.selector is not None else None
    fits = [
        volume
        for volume in volumes
        if volume.metadata.name not in taken
        and not mismatch(claim, volume)
        and (selector is None or selector.matches(volume.metadata.labels))
    ]
    return min(fits, key=lambda v: (len(set(v.spec.access_modes)), size_of(v), v.metadata.name), default=None)


def mismatch(claim: Claim, volume: Volume) -> str:
    """Why a volume does not do for a claim, in Kubernetes' words; "" where it does."""
    if size_of(volume) < wanted_size(claim):
        return "requested PV is too small"
    if class_of_volume(volume) != class_of(claim):
        return "storageClassName does not match"
    if mode_of(volume) != mode_of(claim):
        return "incompatible volumeMode"
    if (volume.spec.volume_attributes_class_name or "") != (claim.spec.volume_attributes_class_name or ""):
        return "volumeAttributesClassName does not match"
    if not set(claim.spec.access_modes) <= set(volume.spec.access_modes):
        return "incompatible accessMode"
    return ""


def size_of(volume: Volume) -> int:
    """Bytes."""
    return quantity.value(str(volume.spec.capacity.get("storage", "0")))


def wanted_size(claim: Claim) -> int:
    """Bytes."""
    return quantity.value(str(claim.spec.resources.requests.get("storage", "0")))


def mode_of(obj: Claim | Volume) -> str:
    return obj.spec.volume_mode or "Filesystem"
