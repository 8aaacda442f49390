"""config.json of a container: a pure function from what the pod, the image and the machine say. OCI runtime spec 1.0.2.

Tests: tests/runtime/containers/test_contract.py
"""

import os
import stat
from pathlib import Path
from typing import Any

from msgspec import UNSET, Struct

from shipslog.runtime.commands import Mount, RunPodSandbox, Security, StartContainer
from shipslog.runtime.containers.masked import MASKED, READ_ONLY
from shipslog.runtime.images.documents import ImageConfig
from shipslog.runtime.machine.environment import ALL_CAPABILITIES, DEFAULT_CAPABILITIES, OciSettings
from shipslog.store.facts import ContainerLimits

from .image_user import User

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CPU_PERIOD_US = 100_000
_TTY_GROUP = 5


class NoCommand(Exception):
    """Neither the pod nor the image says what to run."""


class BlockDevice(Struct, frozen=True, kw_only=True):
    """A volume that a container sees as a device."""

    path: str  # in the container
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    read_only: bool


class Situation(Struct, frozen=True, kw_only=True):
    """What config.json is made from, besides the command itself."""

    pod: RunPodSandbox
    image: ImageConfig
    user: User
    rootfs: Path
    pod_directory: Path
    bundle: Path
    pause_pid: int
    seen_pid: int = 0  # whose pid namespace is shared, if any container's
    cgroups_path: str
    mounts: tuple[tuple[Mount, Path, tuple[str, ...]], ...]  # with the source on this node, and more options
    devices: tuple[BlockDevice, ...] = ()


def arguments(request: StartContainer, image: ImageConfig) -> tuple[str, ...]:
    """As Kubernetes merges them: `command` replaces the image's entrypoint and its arguments. Errors: NoCommand."""
    if request.command:
        found = request.command + request.args
    else:
        found = (image.entrypoint or ()) + (request.args or image.cmd or ())
    if not found:
        raise NoCommand("no command specified")
    return found


def environment(request: StartContainer, situation: Situation) -> list[str]:
    merged = {"PATH": DEFAULT_PATH, "HOSTNAME": situation.pod.hostname}
    if request.tty:
        merged["TERM"] = "xterm"
    merged.update(entry.partition("=")[::2] for entry in situation.image.env or ())
    merged.update(request.env)
    merged.setdefault("HOME", situation.user.home)
    return [f"{name}={value}" for name, value in merged.items()]


def capabilities(security: Security, settings: OciSettings) -> list[str]:
    """Docker's default set with what the pod adds and drops, within what this process may give."""
    if security.privileged:
        wanted = set(ALL_CAPABILITIES)
    else:
        added = {_capability(name) for name in security.capabilities_add}
        dropped = {_capability(name) for name in security.capabilities_drop}
        wanted = set(ALL_CAPABILITIES) if "CAP_ALL" in added else set(DEFAULT_CAPABILITIES)
        wanted = (set() if "CAP_ALL" in dropped else wanted - dropped) | (added & set(ALL_CAPABILITIES))
    return [name for name in settings.capabilities if name in wanted]


def _capability(name: str) -> str:
    return name.upper() if name.upper().startswith("CAP_") else f"CAP_{name.upper()}"


def build(request: StartContainer, situation: Situation, settings: OciSettings) -> dict[str, Any]:
    """The whole of config.json. Errors: NoCommand."""
    security = request.security
    allowed = capabilities(security, settings)
    root = situation.user.uid == 0
    given = {kind: allowed if kind == "bounding" or root else [] for kind in ("bounding", "effective", "permitted")}
    given |= {"inheritable": [], "ambient": []}
    user, bare = situation.user, security.privileged or security.proc_unmasked is True
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": request.tty,
            "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)},
            "args": list(arguments(request, situation.image)),
            "env": environment(request, situation),
            "cwd": request.working_dir or situation.image.working_dir or "/",
            "capabilities": given,
            "noNewPrivileges": not security.allow_privilege_escalation,
            "oomScoreAdj": max(request.oom_score_adj, settings.oom_score_adj_min),
        },
        "root": {"path": str(situation.rootfs), "readonly": security.read_only_root},
        "mounts": _mounts(request, situation, settings),
        "linux": {
            "namespaces": _namespaces(situation),
            "resources": _resources(request, settings, situation.devices),
            "cgroupsPath": situation.cgroups_path,
            "devices": [*(_host_devices() if security.privileged else []), *map(_device, situation.devices)],
            "maskedPaths": [] if bare else list(MASKED),
            "readonlyPaths": [] if bare else list(READ_ONLY),
        },
    }


def _namespaces(situation: Situation) -> list[dict[str, str]]:
    pod, held = situation.pod, f"/proc/{situation.pause_pid}/ns"
    found = [{"type": "mount"}]
    if pod.own_users is True:
        found.append({"type": "user", "path": f"{held}/user"})
    if not pod.host_network:
        found += [{"type": "network", "path": f"{held}/net"}, {"type": "uts", "path": f"{held}/uts"}]
    if not pod.host_ipc:
        found.append({"type": "ipc", "path": f"{held}/ipc"})
    if situation.seen_pid:
        found.append({"type": "pid", "path": f"/proc/{situation.seen_pid}/ns/pid"})
    elif pod.share_process_namespace:
        found.append({"type": "pid", "path": f"{held}/pid"})
    elif not pod.host_pid:
        found.append({"type": "pid"})
    return found


