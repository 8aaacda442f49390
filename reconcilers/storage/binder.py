"""Binds claims to volumes, each to the other, and keeps the phases of both.

A volume is given to a claim first (`claimRef` with the claim's uid), then the claim to the volume: between the two steps
anybody may change or delete either, and each decision goes on from what it finds. What becomes of a volume whose claim is gone:
reclaim.py.
Source: Kubernetes' persistent volume controller.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.core_v1 import PersistentVolumeClaim as Claim
from shipslog.store.objects.volume_claims import claims_of, class_of, class_of_volume, default_class, names_class
from shipslog.store.view import View

from . import matching
from .reclaim import freed
from .words import (
    AVAILABLE,
    BIND_COMPLETED,
    BOUND,
    BOUND_BY_CONTROLLER,
    CLAIMS_BY_VOLUME,
    FAILED,
    INDEXES,
    LOST,
    NO_PROVISIONER,
    OPEN_CLAIMS,
    PENDING,
    PROVISIONED_BY,
    PROVISIONER,
    RELEASED,
    SELECTED_NODE,
    VOLUMES_BY_CLAIM,
    YES,
    is_for,
    pods_using,
    waits_for_pod,
)

CLAIM, VOLUME = "claim/", "volume/"
LOST_WORDS = {
    "reference": ("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"),
    "volume": ("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"),
    "other": ("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"),
}
IN_TREE = "kubernetes.io/"


# --- what wakes it ---


def _of_claim(view: View, claim: Claim) -> Iterable[str]:
    """The claim, and the volumes that are for it or that it names."""
    meta, name = claim.metadata, claim.spec.volume_name
    kept = {entry.object.metadata.name for entry in view.find(VOLUMES_BY_CLAIM, (meta.namespace, meta.name))}
    return [f"{CLAIM}{key_of(claim)}", *(f"{VOLUME}{volume}" for volume in sorted(kept | ({name} if name else set())))]


def _of_volume(view: View, volume: Volume) -> Iterable[str]:
    """The volume; the claim that it is for and those that name it; if it is free, those that it would do for."""
    keys = [f"{VOLUME}{volume.metadata.name}"]
    if (ref := volume.spec.claim_ref) is not None:
        keys.append(f"{CLAIM}{ref.namespace}/{ref.name}")
    keys += [f"{CLAIM}{key_of(entry.object)}" for entry in view.find(CLAIMS_BY_VOLUME, volume.metadata.name)]
    if volume.spec.claim_ref is None and volume.status.phase == AVAILABLE:
        for entry in view.find(OPEN_CLAIMS, class_of_volume(volume)):
            if not matching.mismatch(entry.object, volume):
                keys.append(f"{CLAIM}{key_of(entry.object)}")
    return keys


def _of_class(view: View, storage_class: storage_v1.StorageClass) -> Iterable[str]:
    """The claims that wait and are of the class, or name none."""
    found = (*view.find(OPEN_CLAIMS, storage_class.metadata.name), *view.find(OPEN_CLAIMS, ""))
    return [f"{CLAIM}{key_of(entry.object)}" for entry in found]


def _of_pod(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """The claims that wait for the pod to find its node: their Events tell of it."""
    namespace = pod.metadata.namespace
    for name in dict.fromkeys(claims_of(pod)):
        claim = view.get(core_v1.PersistentVolumeClaim, name, namespace)
        if claim is not None and not claim.spec.volume_name:
            yield f"{CLAIM}{namespace}/{name}"


WAKES = (
    rule()
    .watches(core_v1.PersistentVolumeClaim, to=_of_claim, at_start=True)
    .watches(core_v1.PersistentVolume, to=_of_volume, at_start=True)
    .watches(storage_v1.StorageClass, to=_of_class)
    .watches(core_v1.Pod, to=_of_pod, when=lambda before, after: before is None or after is None)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """One step for a claim (`claim/NAMESPACE/NAME`) or a volume (`volume/NAME`)."""
    if key.startswith(VOLUME):
        volume = view.get(core_v1.PersistentVolume, key.removeprefix(VOLUME))
        return Decision(reason="there is no such volume") if volume is None else _volume(view, volume)
    namespace, _, name = key.removeprefix(CLAIM).partition("/")
    claim = view.get(core_v1.PersistentVolumeClaim, name, namespace)
    if claim is None:
        return Decision(reason="there is no such claim")
    if BIND_COMPLETED in claim.metadata.annotations:
        return _bound_claim(view, claim)
    if claim.metadata.deletion_timestamp:
        return Decision(reason="it goes, and has no volume")
    return _named(view, claim) if claim.spec.volume_name else _unbound(view, claim)


# --- claims ---


def _unbound(view: View, claim: Claim) -> Decision:
    """It takes any volume that will do."""
    waits = waits_for_pod(view, class_of(claim))
    volume = matching.best_match(view, claim, only_kept=waits)
    if volume is not None:
        return _bind(claim, volume)
    if not names_class(claim) and (found := default_class(view.list(storage_v1.StorageClass))) is not None:
        spec = replace(claim.spec, storage_class_name=found.metadata.name)
        return Decision(reason="it names no class: the default one", commands=(Update(object=replace(claim, spec=spec)),))
    if waits and SELECTED_NODE not in claim.metadata.annotations:
        return _pending(claim, _waiting(view, claim))
    if class_of(claim):
        return _provision(view, claim)
    why = "no persistent volumes available for this claim and no storage class is set"
    return _pending(claim, Say(about=reference(claim), reason="FailedBinding", message=why))


def _waiting(view: View, claim: Claim) -> Say:
    """What it waits for: that there is a pod, or that its pod finds a node."""
    pods = [p for p in pods_using(view, claim.metadata.namespace, claim.metadata.name) if not p.spec.node_name]
    if not pods:
        why = "waiting for first consumer to be created before binding"
        return Say(about=reference(claim), reason="WaitForFirstConsumer", message=why)
    names = ",".join(sorted(pod.metadata.name for pod in pods))
    why = f"waiting for pod {names} to be scheduled" if len(pods) == 1 else f"waiting for pods {names} to be scheduled"
    return Say(about=reference(claim), reason="WaitForPodScheduled", message=why)


def _provision(view: View, claim: Claim) -> Decision:
    """Say who is to make a volume for it."""
    about, name = reference(claim), class_of(claim)
    found = view.get(storage_v1.StorageClass, name)
    if found is None:
        why = f'storageclass.storage.k8s.io "{name}" not found'
        return _pending(claim, Say(about=about, type="Warning", reason="ProvisioningFailed", message=why))
    by = found.provisioner
    if by.startswith(IN_TREE):
        why = "no volume plugin matched" if by == NO_PROVISIONER else f'no volume plugin matched name: "{by}"'
        return _pending(claim, Say(about=about, type="Warning", reason="ProvisioningFailed", message=why))
    annotations = claim.metadata.annotations | dict.fromkeys(PROVISIONER, by)
    if annotations != claim.metadata.annotations:
        asked = replace(claim, metadata=replace(claim.metadata, annotations=annotations))
        return Decision(reason=f"{by} is to make its volume", commands=(Update(object=asked),))
    why = (
        f"Waiting for a volume to be created either by the external provisioner '{by}' or manually by the system administrator."
        " If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    )
    return _pending(claim, Say(about=about, reason="ExternalProvisioning", message=why))


def _named(view: View, claim: Claim) -> Decision:
    """It names the volume that it wants, or is half bound."""
    name = claim.spec.volume_name
    volume = view.get(core_v1.PersistentVolume, name)
    if volume is None:
        return _pending(claim)
    if is_for(volume, claim):
        return _bind(claim, volume)
    if volume.spec.claim_ref is not None:
        why = f'volume "{name}" already bound to a different claim.'
        return _pending(claim, Say(about=reference(claim), type="Warning", reason="FailedBinding", message=why))
    if wrong := matching.mismatch(claim, volume):
        why = f'Cannot bind to requested volume "{name}": {wrong}'
        return _pending(claim, Say(about=reference(claim), type="Warning", reason="VolumeMismatch", message=why))
    return _bind(claim, volume)


def _bound_claim(view: View, claim: Claim) -> Decision:
    """It was bound once."""
    name = claim.spec.volume_name
    volume = view.get(core_v1.PersistentVolume, name) if name else None
    if volume is not None and (volume.spec.claim_ref is None or is_for(volume, claim)):
        return _bind(claim, volume)
    reason, why = LOST_WORDS["reference" if not name else "volume" if volume is None else "other"]
    if claim.status.phase == LOST:
        return Decision(reason=why)
    update = Update(
        object=replace(claim, status=replace(claim.status, phase=LOST, access_modes=(), capacity={})), subresource="status"
    )
    say = Say(about=reference(claim), type="Warning", reason=reason, message=why, after=update)
    return Decision(reason=why, commands=(update,), says=(say,))


def _bind(claim: Claim, volume: Volume) -> Decision:
    """The next step of the four: the volume knows the claim, the claim the volume, and the claim's status says so."""
    ref, meta, name = volume.spec.claim_ref, claim.metadata, volume.metadata.name
    if ref is None or not ref.uid:
        if volume.metadata.deletion_timestamp:
            return _pending(claim)
        notes = volume.metadata.annotations | ({BOUND_BY_CONTROLLER: YES} if ref is None else {})
        about = replace(reference(claim), field_path="")
        given = replace(
            volume, metadata=replace(volume.metadata, annotations=notes), spec=replace(volume.spec, claim_ref=about)
        )
        return Decision(reason=f"volume {name} is for it", commands=(Update(object=given),))
    notes = meta.annotations | {BIND_COMPLETED: YES} | ({} if claim.spec.volume_name else {BOUND_BY_CONTROLLER: YES})
    if claim.spec.volume_name != name or notes != meta.annotations:
        taken = replace(claim, metadata=replace(meta, annotations=notes), spec=replace(claim.spec, volume_name=name))
        return Decision(reason=f"it takes volume {name}", commands=(Update(object=taken),))
    status = claim.status
    capacity = status.capacity
    if status.phase != BOUND and "storage" in volume.spec.capacity:  # what grows later is told when it has grown
        capacity = {**capacity, "storage": volume.spec.capacity["storage"]}
    attributes = volume.spec.volume_attributes_class_name
    wanted = replace(
        status, phase=BOUND, access_modes=volume.spec.access_modes, capacity=capacity,
        current_volume_attributes_class_name=status.current_volume_attributes_class_name or attributes,
    )  # fmt: skip
    if wanted == status:
        return Decision(reason=f"it is bound to volume {name}")
    return Decision(reason="now Bound", commands=(Update(object=replace(claim, status=wanted), subresource="status"),))


