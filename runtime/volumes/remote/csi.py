"""Volumes of CSI drivers: staged once for the node where the driver wants that, published to each pod.

    PODS-shared/csi/SHA256/volume.json    whose it is, written before it is staged
    PODS-shared/csi/SHA256/staged.json    that it was, and since which start of the machine
    PODS-shared/csi/SHA256/globalmount    where

A crash between any two calls is followed by the same call, which by the specification changes nothing that is done; what is
staged and of no pod any more is found by `abandoned`. Where the driver of a name listens its registration has written down
(drivers.py).

Source: the kubelet's csi plugin and the CSI specification.
"""

import contextlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.runtime.commands import RemoteVolume, VolumeSource
from shipslog.runtime.containers.oci.recovery import records
from shipslog.runtime.machine import linux, trees
from shipslog.runtime.volumes.failed import VolumeFailed

from . import drivers
from .csi_client import Socket, messages_of
from .plugin import Plugin, Work
from .tools import ToolMissing, mounted

STAGES, EXPANDS, GIVES_TO_GROUP = 1, 3, 6  # of a node service: STAGE_UNSTAGE_VOLUME, EXPAND_VOLUME, VOLUME_MOUNT_GROUP
MODES = {"ReadWriteOnce": 1, "ReadOnlyMany": 3, "ReadWriteMany": 5, "ReadWriteOncePod": 1}
VOLUME, STAGED = "volume.json", "staged.json"
TOKENS = "csi.storage.k8s.io/serviceAccount.tokens"


class Staged(Struct, frozen=True, kw_only=True):
    """`mounted`: whether its driver mounted something at the staging path."""

    boot_id: str
    mounted: bool


class Csi(Plugin):
    """What is a block device to the pod its driver has at the target as a file, which is the device."""

    devices = True

    def gives_to_group(self, work: Work) -> bool:
        """As the driver's fsGroupPolicy has it; by default where there is a file system, and one writer."""
        remote = work.remote
        if work.group is None or remote.group_policy == "None" or _can(_driver(work), GIVES_TO_GROUP):
            return False
        if remote.group_policy == "File":
            return True
        alone = remote.access_mode in ("ReadWriteOnce", "ReadWriteOncePod") or not remote.volume  # the pod's own is its alone
        return bool(remote.source.get("fsType")) and alone

    def key(self, work: Work) -> str:
        return f"csi {_name(work)} {work.remote.handle}"

    def attach(self, work: Work) -> str:
        driver = _driver(work)
        if not work.remote.volume or not _can(driver, STAGES):
            return ""
        staging = _staging(work)
        if _is_staged(staging):
            return str(staging)
        staging.mkdir(parents=True, exist_ok=True, mode=0o750)
        records.write(staging.parent / VOLUME, _without_pod(work.volume))
        driver.call(
            "NodeStageVolume", volume_id=work.remote.handle, publish_context=dict(work.remote.attached),
            staging_target_path=str(staging), volume_capability=_capability(work),
            secrets=_text(work.remote.stage_secret), volume_context=_attributes(work),
        )  # fmt: skip
        records.write(staging.parent / STAGED, Staged(boot_id=linux.boot_id(), mounted=mounted(staging)))
        return str(staging)

    def mount(self, work: Work, device: str) -> None:
        with contextlib.suppress(OSError):
            work.target.rmdir()  # its driver makes it; what is in it is what a driver that mounts nothing has put there
        self._publish(work, device)
        if not work.target.exists():
            raise VolumeFailed(f"the driver {_name(work)} says that it has published the volume, and made no {work.target}")

    def renew(self, work: Work) -> None:
        """As its first publication: what is published there already its driver changes, or leaves as it is."""
        staging = _staging(work)
        self._publish(work, str(staging) if _is_staged(staging) else "")

    def _publish(self, work: Work, staging: str) -> None:
        context, secrets = _context(work), _text(work.remote.secret)
        if work.remote.tokens:
            (secrets if work.remote.tokens_are_secret else context)[TOKENS] = work.remote.tokens.decode()
        _driver(work).call(
            "NodePublishVolume", volume_id=work.remote.handle, publish_context=dict(work.remote.attached),
            staging_target_path=staging, target_path=str(work.target), volume_capability=_capability(work),
            readonly=work.read_only, secrets=secrets, volume_context=context,
        )  # fmt: skip

    def unmount(self, work: Work) -> None:
        try:
            _driver(work).call("NodeUnpublishVolume", volume_id=work.remote.handle, target_path=str(work.target))
        except ToolMissing:
            if linux.mounts_below(work.target):
                raise  # only its driver knows how it is let go of

    def detach(self, work: Work) -> None:
        staging = _staging(work)
        if staging.exists():
            try:
                _driver(work).call("NodeUnstageVolume", volume_id=work.remote.handle, staging_target_path=str(staging))
            except ToolMissing as error:
                if _is_staged(staging):
                    raise VolumeFailed(f"it is still staged: {error}") from error  # its driver has to come back
                raise
            trees.remove(staging)
        trees.remove(staging.parent)


