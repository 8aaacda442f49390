"""What differs from machine to machine, found out once: the one place where root and rootless part.

Tests: tests/runtime/machine/test_environment.py, tests/runtime/rootless/test_rootless.py
"""

import os
import platform
import shutil
from pathlib import Path
from typing import Any

from msgspec import Struct

from shipslog.runtime.node import RuntimeUnavailable

_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
ALL_IDS = (1 << 32) - 1  # of the machine itself
CONTROLLERS = ("cpu", "memory", "pids")  # of version 1, each a file system of its own: what the limits of pods need
# Docker's default set: what an image may count on.
DEFAULT_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)
# In the order of their numbers (linux/capability.h).
ALL_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)


class OciSettings(Struct, frozen=True, kw_only=True):
    """How containers are made on this machine."""

    crun: str = "/usr/bin/crun"
    conmon: str = "/usr/bin/conmon"
    runc: str = ""  # for the RuntimeClass of that handler; "" where it is not installed
    skopeo: str = "/usr/bin/skopeo"
    nft: str = "/usr/sbin/nft"
    cgroup_manager: str = "cgroupfs"  # or disabled: no limits, no statistics
    cgroup_root: Path = Path("/sys/fs/cgroup")
    cgroup_version: int = 1
    missing_controllers: tuple[str, ...] = ()  # of CONTROLLERS: what they would limit is not limited
    hide_unified: bool = False  # a hybrid layout: crun refuses it while the cgroup2 is to be seen
    capabilities: tuple[str, ...] = ALL_CAPABILITIES  # what may be given at all: the bounding set
    oom_score_adj_min: int = -1000  # the lowest that we may give
    overlay_options: str = ""  # userxattr in a user namespace
    ids: int = ALL_IDS  # how many user ids there are: a user namespace has fewer
    workers: int = 4  # pods and containers that are made at the same time

    @property
    def rootless(self) -> bool:
        return self.ids < ALL_IDS


def detect(*, run_checks: bool = True) -> OciSettings:
    """The settings for this machine and this process. Errors: RuntimeUnavailable, naming what to install."""
    paths: dict[str, Any] = {}
    for name in ("crun", "conmon", "skopeo", "nft"):
        found = shutil.which(name, path=_PATH)
        if found is None and run_checks:
            package = "nftables" if name == "nft" else name
            raise RuntimeUnavailable(f"{name} is not installed; on Debian: apt-get install {package}")
        paths[name] = found or name
    if run_checks and not _has_overlay():
        raise RuntimeUnavailable("this kernel has no overlay file system; load it with: modprobe overlay")
    bounding = int(_status_field("CapBnd"), 16)
    capabilities = tuple(name for number, name in enumerate(ALL_CAPABILITIES) if bounding >> number & 1)
    ids = mapped_ids()
    rootless = ids < ALL_IDS
    root = Path("/sys/fs/cgroup")
    unified = (root / "cgroup.controllers").exists()
    managed = not rootless and (
        os.access(root, os.W_OK) if unified else has_groups(root, Path("/proc/self/cgroup").read_text())
    )
    return OciSettings(
        **paths,
        runc="" if rootless else shutil.which("runc", path=_PATH) or "",
        cgroup_manager="cgroupfs" if managed else "disabled",
        cgroup_version=2 if unified else 1,
        missing_controllers=() if rootless or (managed and unified) else missing_controllers(root) if managed else CONTROLLERS,
        hide_unified=not unified and (root / "unified" / "cgroup.procs").exists(),
        capabilities=capabilities,
        oom_score_adj_min=-1000 if "CAP_SYS_RESOURCE" in capabilities else int(Path("/proc/self/oom_score_adj").read_text()),
        overlay_options="userxattr" if rootless else "",
        ids=ids,
    )


def has_groups(root: Path, listed: str) -> bool:
    """Whether containers can have control groups of version 1 below `root`. systemd keeps the directory itself read-only: then
    all that a process is in (`listed`: /proc/self/cgroup) must be there, since crun makes a group in each."""
    if os.access(root, os.W_OK):
        return True
    names = [line.split(":")[1].removeprefix("name=") for line in listed.splitlines()]
    places = [root / name for name in names if name]
    return bool(places) and all(os.access(place / "cgroup.procs", os.W_OK) for place in places)


def missing_controllers(root: Path) -> tuple[str, ...]:
    """Which of CONTROLLERS of version 1 are not mounted there, or not to be written to. What is above them may be read-only:
    systemd keeps it so."""
    return tuple(name for name in CONTROLLERS if not os.access(root / name / "cgroup.procs", os.W_OK))


def mapped_ids() -> int:
    """How many user ids this process's user namespace has."""
    return sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())


def _status_field(name: str) -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1]
    raise RuntimeUnavailable(f"/proc/self/status has no {name}")


def _has_overlay() -> bool:
    if "overlay" in Path("/proc/filesystems").read_text().split():
        return True
    return (Path("/lib/modules") / platform.release() / "kernel/fs/overlayfs").exists()
