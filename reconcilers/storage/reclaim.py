"""What becomes of a volume whose claim is gone, by its policy; and of directories whose claims never got them.

Retain leaves all as it is. Delete has the node remove what was made there, and then the object goes. Recycle has a directory of
a node emptied, and the volume is free again. An object that people delete themselves leaves its directory on the disk.
Source: Kubernetes' persistent volume controller.

Tests: tests/reconcilers/storage/test_directories.py, tests/reconcilers/storage/test_binder.py
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.reconcilers.scheduler.volumes import reachable
from shipslog.runtime.commands import RemoveVolume, ScrubVolume
from shipslog.store.commands import Delete, Update
from shipslog.store.facts import NodeObserved, VolumeFact
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.core_v1 import PersistentVolumeClaim as Claim
from shipslog.store.objects.volume_claims import DIRECTORIES
from shipslog.store.state import VolumeState
from shipslog.store.view import View

from .directories import claim_of_name, retry_s, volume_name
from .words import (
    BOUND_BY_CONTROLLER,
    FAILED,
    PODS_BY_CLAIM,
    PROVISIONED_BY,
    PROVISIONER_FINALIZER,
    RELEASED,
    SELECTED_NODE,
    pods_using,
)


def _of_fact(view: View, fact: VolumeFact) -> Iterable[str]:
    return (fact.volume,)


def _of_claim(view: View, claim: Claim) -> Iterable[str]:
    name = volume_name(claim)
    return (name,) if view.volumes(name) else ()


def _on_node(view: View, fact: NodeObserved) -> Iterable[str]:
    """A node that has come: what is left on it, and what waited for a node."""
    waiting = [v.metadata.name for v in view.list(core_v1.PersistentVolume) if v.status.phase in (RELEASED, FAILED)]
    return dict.fromkeys((*view.volumes_on(fact.node), *waiting))


WAKES = (
    rule(core_v1.PersistentVolume)
    .watches(core_v1.PersistentVolumeClaim, to=_of_claim)
    .hears(VolumeFact, to=_of_fact)
    .hears(NodeObserved, to=_on_node)
    .reads(core_v1.Node, core_v1.Pod)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """What is to be done about a volume, or about directories of its name."""
    volume = view.get(core_v1.PersistentVolume, key)
    if volume is None:
        return _leftover(view, key, now)
    if volume.status.phase not in (RELEASED, FAILED):
        return Decision(reason="it is not released")
    policy = volume.spec.persistent_volume_reclaim_policy
    by = volume.metadata.annotations.get(PROVISIONED_BY, "")
    if policy == "Delete" and by == DIRECTORIES:
        return _deleted(view, volume, now)
    if volume.metadata.deletion_timestamp:
        return _without_finalizer(volume) or Decision(reason="it goes")
    if policy == "Delete" and not by:
        why = f'error getting deleter volume plugin for volume "{key}": no deletable volume plugin matched'
        return _has_failed(volume, "VolumeFailedDelete", why)
    if policy == "Recycle":
        return _recycled(view, volume, now)
    return Decision(reason="its provisioner deletes it" if policy == "Delete" else "it is kept")


# --- Delete ---


def _leftover(view: View, name: str, now: Instant) -> Decision:
    """Directories without an object: they go, unless their claim still waits for them where they are."""
    claim = claim_of_name(view, name)
    waits = claim is not None and not claim.metadata.deletion_timestamp and not claim.spec.volume_name
    chosen = claim.metadata.annotations.get(SELECTED_NODE, "") if claim is not None else ""
    stale = [state for state in view.volumes(name) if not waits or (chosen and state.node != chosen)]
    if not stale:
        return Decision(reason="nothing of it is left")
    return _removing(stale, now, "nobody waits for it any more")


def _removing(states: Sequence[VolumeState], now: Instant, why: str, says: tuple[Say, ...] = ()) -> Decision:
    waits = [retry_s(state, now) if state.failures else 0.0 for state in states]
    due = [state for state, wait_s in zip(states, waits, strict=True) if not wait_s]
    commands = tuple(RemoveVolume(node=state.node, volume=state.volume) for state in due)
    again = min((wait_s for wait_s in waits if wait_s), default=None)
    return Decision(reason=why, commands=commands, requeue_after=again, says=says)


def _deleted(view: View, volume: Volume, now: Instant) -> Decision:
    states, meta = view.volumes(volume.metadata.name), volume.metadata
    if not states:
        if (freed := _without_finalizer(volume)) is not None:
            return freed
        if meta.deletion_timestamp:
            return Decision(reason="its directory is gone; others hold it")
        gone = Delete(resource="persistentvolumes", name=meta.name, uid=meta.uid)
        return Decision(reason="its directory is gone", commands=(gone,))
    failed = next((state for state in states if state.failures), None)
    if failed is not None and retry_s(failed, now):
        failed_say = _has_failed(volume, "VolumeFailedDelete", failed.message)
        return replace(failed_say, requeue_after=retry_s(failed, now))
    return _removing(states, now, "its claim is gone")


def _without_finalizer(volume: Volume) -> Decision | None:
    """The provisioner holds it no more; None where it did not."""
    meta = volume.metadata
    if PROVISIONER_FINALIZER not in meta.finalizers:
        return None
    left = tuple(f for f in meta.finalizers if f != PROVISIONER_FINALIZER)
    return Decision(
        reason="nothing holds it", commands=(Update(object=replace(volume, metadata=replace(meta, finalizers=left))),)
    )


def _has_failed(volume: Volume, reason: str, why: str) -> Decision:
    say = Say(about=reference(volume), type="Warning", reason=reason, message=why)
    status = replace(volume.status, phase=FAILED, message=why, last_phase_transition_time="")
    if (volume.status.phase, volume.status.message) == (FAILED, why):
        return Decision(reason=why, says=(say,))
    return Decision(reason=why, commands=(Update(object=replace(volume, status=status), subresource="status"),), says=(say,))


# --- Recycle ---


def _recycled(view: View, volume: Volume, now: Instant) -> Decision:
    ref, source = volume.spec.claim_ref, volume.spec.host_path
    if ref is None:
        return Decision(reason="it is free")
    if source is None:
        return _has_failed(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!")
    users = sorted(pod.metadata.name for pod in pods_using(view, ref.namespace, ref.name))
    if users:
        why = f"Volume is used by pods: {','.join(f'{ref.namespace}/{name}' for name in users)}"
        return Decision(
            reason=why, says=(Say(about=reference(volume), reason="VolumeFailedRecycle", message=why),), requeue_after=15
        )
    states = view.volumes(volume.metadata.name)
    if any(state.scrubbed_for == ref.uid for state in states):
        say = Say(about=reference(volume), reason="VolumeRecycled", message="Volume recycled")
        return Decision(reason="it is empty", commands=(Update(object=freed(volume)),), says=(say,))
    node = next((n.metadata.name for n in view.list(core_v1.Node) if _runs(view, n) and reachable(volume, n)), "")
    if not node:
        return Decision(reason="no node can empty it", requeue_after=15)
    failed = next((state for state in states if state.failures and state.node == node), None)
    if failed is not None and (wait_s := retry_s(failed, now)):
        failed_say = _has_failed(volume, "VolumeFailedRecycle", f"Recycle failed: {failed.message}")
        return replace(failed_say, requeue_after=wait_s)
    scrub = ScrubVolume(node=node, volume=volume.metadata.name, path=source.path, claim_uid=ref.uid)
    return Decision(reason="its claim is gone", commands=(scrub,))


def _runs(view: View, node: core_v1.Node) -> bool:
    ready = find_condition(node.status.conditions, "Ready")
    return ready is not None and ready.status == "True" and view.node_observed(node.metadata.name) is not None


def freed(volume: Volume) -> Volume:
    """The volume for nobody; for a claim of the same name still, where a person has kept it for one."""
    notes, ref = volume.metadata.annotations, volume.spec.claim_ref
    if BOUND_BY_CONTROLLER not in notes and ref is not None:
        return replace(volume, spec=replace(volume.spec, claim_ref=replace(ref, uid="", resource_version="")))
    others = {name: value for name, value in notes.items() if name != BOUND_BY_CONTROLLER}
    meta = replace(volume.metadata, annotations=others)
    return replace(volume, metadata=meta, spec=replace(volume.spec, claim_ref=None))


RECONCILER = Reconciler(
    name="volume-reclaim", actor="system:controller:persistent-volume-binder", wakes=WAKES, decide=decide,
    component="persistentvolume-controller", projections=(PODS_BY_CLAIM,),
)  # fmt: skip
