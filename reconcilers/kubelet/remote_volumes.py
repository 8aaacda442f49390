"""Volumes that something other than the node holds, rendered: their source, and what the secret that it names holds.

Source: the kubelet's volume plugins. The secret of a pod's own volume is in the pod's namespace; a PersistentVolume says where
its own is.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from shipslog.reconcilers.storage.words import ATTACHMENTS
from shipslog.runtime.commands import RemoteVolume, TokenRequest, VolumeSource
from shipslog.store.objects.types import core_v1, storage_v1

from .bound_pod import BoundPod
from .environment import secret_data
from .fields import ConfigError

FIELDS = (
    "nfs",
    "glusterfs",
    "cephfs",
    "azure_file",
    "iscsi",
    "rbd",
    "fc",
    "flex_volume",
    "git_repo",
    "gce_persistent_disk",
    "aws_elastic_block_store",
    "cinder",
    "azure_disk",
    "vsphere_volume",
    "portworx_volume",
    "quobyte",
    "scale_io",
    "storageos",
    "flocker",
    "photon_persistent_disk",
)
TOKEN_S = 3600  # how long a token lives where nobody says how long
USUAL_GROUP_POLICY = "ReadWriteOnceWithFSType"
SECRETS = {"secretRef", "secretName", "secretNamespace"}


def remote(pod: BoundPod, volume: core_v1.Volume) -> VolumeSource | None:
    """A volume that the pod itself names; None for one of another kind. Errors: ConfigError."""
    return _rendered(pod, volume, volume, RemoteVolume(plugin="", source={}))


def held(
    pod: BoundPod, volume: core_v1.Volume, claimed: core_v1.PersistentVolume, *, read_only: bool, group_once: bool
) -> VolumeSource | None:
    """The PersistentVolume of a claim; None for one of another kind. Errors: ConfigError."""
    spec = claimed.spec
    about = RemoteVolume(plugin="", source={}, volume=claimed.metadata.name, mount_options=spec.mount_options)
    rendered = _rendered(pod, volume, spec, about)
    if rendered is None:
        return None
    once = True if group_once else msgspec.UNSET
    return msgspec.structs.replace(rendered, read_only=rendered.read_only or read_only, group_once=once)


def of_driver(pod: BoundPod, volume: core_v1.Volume, claimed: core_v1.PersistentVolume, read_only: bool) -> VolumeSource:
    """A claim's volume that a CSI driver brings. Errors: ConfigError while it is not attached."""
    spec, source = claimed.spec, claimed.spec.csi
    assert source is not None
    driver = _registered(pod, source.driver)
    attached = _attachment(pod, claimed) if driver is None or driver.spec.attach_required is not False else {}
    made = RemoteVolume(
        plugin="csi",
        source=_words(source),
        volume=claimed.metadata.name,
        handle=source.volume_handle,
        mount_options=spec.mount_options,
        pod=_pod_info(pod, driver, ephemeral=False),
        attached=attached,
        access_mode=spec.access_modes[0] if spec.access_modes else "",
        group_policy=_group_policy(driver),
        secret=_of_reference(pod, source.node_publish_secret_ref),
        stage_secret=_of_reference(pod, source.node_stage_secret_ref),
    )
    made = _as_its_driver_wants(pod, made, driver)
    return VolumeSource(name=volume.name, kind="remote", remote=made, read_only=source.read_only or read_only)


def _as_its_driver_wants(pod: BoundPod, made: RemoteVolume, driver: storage_v1.CSIDriver | None) -> RemoteVolume:
    """With the tokens that the driver asks for, and whether it wants to be called again and again."""
    if driver is None:
        return made
    asked = tuple(token_request(pod, "", one.audience, one.expiration_seconds) for one in driver.spec.token_requests)
    return msgspec.structs.replace(
        made, token_requests=asked, tokens_are_secret=bool(driver.spec.service_account_token_in_secrets) and bool(asked),
        again=bool(driver.spec.requires_republish),
    )  # fmt: skip


def token_request(
    pod: BoundPod, path: str, audience: str, expiration_s: int | None, mode: int = 0o644, user: int | UnsetType = UNSET
) -> TokenRequest:
    """For the service account of the pod, bound to the pod."""
    meta = pod.pod.metadata
    return TokenRequest(
        path=path, audience=audience, expiration_s=expiration_s or TOKEN_S, mode=mode, user=user,
        service_account=pod.spec.service_account_name or "default", namespace=meta.namespace, pod_name=meta.name,
        pod_uid=pod.uid,
    )  # fmt: skip


