"""Volumes of CSI drivers: staged once for the node where the driver wants that, published to each pod.

Source: the kubelet's csi plugin. Where the driver of a name listens its registration has written down (drivers.py).
"""

import contextlib
from hashlib import sha256
from pathlib import Path
from typing import Any

from shipslog.runtime import trees
from shipslog.runtime.containers.oci import linux
from shipslog.runtime.volumes.failed import VolumeFailed

from . import drivers
from .csi_client import Socket, messages_of
from .plugin import Plugin, Work
from .tools import ToolMissing, mounted

STAGES, TAKES_GROUP = 1, 6  # capabilities of a node service: STAGE_UNSTAGE_VOLUME, VOLUME_MOUNT_GROUP
MODES = {"ReadWriteOnce": 1, "ReadOnlyMany": 3, "ReadWriteMany": 5, "ReadWriteOncePod": 1}


class Csi(Plugin):
    def gives_to_group(self, work: Work) -> bool:
        """As fsGroupPolicy ReadWriteOnceWithFSType: where there is a file system, and one writer."""
        return bool(work.remote.source.get("fsType")) and work.remote.access_mode in ("ReadWriteOnce", "ReadWriteOncePod")

    def key(self, work: Work) -> str:
        return f"csi {_name(work)} {work.remote.handle}"

    def attach(self, work: Work) -> str:
        driver = _driver(work)
        if not work.remote.volume or not _stages(driver):
            return ""
        staging = _staging(work)
        if mounted(staging):
            return str(staging)
        staging.mkdir(parents=True, exist_ok=True, mode=0o750)
        driver.call(
            "NodeStageVolume", volume_id=work.remote.handle, publish_context=dict(work.remote.attached),
            staging_target_path=str(staging), volume_capability=_capability(work),
            secrets=_text(work.remote.stage_secret), volume_context=_context(work),
        )  # fmt: skip
        return str(staging)

    def mount(self, work: Work, device: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            work.target.rmdir()  # its driver makes it
        _driver(work).call(
            "NodePublishVolume", volume_id=work.remote.handle, publish_context=dict(work.remote.attached),
            staging_target_path=device, target_path=str(work.target), volume_capability=_capability(work),
            readonly=work.read_only, secrets=_text(work.remote.secret), volume_context=_context(work),
        )  # fmt: skip
        if not work.target.exists():
            raise VolumeFailed(f"the driver {_name(work)} says that it has published the volume, and made no {work.target}")

    def unmount(self, work: Work) -> None:
        try:
            _driver(work).call("NodeUnpublishVolume", volume_id=work.remote.handle, target_path=str(work.target))
        except ToolMissing:
            if linux.mounts_below(work.target):
                raise  # only its driver knows how it is let go of

    def detach(self, work: Work) -> None:
        staging = _staging(work)
        if not staging.exists():
            return
        _driver(work).call("NodeUnstageVolume", volume_id=work.remote.handle, staging_target_path=str(staging))
        trees.remove(staging)


def _name(work: Work) -> str:
    return str(work.remote.source.get("driver"))


def _driver(work: Work) -> Socket:
    return Socket(drivers.endpoint(work.shared, _name(work)))


def _stages(driver: Socket) -> bool:
    return any(c.rpc.type == STAGES for c in driver.call("NodeGetCapabilities").capabilities)


def _staging(work: Work) -> Path:
    """Where it is staged: a name that is no path, whatever its handle is."""
    held = sha256(f"{_name(work)} {work.remote.handle}".encode()).hexdigest()
    return work.shared / "csi" / held / "globalmount"


def _capability(work: Work) -> Any:
    remote = work.remote
    mount = {"fs_type": str(remote.source.get("fsType") or ""), "mount_flags": list(remote.mount_options)}
    mode = {"mode": MODES.get(remote.access_mode, MODES["ReadWriteOnce"])}
    return messages_of()["VolumeCapability"](mount=mount, access_mode=mode)


def _context(work: Work) -> dict[str, str]:
    pod = {f"csi.storage.k8s.io/{key}": value for key, value in work.remote.pod.items()}
    return {**(work.remote.source.get("volumeAttributes") or {}), **pod}


def _text(secret: Any) -> dict[str, str]:
    return {key: value.decode(errors="replace") for key, value in secret.items()}
