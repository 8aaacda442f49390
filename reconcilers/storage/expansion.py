"""A claim whose volume has grown says so once its node has made the file system larger too.

The driver's resizer makes the volume larger and notes on the claim that its file system waits (FileSystemResizePending); the
node that has the volume in use asks the driver for the rest. A volume that nobody uses waits for its next pod.
Source: the contract of Kubernetes' external resizer, and the kubelet's volume manager.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.runtime.commands import ExpandVolume
from shipslog.store.commands import Update
from shipslog.store.facts import SandboxStarted, VolumeFact
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.core_v1 import PersistentVolumeClaim as Claim
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.view import View

from . import matching
from .directories import RESIZING, retry_s
from .words import CLAIMS_BY_VOLUME, PODS_BY_CLAIM, pods_using

PENDING = "FileSystemResizePending"


def _of_fact(view: View, fact: VolumeFact) -> Iterable[str]:
    return [key_of(entry.object) for entry in view.find(CLAIMS_BY_VOLUME, fact.volume)]


def _of_sandbox(view: View, fact: SandboxStarted) -> Iterable[str]:
    """A pod that has its volumes now."""
    entry = view.by_uid(fact.pod_uid)
    if entry is None or not isinstance(entry.object, core_v1.Pod):
        return ()
    pod = entry.object
    return [f"{pod.metadata.namespace}/{name}" for name in dict.fromkeys(claims_of(pod))]


def _of_volume(view: View, volume: Volume) -> Iterable[str]:
    return [key_of(entry.object) for entry in view.find(CLAIMS_BY_VOLUME, volume.metadata.name)]


WAKES = (
    rule(core_v1.PersistentVolumeClaim)
    .watches(core_v1.PersistentVolume, to=_of_volume)
    .hears(VolumeFact, to=_of_fact)
    .hears(SandboxStarted, to=_of_sandbox)
    .reads(core_v1.Pod)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """The next step of a claim whose file system waits."""
    namespace, _, name = key.partition("/")
    claim = view.get(core_v1.PersistentVolumeClaim, name, namespace)
    if claim is None or find_condition(claim.status.conditions, PENDING) is None:
        return Decision(reason="no file system waits to grow")
    volume = view.get(core_v1.PersistentVolume, claim.spec.volume_name)
    if volume is None or volume.spec.csi is None:
        return Decision(reason="its volume is no CSI driver's")
    users = _users(view, claim)
    if not users:
        return Decision(reason="nobody has it in use: it grows for its next pod")
    size = matching.size_of(volume)
    states = {state.node: state for state in view.volumes(volume.metadata.name)}
    left = [node for node in users if node not in states or states[node].expanded_bytes < size]
    if not left:
        return _done(claim, volume, users)
    waits = {node: retry_s(states[node], now) for node in left if node in states}
    due = [node for node in left if not waits.get(node)]
    source = volume.spec.csi
    commands = tuple(
        ExpandVolume(node=node, volume=volume.metadata.name, driver=source.driver, handle=source.volume_handle, size_bytes=size)
        for node in due
    )
    says = tuple(_failed(volume, pod, states[node].message) for node in left if node in states for pod in users[node])
    again = min((wait for wait in waits.values() if wait), default=None)
    return Decision(reason="its nodes have it in its old size", commands=commands, requeue_after=again, says=says)


def _users(view: View, claim: Claim) -> dict[str, list[core_v1.Pod]]:
    """The pods that have it mounted, by node."""
    users: dict[str, list[core_v1.Pod]] = {}
    for pod in pods_using(view, claim.metadata.namespace, claim.metadata.name):
        runtime = view.pod_runtime(pod.metadata.uid)
        if pod.spec.node_name and pod.status.phase not in TERMINAL and runtime is not None and runtime.sandbox_id:
            users.setdefault(pod.spec.node_name, []).append(pod)
    return users


def _failed(volume: Volume, pod: core_v1.Pod, why: str) -> Say:
    message = f'NodeExpandVolume.NodeExpandVolume failed for volume "{volume.metadata.name}" : {why}'
    return Say(about=reference(pod), type="Warning", reason="VolumeResizeFailed", message=message, host=pod.spec.node_name)


def _done(claim: Claim, volume: Volume, users: dict[str, list[core_v1.Pod]]) -> Decision:
    status, size = claim.status, volume.spec.capacity["storage"]
    done = replace(
        status,
        capacity={**status.capacity, "storage": size},
        conditions=tuple(c for c in status.conditions if c.type not in (PENDING, RESIZING)),
        allocated_resource_statuses={k: v for k, v in status.allocated_resource_statuses.items() if k != "storage"},
    )
    update = Update(object=replace(claim, status=done), subresource="status")
    message = f'MountVolume.NodeExpandVolume succeeded for volume "{volume.metadata.name}" '
    says = tuple(
        Say(about=reference(about), reason="FileSystemResizeSuccessful", message=message + node, after=update, host=node)
        for node, pods in users.items()
        for about in (*pods, claim)
    )
    return Decision(reason="its file system has grown", commands=(update,), says=says)


RECONCILER = Reconciler(
    name="volume-expansion", actor="system:controller:kubelet", wakes=WAKES, decide=decide, component="kubelet",
    projections=(CLAIMS_BY_VOLUME, PODS_BY_CLAIM),
)  # fmt: skip