def _pending(claim: Claim, say: Say | None = None) -> Decision:
    says = (say,) if say is not None else ()
    reason = say.message if say is not None else "there is no such volume yet"
    if claim.status.phase == PENDING and not claim.status.capacity:
        return Decision(reason=reason, says=says)
    status = replace(claim.status, phase=PENDING, access_modes=(), capacity={})
    return Decision(reason=reason, commands=(Update(object=replace(claim, status=status), subresource="status"),), says=says)


# --- volumes ---


def _volume(view: View, volume: Volume) -> Decision:
    """The phase that it is in, and whom it is for."""
    ref = volume.spec.claim_ref
    if ref is None or not ref.uid:
        return _phase(volume, AVAILABLE)
    claim = view.get(core_v1.PersistentVolumeClaim, ref.name, ref.namespace)
    if claim is None or claim.metadata.uid != ref.uid:
        if volume.status.phase in (RELEASED, FAILED):
            return Decision(reason="its claim is gone")
        return _phase(volume, RELEASED)
    if not claim.spec.volume_name:
        if matching.mode_of(claim) == matching.mode_of(volume):
            return Decision(reason="its claim takes it next")
        return Decision(reason="its claim wants another mode", says=_says_of_mode(claim, volume))
    if claim.spec.volume_name == volume.metadata.name:
        return _phase(volume, BOUND)
    return _let_go(volume)


