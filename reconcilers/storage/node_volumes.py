"""What a node's status says of volumes of CSI drivers: which are attached to it, and which its pods use.

Kubernetes has the second from the kubelet, which names a volume before it may be mounted, so that nobody detaches it meanwhile.

Source: the node status updater of Kubernetes' attach/detach controller, and the kubelet's VolumesInUse.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Update
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.types.storage_v1 import VolumeAttachment
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.projections import index
from shipslog.store.view import View
from shipslog.store.wording import counted

PREFIX = "kubernetes.io/csi/"

ON_NODES = index(
    "attachments by node", ("volumeattachments.storage.k8s.io",), lambda attachment: (attachment.spec.node_name,)
)  # fmt: skip


def _of_attachment(view: View, attachment: VolumeAttachment) -> Iterable[str]:
    return (attachment.spec.node_name,)


def _of_pod(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return (pod.spec.node_name,) if pod.spec.node_name and any(claims_of(pod)) else ()


def _of_node(view: View, node: core_v1.Node) -> Iterable[str]:
    return (node.metadata.name,)


def _moves(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    """Whether a pod came to a node, ended or went."""
    return _place(before) != _place(after)


def _place(pod: core_v1.Pod | None) -> str:
    return "" if pod is None or pod.status.phase in TERMINAL else pod.spec.node_name


def _is_new(before: Any, after: Any) -> bool:
    return before is None


WAKES = (
    rule()
    .watches(VolumeAttachment, to=_of_attachment, at_start=True)
    .watches(core_v1.Pod, to=_of_pod, when=_moves, at_start=True)
    .watches(core_v1.Node, to=_of_node, when=_is_new)
    .reads(core_v1.PersistentVolumeClaim, core_v1.PersistentVolume, storage_v1.CSIDriver)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Bring the two lists up to date."""
    node = view.get(core_v1.Node, key)
    if node is None:
        return Decision(reason="there is no such node")
    attached = tuple(core_v1.AttachedVolume(name=name, device_path="") for name in _attached(view, key))
    status = replace(node.status, volumes_attached=attached, volumes_in_use=_used(view, key))
    if status == node.status:
        return Decision(reason="its volumes are as it says")
    return Decision(
        reason=f"{counted(len(status.volumes_in_use), 'volume is', 'volumes are')} in use, {len(attached)} attached",
        commands=(Update(object=replace(node, status=status), subresource="status"),),
    )


def _attached(view: View, node: str) -> list[str]:
    there = [entry.object for entry in view.find(ON_NODES, node)]
    names = [one.spec.source.persistent_volume_name for one in there if one.status.attached]
    return sorted({name for volume in names if (name := _name_of(view, volume or ""))})


def _used(view: View, node: str) -> tuple[str, ...]:
    found: set[str] = set()
    for pod in view.pods_on(node):
        for claim_name in claims_of(pod) if pod.status.phase not in TERMINAL else ():
            claim = view.get(core_v1.PersistentVolumeClaim, claim_name, pod.metadata.namespace)
            if claim is not None and claim.spec.volume_name:
                found.add(_name_of(view, claim.spec.volume_name))
    return tuple(sorted(found - {""}))


def _name_of(view: View, volume: str) -> str:
    """The name that a node has for a volume; "" for one that nobody attaches."""
    held = view.get(core_v1.PersistentVolume, volume)
    if held is None or held.spec.csi is None:
        return ""
    driver = view.get(storage_v1.CSIDriver, held.spec.csi.driver)
    attaches = driver is None or driver.spec.attach_required is not False
    return f"{PREFIX}{held.spec.csi.driver}^{held.spec.csi.volume_handle}" if attaches else ""


RECONCILER = Reconciler(
    name="node-volumes", actor="system:controller:attachdetach-controller", wakes=WAKES, decide=decide, projections=(ON_NODES,),
)  # fmt: skip