def inline(pod: BoundPod, volume: core_v1.Volume) -> VolumeSource:
    """A driver's volume that the pod itself names. Errors: ConfigError."""
    source = volume.csi
    assert source is not None
    driver = _registered(pod, source.driver)
    if driver is None or "Ephemeral" not in driver.spec.volume_lifecycle_modes:
        raise ConfigError(f'volume mode "Ephemeral" not supported by driver {source.driver} (no CSIDriver says that it is)')
    ref = source.node_publish_secret_ref
    made = RemoteVolume(
        plugin="csi",
        source=_words(source),
        handle=f"csi-{sha256(f'{pod.uid}{volume.name}'.encode()).hexdigest()}",
        pod=_pod_info(pod, driver, ephemeral=True),
        group_policy=_group_policy(driver),
        secret=_of_reference(pod, core_v1.SecretReference(name=ref.name) if ref is not None else None),
    )
    made = _as_its_driver_wants(pod, made, driver)
    return VolumeSource(name=volume.name, kind="remote", remote=made, read_only=bool(source.read_only))


def _registered(pod: BoundPod, name: str) -> storage_v1.CSIDriver | None:
    """The driver's object, if there is one. Errors: ConfigError while the driver is not on the node."""
    if all(driver.name != name for driver in pod.observed.drivers):
        raise ConfigError(f"driver name {name} not found in the list of registered CSI drivers")
    return pod.view.get(storage_v1.CSIDriver, name)


def _attachment(pod: BoundPod, claimed: core_v1.PersistentVolume) -> Mapping[str, str]:
    """What the driver said when it attached the volume. Errors: ConfigError until it has."""
    for entry in pod.view.find(ATTACHMENTS, claimed.metadata.name):
        found: storage_v1.VolumeAttachment = entry.object
        if found.spec.node_name == pod.node and found.status.attached and not found.metadata.deletion_timestamp:
            return found.status.attachment_metadata
    raise ConfigError(f"volume attachment is being waited for: {claimed.metadata.name} is not attached to {pod.node} yet")


def _group_policy(driver: storage_v1.CSIDriver | None) -> str:
    said = driver.spec.fs_group_policy if driver is not None else None
    return said if said and said != USUAL_GROUP_POLICY else ""


def _words(source: msgspec.Struct) -> dict[str, Any]:
    words: dict[str, Any] = msgspec.to_builtins(source)
    return {key: value for key, value in words.items() if not key.endswith("SecretRef")}


def _pod_info(pod: BoundPod, driver: storage_v1.CSIDriver | None, *, ephemeral: bool) -> Mapping[str, str]:
    """What the driver is told of the pod, where it asks for it."""
    if driver is None or not driver.spec.pod_info_on_mount:
        return {}
    return {**_about(pod), "ephemeral": str(ephemeral).lower()}


def _of_reference(pod: BoundPod, reference: core_v1.SecretReference | None) -> Mapping[str, bytes]:
    if reference is None:
        return {}
    namespace = reference.namespace or pod.pod.metadata.namespace
    return secret_data(pod.view, namespace, reference.name, optional=False) or {}


def _rendered(
    pod: BoundPod, volume: core_v1.Volume, holder: core_v1.Volume | core_v1.PersistentVolumeSpec, about: RemoteVolume
) -> VolumeSource | None:
    field = next((name for name in FIELDS if getattr(holder, name, None) is not None), "")
    if not field:
        return None
    source = getattr(holder, field)
    words: dict[str, Any] = msgspec.to_builtins(source)
    made = msgspec.structs.replace(
        about,
        plugin=_word(holder, field),
        source={key: value for key, value in words.items() if key not in SECRETS},
        hosts=_hosts(pod, words) if field == "glusterfs" else (),
        pod=_about(pod) if field == "flex_volume" else {},
        secret=_secret(pod, words),
    )
    return VolumeSource(name=volume.name, kind="remote", remote=made, read_only=bool(words.get("readOnly")))


def _word(holder: msgspec.Struct, field: str) -> str:
    return next(f.encode_name for f in msgspec.structs.fields(holder) if f.name == field)


def _about(pod: BoundPod) -> Mapping[str, str]:
    meta = pod.pod.metadata
    return {
        "pod.name": meta.name,
        "pod.namespace": meta.namespace,
        "pod.uid": meta.uid,
        "serviceAccount.name": pod.spec.service_account_name or "default",
    }


def _secret(pod: BoundPod, source: Mapping[str, Any]) -> Mapping[str, bytes]:
    named = source.get("secretRef") or {"name": source.get("secretName"), "namespace": source.get("secretNamespace")}
    if not named.get("name"):
        return {}
    namespace = named.get("namespace") or pod.pod.metadata.namespace
    return secret_data(pod.view, namespace, named["name"], optional=False) or {}


def _hosts(pod: BoundPod, source: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of the Endpoints that the volume names."""
    namespace = source.get("endpointsNamespace") or pod.pod.metadata.namespace
    endpoints = pod.view.get(core_v1.Endpoints, source["endpoints"], namespace)
    if endpoints is None:
        raise ConfigError(f'endpoints "{source["endpoints"]}" not found')
    return tuple(dict.fromkeys(address.ip for subset in endpoints.subsets for address in subset.addresses))