def _device(device: BlockDevice) -> dict[str, Any]:
    number = {"major": device.major, "minor": device.minor}
    return {"path": device.path, "type": "b", **number, "fileMode": device.mode, "uid": device.uid, "gid": device.gid}


def _resources(request: StartContainer, settings: OciSettings, devices: tuple[BlockDevice, ...] = ()) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [{"allow": request.security.privileged, "access": "rwm"}]
    for one in () if request.security.privileged else devices:
        access = "rm" if one.read_only else "rwm"
        rules.append({"allow": True, "type": "b", "major": one.major, "minor": one.minor, "access": access})
    if settings.cgroup_manager == "disabled":
        return {}
    return {"devices": rules, **limits(request.limits, settings), **_huge_pages(request, settings)}


def _huge_pages(request: StartContainer, settings: OciSettings) -> dict[str, Any]:
    """Where the kernel counts them; elsewhere there are as many as the machine has."""
    if not request.huge_pages or not _counts_huge_pages(settings):
        return {}
    sizes = {size: size.replace("Ki", "KB").replace("Mi", "MB").replace("Gi", "GB") for size in request.huge_pages}
    return {"hugepageLimits": [{"pageSize": sizes[size], "limit": n} for size, n in request.huge_pages.items()]}


def _counts_huge_pages(settings: OciSettings) -> bool:
    root = settings.cgroup_root
    if settings.cgroup_version == 2:
        return "hugetlb" in (root / "cgroup.controllers").read_text().split()
    return (root / "hugetlb").exists()


def limits(wanted: ContainerLimits, settings: OciSettings) -> dict[str, Any]:
    """What a container may use, as the OCI runtime specification words it: for a new one, and for one that runs."""
    found: dict[str, Any] = {}
    cpu: dict[str, int] = {"shares": max(2, wanted.cpu_request_milli * 1024 // 1000)}
    if wanted.cpu_limit_milli:
        cpu |= {"period": _CPU_PERIOD_US, "quota": max(1000, wanted.cpu_limit_milli * _CPU_PERIOD_US // 1000)}
    if "cpu" not in settings.missing_controllers:
        found["cpu"] = cpu
    if wanted.memory_limit_bytes and "memory" not in settings.missing_controllers:
        found["memory"] = {"limit": wanted.memory_limit_bytes}
        if _swap_is_limited(settings):
            found["memory"]["swap"] = wanted.memory_limit_bytes
    return found


def _swap_is_limited(settings: OciSettings) -> bool:
    return settings.cgroup_version == 2 or (settings.cgroup_root / "memory/memory.memsw.limit_in_bytes").exists()


def _mounts(request: StartContainer, situation: Situation, settings: OciSettings) -> list[dict[str, Any]]:
    writable = "rw" if request.security.privileged else "ro"
    kernel = ["nosuid", "noexec", "nodev"]
    pod = situation.pod_directory
    terminals = [f"gid={_TTY_GROUP}"] if settings.ids > _TTY_GROUP else []
    found = [
        _entry("/proc", "proc", "proc", kernel),
        _entry("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _entry("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *terminals]),
        _entry("/dev/mqueue", "mqueue", "mqueue", kernel),
        _sysfs(situation, writable),
    ]
    if settings.cgroup_manager != "disabled":
        found.append(_entry("/sys/fs/cgroup", "cgroup", "cgroup", [*kernel, "relatime", writable]))
    taken = {mount.path.rstrip("/") or "/" for mount, _, _ in situation.mounts}
    shm = Path("/dev/shm") if situation.pod.host_ipc else pod / "shm"
    own = [("/dev/shm", shm, "rw")]
    files = "ro" if request.security.read_only_root else "rw"
    own += [(f"/etc/{name}", pod / name, files) for name in ("hosts", "resolv.conf", "hostname")]
    own.append((request.termination_message_path, situation.bundle / "termination-log", "rw"))
    found += [_bind(path, source, [mode, "rprivate"]) for path, source, mode in own if path and path not in taken]
    for mount, source, more in sorted(situation.mounts, key=lambda one: one[0].path.count("/")):
        spread = {"HostToContainer": "rslave", "Bidirectional": "rshared"}.get(mount.propagation, "rprivate")
        mode = "rw" if not mount.read_only else "ro" if mount.recursive is UNSET else "rro"
        found.append(_bind(mount.path, source, [mode, spread, *more]))
    return found


def _sysfs(situation: Situation, writable: str) -> dict[str, Any]:
    if situation.pod.host_network and writable == "ro":
        return _entry("/sys", "none", "/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"])
    return _entry("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", writable])


def _entry(destination: str, kind: str, source: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": options}


def _bind(destination: str, source: Path, options: list[str]) -> dict[str, Any]:
    return _entry(destination, "bind", str(source), ["rbind", *options])


def _host_devices() -> list[dict[str, Any]]:
    found = []
    skipped = {"/dev/shm", "/dev/pts", "/dev/mqueue", "/dev/fd"}
    for top, names, files in os.walk("/dev"):
        names[:] = [name for name in names if os.path.join(top, name) not in skipped]
        for name in files:
            path = os.path.join(top, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if not stat.S_ISCHR(status.st_mode) and not stat.S_ISBLK(status.st_mode):
                continue
            kind = "c" if stat.S_ISCHR(status.st_mode) else "b"
            number = {"major": os.major(status.st_rdev), "minor": os.minor(status.st_rdev)}
            found.append(
                {
                    "path": path,
                    "type": kind,
                    **number,
                    "fileMode": status.st_mode & 0o777,
                    "uid": status.st_uid,
                    "gid": status.st_gid,
                }
            )
    return found
