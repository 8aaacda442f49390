"""Volumes of CSI drivers are attached to the nodes whose pods use them: a VolumeAttachment asks the driver for it, and its end
asks for the end. What is attached to one node only stays there until nobody uses it there.

Source: Kubernetes' attach/detach controller and its CSI plugin.
"""

import re
from collections.abc import Iterable
from hashlib import sha256

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.storage_v1 import VolumeAttachment
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.view import View

from .words import ATTACHMENTS, CLAIMS_BY_VOLUME, PODS_BY_CLAIM, pods_using, volume_of

KIND = "volumeattachments.storage.k8s.io"
OURS = re.compile(r"csi-[0-9a-f]{64}")
MANY = {"ReadOnlyMany", "ReadWriteMany"}


def _of_attachment(view: View, attachment: VolumeAttachment) -> Iterable[str]:
    return volume_of(attachment)


def _of_claim(view: View, claim: core_v1.PersistentVolumeClaim) -> Iterable[str]:
    return (claim.spec.volume_name,) if claim.spec.volume_name else ()


def _of_pod(view: View, pod: core_v1.Pod) -> Iterable[str]:
    for name in dict.fromkeys(claims_of(pod)) if pod.spec.node_name else ():
        claim = view.get(core_v1.PersistentVolumeClaim, name, pod.metadata.namespace)
        if claim is not None:
            yield from _of_claim(view, claim)


def _moves(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    """Whether a pod came to a node, ended or went."""
    return before is None or after is None or _is_there(before) != _is_there(after)


def _is_there(pod: core_v1.Pod) -> str:
    return "" if pod.status.phase in TERMINAL else pod.spec.node_name


WAKES = (
    rule(core_v1.PersistentVolume)
    .watches(VolumeAttachment, to=_of_attachment, at_start=True)
    .watches(core_v1.PersistentVolumeClaim, to=_of_claim)
    .watches(core_v1.Pod, to=_of_pod, when=_moves)
    .reads(storage_v1.CSIDriver)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Attach a volume where it is used, and nowhere else."""
    found: list[VolumeAttachment] = [entry.object for entry in view.find(ATTACHMENTS, key)]
    there = [one for one in found if OURS.fullmatch(one.metadata.name)]  # those that people make are theirs
    volume = view.get(core_v1.PersistentVolume, key)
    if volume is None or volume.spec.csi is None:
        return _settled([_gone(one) for one in there if not one.metadata.deletion_timestamp], [])
    driver = view.get(storage_v1.CSIDriver, volume.spec.csi.driver)
    if driver is not None and driver.spec.attach_required is False:
        return Decision(reason="its driver attaches nothing")
    users = _users(view, volume)
    commands: list[AnyObjectCommand] = []
    says: list[Say] = []
    for one in there:
        if one.spec.node_name not in users and not one.metadata.deletion_timestamp:
            commands.append(_gone(one))
        elif one.status.attached:
            done = f'AttachVolume.Attach succeeded for volume "{key}" '
            pods = users.get(one.spec.node_name, [])
            says += [Say(about=reference(pod), reason="SuccessfulAttachVolume", message=done) for pod in pods]
    attached = {one.spec.node_name for one in there}
    alone = not MANY & set(volume.spec.access_modes)
    for node, pods in users.items():
        if node in attached:
            continue
        if alone and attached:
            says += [_elsewhere(volume, pod) for pod in pods]
            continue
        attached.add(node)
        commands.append(Create(object=_attachment(volume, volume.spec.csi, node)))
    return _settled(commands, says)


def _users(view: View, volume: Volume) -> dict[str, list[core_v1.Pod]]:
    """The pods that use a volume, by node; the nodes in the order in which their first pods came."""
    pods = [
        pod
        for entry in view.find(CLAIMS_BY_VOLUME, volume.metadata.name)
        for pod in pods_using(view, entry.object.metadata.namespace, entry.object.metadata.name)
        if _is_there(pod)
    ]
    users: dict[str, list[core_v1.Pod]] = {}
    for pod in sorted(pods, key=lambda p: (p.metadata.creation_timestamp, p.metadata.namespace, p.metadata.name)):
        users.setdefault(pod.spec.node_name, []).append(pod)
    return users


def _attachment(volume: Volume, source: core_v1.CSIPersistentVolumeSource, node: str) -> VolumeAttachment:
    name = f"csi-{sha256(f'{source.volume_handle}{source.driver}{node}'.encode()).hexdigest()}"
    what = storage_v1.VolumeAttachmentSource(persistent_volume_name=volume.metadata.name)
    spec = storage_v1.VolumeAttachmentSpec(attacher=source.driver, node_name=node, source=what)
    return VolumeAttachment(metadata=meta_v1.ObjectMeta(name=name), spec=spec)


def _gone(attachment: VolumeAttachment) -> Delete:
    return Delete(resource=KIND, name=attachment.metadata.name, uid=attachment.metadata.uid)


def _elsewhere(volume: Volume, pod: core_v1.Pod) -> Say:
    why = "Volume is already exclusively attached to one node and can't be attached to another"
    message = f'Multi-Attach error for volume "{volume.metadata.name}" {why}'
    return Say(about=reference(pod), type="Warning", reason="FailedAttachVolume", message=message)


def _settled(commands: list[AnyObjectCommand] | list[Delete], says: list[Say]) -> Decision:
    reason = "its users have moved" if commands else "it is attached where it is used"
    return Decision(reason=reason, commands=tuple(commands), says=tuple(says))


RECONCILER = Reconciler(
    name="attach-detach", actor="system:controller:attachdetach-controller", wakes=WAKES, decide=decide,
    projections=(ATTACHMENTS, CLAIMS_BY_VOLUME, PODS_BY_CLAIM),
)  # fmt: skip
