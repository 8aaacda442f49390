"""Annotations, finalizers and indexes that the rules of storage share. Source: Kubernetes' persistent volume controller.

Tests: tests/reconcilers/storage/test_binder.py
"""

from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.volume_claims import claims_of, class_of, class_of_volume
from shipslog.store.projections import index
from shipslog.store.view import View

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
SELECTED_NODE = "volume.kubernetes.io/selected-node"
YES = "yes"

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
ALONE = "ReadWriteOncePod"  # an access mode
CLASS_PROTECTION = "kubernetes.io/vac-protection"
PROVISIONER_FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"

PENDING, AVAILABLE, BOUND, RELEASED, FAILED, LOST = "Pending", "Available", "Bound", "Released", "Failed", "Lost"
WAITS = "WaitForFirstConsumer"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def _claim_of(volume: core_v1.PersistentVolume) -> tuple[tuple[str, str], ...]:
    ref = volume.spec.claim_ref
    return ((ref.namespace, ref.name),) if ref is not None else ()


def _is_open(claim: core_v1.PersistentVolumeClaim) -> bool:
    return BIND_COMPLETED not in claim.metadata.annotations and not claim.metadata.deletion_timestamp


def volume_of(attachment: storage_v1.VolumeAttachment) -> tuple[str, ...]:
    """The volume that an attachment is about, by its name; () for one that says it otherwise."""
    name = attachment.spec.source.persistent_volume_name
    return (name,) if name else ()


ATTACHMENTS = index("attachments by volume", ("volumeattachments.storage.k8s.io",), volume_of)
VOLUMES_BY_CLAIM = index("volumes by the claim that they are for", ("persistentvolumes",), _claim_of)
FREE_VOLUMES = index(
    "volumes that are for no claim yet, by class", ("persistentvolumes",),
    lambda volume: (class_of_volume(volume),) if volume.spec.claim_ref is None else (),
)  # fmt: skip
OPEN_CLAIMS = index(
    "claims that wait for a volume, by class", ("persistentvolumeclaims",),
    lambda claim: (class_of(claim),) if _is_open(claim) else (),
)  # fmt: skip
CLAIMS_BY_VOLUME = index(
    "claims by the volume that they name", ("persistentvolumeclaims",),
    lambda claim: (claim.spec.volume_name,) if claim.spec.volume_name else (),
)  # fmt: skip
PODS_BY_CLAIM = index(
    "pods by the claims that they use", ("pods",),
    lambda pod: tuple(dict.fromkeys((pod.metadata.namespace, name) for name in claims_of(pod))),
)  # fmt: skip
INDEXES = (VOLUMES_BY_CLAIM, FREE_VOLUMES, OPEN_CLAIMS, CLAIMS_BY_VOLUME, PODS_BY_CLAIM)


def is_for(volume: core_v1.PersistentVolume, claim: core_v1.PersistentVolumeClaim) -> bool:
    """Whether a volume is kept for a claim: by its name, and by its uid once that is known."""
    ref, meta = volume.spec.claim_ref, claim.metadata
    return ref is not None and (ref.namespace, ref.name) == (meta.namespace, meta.name) and ref.uid in ("", meta.uid)


def waits_for_pod(view: View, class_name: str) -> bool:
    """Whether claims of the class are to be bound where a pod goes that needs them."""
    found = view.get(storage_v1.StorageClass, class_name) if class_name else None
    return found is not None and found.volume_binding_mode == WAITS


def pods_using(view: View, namespace: str, claim: str) -> list[core_v1.Pod]:
    return [entry.object for entry in view.find(PODS_BY_CLAIM, (namespace, claim))]