def abandoned(shared: Path) -> Iterator[Work]:
    """What is staged on this node, or about to be, as if no pod had it: the mounter knows whether one has. Errors: OSError."""
    for record in sorted((shared / "csi").glob(f"*/{VOLUME}")):
        volume = records.read(record, VolumeSource)
        if volume is not None and isinstance(volume.remote, RemoteVolume) and volume.remote.plugin == "csi":
            yield Work(volume=volume, target=record.parent / "none", beside=record.parent / "none", shared=shared)


def _is_staged(staging: Path) -> bool:
    """A driver that mounts something there has done so; of another it is remembered, until the machine starts anew."""
    if mounted(staging):
        return True
    said = records.read(staging.parent / STAGED, Staged)
    return staging.exists() and said is not None and said.boot_id == linux.boot_id() and not said.mounted


def _without_pod(volume: VolumeSource) -> VolumeSource:
    remote = volume.remote
    assert isinstance(remote, RemoteVolume)
    return replace(volume, remote=replace(remote, secret={}, stage_secret={}, tokens=b"", pod={}))


def _name(work: Work) -> str:
    return str(work.remote.source.get("driver"))


def _driver(work: Work) -> Socket:
    return Socket(drivers.endpoint(work.shared, _name(work)))


def is_of(work: Work, driver: str, handle: str) -> bool:
    """Whether it is what a driver knows by this handle."""
    return work.remote.plugin == "csi" and _name(work) == driver and work.remote.handle == handle


def expand(work: Work, size_bytes: int) -> int:
    """Have a pod see the new size; -> it. Nothing where its driver does so by itself. Errors: VolumeFailed."""
    driver, staging = _driver(work), _staging(work)
    if not _can(driver, EXPANDS):
        return size_bytes
    if not mounted(work.target):
        raise VolumeFailed(f"the volume {work.remote.volume} is not mounted at {work.target} yet")
    answer = driver.call(
        "NodeExpandVolume", volume_id=work.remote.handle, volume_path=str(work.target),
        capacity_range={"required_bytes": size_bytes}, staging_target_path=str(staging) if mounted(staging) else "",
        volume_capability=_capability(work),
    )  # fmt: skip
    reached = int(answer.capacity_bytes) or size_bytes
    if reached < size_bytes:
        raise VolumeFailed(f"the driver {_name(work)} made it {reached} bytes large, and {size_bytes} were asked for")
    return reached


def _can(driver: Socket, what: int) -> bool:
    return any(c.rpc.type == what for c in driver.call("NodeGetCapabilities").capabilities)


def _staging(work: Work) -> Path:
    """Where it is staged: a name that is no path, whatever its handle is."""
    held = sha256(f"{_name(work)} {work.remote.handle}".encode()).hexdigest()
    return work.shared / "csi" / held / "globalmount"


def _capability(work: Work) -> Any:
    remote = work.remote
    mode = {"mode": MODES.get(remote.access_mode, MODES["ReadWriteOnce"])}
    if work.block:
        return messages_of()["VolumeCapability"](block={}, access_mode=mode)
    mount = {"fs_type": str(remote.source.get("fsType") or ""), "mount_flags": list(remote.mount_options)}
    if work.group is not None and _can(_driver(work), GIVES_TO_GROUP):
        mount["volume_mount_group"] = str(work.group)  # its driver does it
    return messages_of()["VolumeCapability"](mount=mount, access_mode=mode)


def _attributes(work: Work) -> dict[str, str]:
    """What is known of the volume, whoever uses it."""
    return dict(work.remote.source.get("volumeAttributes") or {})


def _context(work: Work) -> dict[str, str]:
    """The same, with what its driver is told of the pod."""
    pod = {f"csi.storage.k8s.io/{key}": value for key, value in work.remote.pod.items()}
    return {**_attributes(work), **pod}


def _text(secret: Any) -> dict[str, str]:
    return {key: value.decode(errors="replace") for key, value in secret.items()}
