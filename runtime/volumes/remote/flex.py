"""FlexVolumes: a program on the node that is told what to do by its arguments and answers in JSON.

    BESIDE/driver.json    what it can, as it said before anything else was asked of it

Source: Kubernetes' flexvolume plugin and its interface for drivers.
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from shipslog.runtime.containers.oci.recovery import records
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.objects.types import core_v1

from . import tools
from .plugin import Plugin, Work
from .tools import ToolFailed, ToolMissing

DIRECTORY = Path("/usr/libexec/kubernetes/kubelet-plugins/volume/exec")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CAPABILITIES = "driver.json"


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a driver says that it does."""

    attach: bool
    fs_group: bool


class FlexVolume(Plugin):
    """Those that mount by themselves (`"attach": false`), and those that bring a device which the node attaches first."""

    def gives_to_group(self, work: Work) -> bool:
        return _capabilities(work).fs_group

    def key(self, work: Work) -> str:
        source = work.source(core_v1.FlexVolumeSource)
        return f"flexVolume {'/'.join(_parts(source.driver))} {json.dumps(source.options, sort_keys=True)}"

    def attach(self, work: Work) -> str:
        if not _attaches(work):
            return ""
        options = _options(work)
        device = str(_call(work, "attach", options, os.uname().nodename).get("device", ""))
        return str(_call(work, "waitforattach", device, options).get("device", device))

    def mount(self, work: Work, device: str) -> None:
        options = _options(work)
        if not _attaches(work):
            _call(work, "mount", str(work.target), options)
        else:
            _call(work, "mountdevice", str(work.target), device, options)

    def unmount(self, work: Work) -> None:
        if tools.mounted(work.target):
            _call(work, "unmountdevice" if _attaches(work) else "unmount", str(work.target))

    def detach(self, work: Work) -> None:
        try:
            attaches = _attaches(work)
        except VolumeFailed:
            return  # it never said what it can, so nothing else was asked of it
        if attaches:
            _call(work, "detach", work.remote.volume or work.volume.name, os.uname().nodename)


def _attaches(work: Work) -> bool:
    return _capabilities(work).attach


def _capabilities(work: Work) -> Capabilities:
    """Asked once for a volume of a pod, so that what it brought is taken back in the same way. Errors: VolumeFailed."""
    kept = work.beside / CAPABILITIES
    held = records.read(kept, Capabilities)
    if held is None:
        said = _call(work, "init").get("capabilities") or {}
        held = Capabilities(attach=bool(said.get("attach", True)), fs_group=bool(said.get("fsGroup", True)))
        if work.beside.is_dir():
            records.write(kept, held)
    return held


def _options(work: Work) -> str:
    """As the driver gets them."""
    source, remote = work.source(core_v1.FlexVolumeSource), work.remote
    from_cluster = {
        "kubernetes.io/fsType": source.fs_type or "ext4",
        "kubernetes.io/readwrite": "ro" if work.read_only else "rw",
        "kubernetes.io/pvOrVolumeName": remote.volume or work.volume.name,
        **{f"kubernetes.io/{key}": value for key, value in remote.pod.items()},
        **{f"kubernetes.io/secret/{key}": b64encode(value).decode() for key, value in remote.secret.items()},
    }
    return json.dumps({**source.options, **from_cluster}, sort_keys=True)


def _parts(driver: str) -> tuple[str, ...]:
    vendor, slash, name = driver.rpartition("/")
    parts = (vendor, name) if slash else (name,)
    if not all(NAME.fullmatch(part) for part in parts):
        raise VolumeFailed(f"{driver[:80]!r} is no name of a driver: VENDOR/NAME")
    return parts


def _program(driver: str) -> str:
    parts = _parts(driver)
    path = DIRECTORY / "~".join(parts) / parts[-1]
    if not path.is_file():
        raise ToolMissing(f"no volume plugin matched: the driver {driver} is not at {path}")
    return str(path)


def _call(work: Work, *arguments: str) -> Mapping[str, Any]:
    """Its answer. Errors: VolumeFailed where it says that it failed, or nothing that can be read."""
    program, driver = _program(work.source(core_v1.FlexVolumeSource).driver), work.remote.source.get("driver")
    try:
        code, output = tools.run(program, *arguments)
    except ToolFailed as error:
        code, output = error.code, error.output
    try:
        answer = json.loads(output)
        status = answer["status"]
    except (ValueError, TypeError, KeyError):
        raise VolumeFailed(
            f"driver {driver}: {arguments[0]} answered with exit status {code} and no status: {output}"
        ) from None
    if status == "Not supported" and arguments[0] in ("waitforattach", "detach", "init", "unmountdevice"):
        return {}
    if status != "Success" or code != 0:
        raise VolumeFailed(f"driver {driver}: {arguments[0]}: {status}: {answer.get('message', '')}")
    return dict(answer)
