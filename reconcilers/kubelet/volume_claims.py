"""Volumes of a pod that are claims: what its node mounts for one, or why it cannot yet.

Source: kubelet's desired state of world populator, and its local and host path plugins.

Tests: tests/e2e/test_claims.py
"""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from shipslog.reconcilers.rule.pods import controller_of
from shipslog.reconcilers.scheduler.volumes import reachable
from shipslog.reconcilers.storage.words import ALONE, pods_using
from shipslog.runtime.commands import RemoteVolume, VolumeSource
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.volume_claims import claim_of

from . import remote_volumes
from .bound_pod import AnyContainer, BoundPod
from .fields import ConfigError

NO_SOURCES = ("claim_ref", "node_affinity")


def claimed(pod: BoundPod, volume: core_v1.Volume) -> VolumeSource:
    """Errors: ConfigError while its claim has no volume, or one that this node cannot mount."""
    meta, name = pod.pod.metadata, claim_of(pod.pod, volume)
    claim = pod.view.get(core_v1.PersistentVolumeClaim, name, meta.namespace)
    if claim is None:
        raise ConfigError(f'persistentvolumeclaim "{name}" not found')
    owner = controller_of(claim)
    if volume.ephemeral is not None and (owner is None or owner.uid != meta.uid):
        raise ConfigError(
            f"PVC {meta.namespace}/{name} was not created for pod {meta.namespace}/{meta.name} (pod is not owner)"
        )
    if claim.metadata.deletion_timestamp and pod.runtime is None:  # one that has begun keeps it, also over a reboot
        raise ConfigError(f"error processing PVC {meta.namespace}/{name}: PVC is being deleted")
    held = pod.view.get(core_v1.PersistentVolume, claim.spec.volume_name) if claim.spec.volume_name else None
    if claim.status.phase != "Bound" or held is None:
        raise ConfigError(f"error processing PVC {meta.namespace}/{name}: PVC is not bound")
    ref = held.spec.claim_ref
    if ref is None or ref.uid != claim.metadata.uid:
        raise ConfigError(
            f"error processing PVC {meta.namespace}/{name}: volume {held.metadata.name} is bound to another claim"
        )
    if ALONE in claim.spec.access_modes and _is_used_by_another(pod, name):
        raise ConfigError("volume uses the ReadWriteOncePod access mode and is already in use by another pod")
    return _source(pod, volume, held)


def _is_used_by_another(pod: BoundPod, claim: str) -> bool:
    """Whether a pod of this node has begun with it; a pod that has begun itself keeps it."""
    if pod.runtime is not None and pod.runtime.sandbox_id:
        return False
    for other in pods_using(pod.view, pod.pod.metadata.namespace, claim):
        state = pod.view.pod_runtime(other.metadata.uid) if other.metadata.uid != pod.uid else None
        if state is not None and state.sandbox_id and other.spec.node_name == pod.node and other.status.phase not in TERMINAL:
            return True
    return False


def _source(pod: BoundPod, volume: core_v1.Volume, held: core_v1.PersistentVolume) -> VolumeSource:
    spec, node = held.spec, pod.view.get(core_v1.Node, pod.node)
    if node is None or not reachable(held, node):
        raise ConfigError(
            f"MountVolume.NodeAffinity check failed for volume {held.metadata.name}: no matching NodeSelectorTerms"
        )
    asked = volume.persistent_volume_claim
    read_only = asked is not None and asked.read_only
    if spec.volume_mode == "Block":
        return _device(pod, volume, held, read_only)
    _used_as(pod, volume, "Filesystem", "volumeDevices", (d.name for c in every(pod.spec) for d in c.volume_devices))
    if spec.host_path is not None:
        return VolumeSource(
            name=volume.name, kind="hostPath", host_path=spec.host_path.path, host_path_type=spec.host_path.type or "",
            read_only=read_only,
        )  # fmt: skip
    security = pod.spec.security_context
    once = security is not None and security.fs_group_change_policy == "OnRootMismatch"
    if spec.local is not None:
        kind = spec.local.fs_type
        return VolumeSource(
            name=volume.name, kind="local", host_path=spec.local.path, read_only=read_only, group_once=True if once else UNSET,
            remote=RemoteVolume(plugin="local", source={"fsType": kind}, mount_options=spec.mount_options) if kind else UNSET,
        )  # fmt: skip
    if (elsewhere := remote_volumes.held(pod, volume, held, read_only=read_only, group_once=once)) is not None:
        return elsewhere
    if spec.csi is not None:
        return msgspec.structs.replace(
            remote_volumes.of_driver(pod, volume, held, read_only), group_once=True if once else UNSET
        )
    raise ConfigError(f"volumes of kind {_kind(spec)} are not supported on this node")


def _kind(spec: core_v1.PersistentVolumeSpec) -> str:
    named = (f for f in msgspec.structs.fields(spec) if isinstance(getattr(spec, f.name), msgspec.Struct))
    return next((f.encode_name for f in named if f.name not in NO_SOURCES), "")


def _device(pod: BoundPod, volume: core_v1.Volume, held: core_v1.PersistentVolume, read_only: bool) -> VolumeSource:
    """A block device, as it is."""
    spec = held.spec
    _used_as(pod, volume, "Block", "volumeMounts", (m.name for c in every(pod.spec) for m in c.volume_mounts))
    if spec.local is not None:
        return VolumeSource(name=volume.name, kind="local", host_path=spec.local.path, read_only=read_only, block=True)
    if spec.csi is not None:
        return msgspec.structs.replace(remote_volumes.of_driver(pod, volume, held, read_only), block=True)
    elsewhere = remote_volumes.held(pod, volume, held, read_only=read_only, group_once=False)
    if elsewhere is None:
        raise ConfigError(f"volume {held.metadata.name} is of volumeMode Block, which volumes of kind {_kind(spec)} never are")
    return msgspec.structs.replace(elsewhere, block=True)


def every(spec: core_v1.PodSpec) -> tuple[AnyContainer, ...]:
    return (*spec.init_containers, *spec.containers, *spec.ephemeral_containers)


def _used_as(pod: BoundPod, volume: core_v1.Volume, mode: str, field: str, names: Iterable[str]) -> None:
    if volume.name in set(names):
        raise ConfigError(f"volume {volume.name} has volumeMode {mode}, but is specified in {field}")