def _says_of_mode(claim: Claim, volume: Volume) -> tuple[Say, ...]:
    why = "due to incompatible volumeMode."
    of_claim = f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{claim.metadata.name}" {why}'
    of_volume = f'Cannot bind PersistentVolume "{volume.metadata.name}" to requested PersistentVolumeClaim {why}'
    return (
        Say(about=reference(volume), type="Warning", reason="VolumeMismatch", message=of_claim),
        Say(about=reference(claim), type="Warning", reason="VolumeMismatch", message=of_volume),
    )


def _let_go(volume: Volume) -> Decision:
    """Its claim has taken another one."""
    if PROVISIONED_BY in volume.metadata.annotations and volume.spec.persistent_volume_reclaim_policy == "Delete":
        return (
            Decision(reason="it was made for nothing")
            if volume.status.phase in (RELEASED, FAILED)
            else _phase(volume, RELEASED)
        )
    return Decision(reason="its claim has taken another one", commands=(Update(object=freed(volume)),))


def _phase(volume: Volume, phase: str) -> Decision:
    if volume.status.phase == phase:
        return Decision(reason=f"it is {phase}")
    status = replace(volume.status, phase=phase, message="", reason="", last_phase_transition_time="")
    return Decision(reason=f"now {phase}", commands=(Update(object=replace(volume, status=status), subresource="status"),))


RECONCILER = Reconciler(
    name="persistent-volume-binder", actor="system:controller:persistent-volume-binder", wakes=WAKES, decide=decide,
    component="persistentvolume-controller", projections=INDEXES,
)  # fmt: skip
