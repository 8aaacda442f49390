"""The control groups of a node's pods: one a pod, the containers' below it.

Tests: tests/runtime/containers/test_contract.py
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from shipslog.runtime.machine import trees
from shipslog.runtime.machine.environment import OciSettings
from shipslog.runtime.stats.groups import NO_LIMIT, integer, text

_CPU_PERIOD_US = 100_000


class Cgroups:
    """Paths and limits under version 1 and 2; does nothing where control groups are disabled."""

    def __init__(self, settings: OciSettings, instance: str) -> None:
        self._settings = settings
        self._enabled = settings.cgroup_manager != "disabled"
        self.top = f"/shipslog-{instance}"

    @property
    def enabled(self) -> bool:
        return self._enabled

    def pod_path(self, pod_uid: str) -> str:
        """The group of a whole pod; "" where there are none."""
        return f"{self.top}/{pod_uid}" if self._enabled else ""

    def path(self, pod_uid: str, container_id: str) -> str:
        """As config.json names it."""
        return f"{self.top}/{pod_uid}/{container_id[:24]}"

    def limit_pod(self, pod_uid: str, *, cpu_milli: int, memory_bytes: int, lift: bool = False) -> None:
        """Limits for all containers of a pod together; 0 for none. `lift`: none is said too, of a group that had one."""
        if not self._enabled or not (cpu_milli or memory_bytes or lift):
            return
        root, name = self._settings.cgroup_root, f"{self.top}/{pod_uid}".lstrip("/")
        quota = max(1000, cpu_milli * _CPU_PERIOD_US // 1000)
        if self._settings.cgroup_version == 2:
            for above in (root, root / self.top.lstrip("/")):
                above.mkdir(exist_ok=True)
                (above / "cgroup.subtree_control").write_text("+cpu +memory +pids")
            (root / name).mkdir(exist_ok=True)
            if cpu_milli or lift:
                (root / name / "cpu.max").write_text(f"{quota if cpu_milli else 'max'} {_CPU_PERIOD_US}")
            if memory_bytes or lift:
                (root / name / "memory.max").write_text(str(memory_bytes or "max"))
            return
        missing = self._settings.missing_controllers
        if (cpu_milli or lift) and "cpu" not in missing:
            (root / "cpu" / name).mkdir(parents=True, exist_ok=True)
            (root / "cpu" / name / "cpu.cfs_quota_us").write_text(str(quota if cpu_milli else -1))
        if (memory_bytes or lift) and "memory" not in missing:
            (root / "memory" / name).mkdir(parents=True, exist_ok=True)
            (root / "memory" / name / "memory.limit_in_bytes").write_text(str(memory_bytes or -1))

    def pod_limits(self, pod_uid: str) -> tuple[int, int]:
        """(millicores, bytes) that a pod has together; 0 for none."""
        root, name = self._settings.cgroup_root, f"{self.top}/{pod_uid}".lstrip("/")
        if self._settings.cgroup_version == 2:
            quota = text(str(root / name / "cpu.max")).partition(" ")[0]
            memory = text(str(root / name / "memory.max"))
        else:
            quota = text(str(root / "cpu" / name / "cpu.cfs_quota_us"))
            memory = text(str(root / "memory" / name / "memory.limit_in_bytes"))
        held = integer(memory)
        return integer(quota) * 1000 // _CPU_PERIOD_US, held if held < NO_LIMIT else 0

    def pods(self) -> set[str]:
        """The uids of those that have a group."""
        found: set[str] = set()
        for directory in self._directories(""):
            with contextlib.suppress(OSError):
                found |= {entry.name for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)}
        return found

    def kill_pod(self, pod_uid: str) -> None:
        """KILL whatever is left in the pod's groups."""
        for directory in self._directories(pod_uid):
            with contextlib.suppress(FileNotFoundError):
                for at, name in trees.walk(directory):
                    if name == "cgroup.procs":
                        _kill(at, name)

    def remove(self, pod_uid: str, container_id: str) -> bool:
        """Whether nothing is left of a container's groups: it has ended, and so has all that it had started."""
        name = self.path(pod_uid, container_id).removeprefix(f"{self.top}/")
        return self._enabled and all(_remove(directory) for directory in self._directories(name))

    def remove_pod(self, pod_uid: str, *, patience_s: float = 2.0) -> None:
        """Remove the pod's groups, waiting for the last processes to be gone."""
        deadline = time.monotonic() + patience_s
        for directory in self._directories(pod_uid):
            while not _remove(directory) and time.monotonic() < deadline:
                time.sleep(0.002)

    def remove_all(self) -> None:
        for directory in self._directories(""):
            _remove(directory)

    def _directories(self, pod_uid: str) -> list[Path]:
        if not self._enabled:
            return []
        name = f"{self.top}/{pod_uid}".strip("/")
        root = self._settings.cgroup_root
        if self._settings.cgroup_version == 2:
            return [root / name] if (root / name).is_dir() else []
        # "unified" too: crun makes directories there even where the file system is hidden from it
        return [entry / name for entry in root.iterdir() if (entry / name).is_dir()]


def _kill(at: int, name: str) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=at)
        with os.fdopen(descriptor) as file:
            for line in file:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(line), signal.SIGKILL)


def _remove(directory: Path) -> bool:
    """Whether the whole tree is gone. A container may have made groups below its own, as deep as it likes."""
    plain = "unified" in directory.parts  # where the cgroup2 is hidden crun leaves plain files

    def leave(at: int, name: str) -> None:
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=at)

    with contextlib.suppress(FileNotFoundError):
        for at, name in trees.walk(directory, leave=leave):
            if plain:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=at)
    with contextlib.suppress(OSError):
        directory.rmdir()
    return not directory.exists()
