"""Claims that a pod uses, volumes that a claim has, and the attributes classes of claims and volumes are not taken away under
them: a finalizer holds them.

Source: Kubernetes' PVC, PV and VAC protection controllers.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.pods import controller_of
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.projections import index
from shipslog.store.view import View

from .words import BOUND, CLAIM_PROTECTION, CLASS_PROTECTION, PODS_BY_CLAIM, VOLUME_PROTECTION, pods_using


def _claims_that_go(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """The claims of a pod that are being deleted: they may go with it."""
    namespace = pod.metadata.namespace
    for name in dict.fromkeys(claims_of(pod)):
        claim = view.get(core_v1.PersistentVolumeClaim, name, namespace)
        if claim is not None and claim.metadata.deletion_timestamp:
            yield f"{namespace}/{name}"


def decide_claim(view: View, key: str, *, now: Instant) -> Decision:
    """Hold a claim, or let it go when no pod on a node uses it."""
    namespace, _, name = key.partition("/")
    claim = view.get(core_v1.PersistentVolumeClaim, name, namespace)
    if claim is None:
        return Decision(reason="there is no such claim")
    if not claim.metadata.deletion_timestamp:
        return _held(claim, CLAIM_PROTECTION)
    users = [pod.metadata.name for pod in pods_using(view, namespace, name) if _uses(pod, claim)]
    if users:
        return Decision(reason=f"pods use it: {', '.join(users)}")
    return _let_go(claim, CLAIM_PROTECTION, "no pod uses it")


def _uses(pod: core_v1.Pod, claim: core_v1.PersistentVolumeClaim) -> bool:
    """A pod that has no node yet does not: it will not be started with a claim that goes."""
    if not pod.spec.node_name:
        return False
    if any(v.persistent_volume_claim and v.persistent_volume_claim.claim_name == claim.metadata.name for v in pod.spec.volumes):
        return True
    owner, meta = controller_of(claim), pod.metadata  # an ephemeral volume: it is the pod's own, and ends with it
    done = bool(meta.deletion_timestamp) and meta.deletion_grace_period_seconds == 0
    return owner is not None and owner.uid == meta.uid and not done


def decide_volume(view: View, key: str, *, now: Instant) -> Decision:
    """Hold a volume, or let it go when no claim has it."""
    volume = view.get(core_v1.PersistentVolume, key)
    if volume is None:
        return Decision(reason="there is no such volume")
    if not volume.metadata.deletion_timestamp:
        return _held(volume, VOLUME_PROTECTION)
    if volume.status.phase == BOUND:
        return Decision(reason="a claim has it")
    return _let_go(volume, VOLUME_PROTECTION, "no claim has it")


def _classes_of(obj: core_v1.PersistentVolumeClaim | core_v1.PersistentVolume) -> tuple[str, ...]:
    """The attributes classes that a claim has, had or is to have; the one of a volume."""
    names = [obj.spec.volume_attributes_class_name]
    if isinstance(obj, core_v1.PersistentVolumeClaim):
        target = obj.status.modify_volume_status
        names += [obj.status.current_volume_attributes_class_name, target.target_volume_attributes_class_name if target else ""]
    return tuple(dict.fromkeys(name for name in names if name))


BY_CLASS = index(
    "claims and volumes by their attributes class", ("persistentvolumeclaims", "persistentvolumes"), _classes_of
)  # fmt: skip


def _classes_let_go(view: View, obj: core_v1.PersistentVolumeClaim | core_v1.PersistentVolume) -> Iterable[str]:
    """Those of its classes that are being deleted: they may go now."""
    for name in _classes_of(obj):
        found = view.get(storage_v1.VolumeAttributesClass, name)
        if found is not None and found.metadata.deletion_timestamp:
            yield name


def decide_class(view: View, key: str, *, now: Instant) -> Decision:
    """Hold an attributes class, or let it go when no claim and no volume has it."""
    found = view.get(storage_v1.VolumeAttributesClass, key)
    if found is None:
        return Decision(reason="there is no such class")
    if not found.metadata.deletion_timestamp:
        return _held(found, CLASS_PROTECTION)
    users = sorted(entry.object.metadata.name for entry in view.find(BY_CLASS, key))
    if users:
        return Decision(reason=f"they have it: {', '.join(users[:10])}")
    return _let_go(found, CLASS_PROTECTION, "nobody has it")


def _held(obj: Any, finalizer: str) -> Decision:
    meta = obj.metadata
    if finalizer in meta.finalizers:
        return Decision(reason="it is protected")
    held = replace(obj, metadata=replace(meta, finalizers=(*meta.finalizers, finalizer)))
    return Decision(reason="nothing protects it", commands=(Update(object=held),))


def _let_go(obj: Any, finalizer: str, why: str) -> Decision:
    meta = obj.metadata
    if finalizer not in meta.finalizers:
        return Decision(reason="others hold it")
    free = replace(obj, metadata=replace(meta, finalizers=tuple(f for f in meta.finalizers if f != finalizer)))
    return Decision(reason=why, commands=(Update(object=free),))


CLAIMS = Reconciler(
    name="pvc-protection", actor="system:controller:pvc-protection-controller", decide=decide_claim,
    wakes=rule(core_v1.PersistentVolumeClaim).watches(core_v1.Pod, to=_claims_that_go), projections=(PODS_BY_CLAIM,),
)  # fmt: skip
CLASSES = Reconciler(
    name="vac-protection",
    actor="system:controller:volumeattributesclass-protection-controller",
    decide=decide_class,
    wakes=rule(storage_v1.VolumeAttributesClass).watches(
        core_v1.PersistentVolumeClaim, core_v1.PersistentVolume, to=_classes_let_go, by=_classes_of
    ),
    projections=(BY_CLASS,),
)
VOLUMES = Reconciler(
    name="pv-protection", actor="system:controller:pv-protection-controller", decide=decide_volume,
    wakes=rule(core_v1.PersistentVolume),
)  # fmt: skip
