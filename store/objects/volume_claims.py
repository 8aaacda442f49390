"""Claims of storage in words that all rooms share: their class, the default class, and which claims a pod's volumes are.

Tests: tests/reconcilers/storage/test_binder.py
"""

from collections.abc import Iterable, Iterator

from shipslog.store.objects.types.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod, Volume
from shipslog.store.objects.types.storage_v1 import StorageClass

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
DEFAULT_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")

DIRECTORIES = "shipslog.io/directory"  # who makes volumes that are directories on a node's disk


def class_of(claim: PersistentVolumeClaim) -> str:
    """The storage class that a claim asks for; an old annotation comes before the field."""
    return claim.metadata.annotations.get(CLASS_ANNOTATION) or claim.spec.storage_class_name or ""


def names_class(claim: PersistentVolumeClaim) -> bool:
    """Whether it says which class it wants; "" is the wish for none."""
    return CLASS_ANNOTATION in claim.metadata.annotations or claim.spec.storage_class_name is not None


def class_of_volume(volume: PersistentVolume) -> str:
    return volume.metadata.annotations.get(CLASS_ANNOTATION) or volume.spec.storage_class_name


def is_default(storage_class: StorageClass) -> bool:
    return any(storage_class.metadata.annotations.get(mark) == "true" for mark in DEFAULT_MARKS)


def default_class(classes: Iterable[StorageClass]) -> StorageClass | None:
    """The class of claims that name none: of several the newest, then the first by name. Source: KEP-3333."""
    marked = sorted((c for c in classes if is_default(c)), key=lambda c: c.metadata.name)
    return max(marked, key=lambda c: c.metadata.creation_timestamp, default=None)


def claim_of(pod: Pod, volume: Volume) -> str:
    """The name of the claim that a volume of a pod is; "" for one that is none."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    return f"{pod.metadata.name}-{volume.name}" if volume.ephemeral is not None else ""


def claims_of(pod: Pod) -> Iterator[str]:
    """The names of the claims that its volumes are."""
    return (name for volume in pod.spec.volumes if (name := claim_of(pod, volume)))
