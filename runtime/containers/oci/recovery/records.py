"""What a node writes down about a pod and a container, so that it can take them up again after it was killed.

Tests: tests/runtime/containers/oci/test_images_in_use.py, tests/runtime/containers/test_hostile_containers.py
"""

import contextlib
import os
import signal
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from shipslog.runtime.commands import RunPodSandbox
from shipslog.runtime.machine import linux
from shipslog.store.facts import ContainerLimits

R = TypeVar("R", bound=Struct)


class Process(Struct, frozen=True):
    """A process that cannot be taken for another with the same number."""

    pid: int
    start: int  # clock ticks since boot
    boot: str

    @property
    def alive(self) -> bool:
        return self.start != 0 and self.boot == linux.boot_id() and linux.process_start(self.pid) == self.start

    def open(self) -> int | None:
        """A pidfd; None if it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except (ProcessLookupError, PermissionError):
            return None
        if self.alive:
            return descriptor
        os.close(descriptor)
        return None

    def kill(self, number: int) -> bool:
        """False if it was gone."""
        descriptor = self.open()
        if descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True


def process(pid: int) -> Process:
    return Process(pid, linux.process_start(pid), linux.boot_id())


class SandboxRecord(Struct, frozen=True, kw_only=True):
    """One sandbox of a pod. `ready` is written last."""

    request: RunPodSandbox  # without the content of files: secrets stay where they are mounted
    sandbox_id: str
    generation: int
    ip: str = ""
    ips: tuple[str, ...] = ()  # all that it has, `ip` first; () of an older version, which knew of one
    netns: str = ""
    link: str = ""
    first_id: int = 0  # of the machine's ids that are its own; 0: it has the machine's
    pause: Process | None = None
    ready: bool = False
    started_at_ns: int = 0

    @property
    def addresses(self) -> tuple[str, ...]:
        """One of each family; () with the host's network."""
        return self.ips or ((self.ip,) if self.ip else ())

    def open_network(self, names: Path) -> int:
        """A descriptor of its network namespace, whoever took its name away (`ip netns delete`). `names`: where namespaces have
        names. Errors: OSError."""
        if self.pause is not None and self.pause.alive:
            with contextlib.suppress(OSError):
                descriptor = os.open(f"/proc/{self.pause.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
                if self.pause.alive:
                    return descriptor
                os.close(descriptor)
        return os.open(names / self.netns, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def user_namespace(self) -> str:
        """A path of it, for one with users of its own."""
        return f"/proc/{self.pause.pid}/ns/user" if self.pause is not None else ""


class ContainerRecord(Struct, frozen=True, kw_only=True):
    """One attempt of a container."""

    container_id: str
    pod_uid: str
    container: str
    attempt: int
    image_id: str
    image: str = ""  # under which name it was asked for; of an older version nothing is known
    program: str = ""  # crun or runc; of an older version crun
    volume_images: tuple[tuple[str, str], ...] = ()  # (id, name) of those that it mounts
    phase: Literal["creating", "started", "failed"] = "creating"
    process: Process | None = None
    conmon: Process | None = None
    started_at_ns: int = 0
    stop_signal: int = 15
    tty: bool = False
    stdin: bool = False
    termination_message_path: str = ""
    termination_message_fallback_to_logs: bool = False
    user: tuple[int, ...] = ()  # of its first process: user, group, all groups; () of an older version
    killed: bool = False  # we sent KILL
    limits: ContainerLimits | None = None  # that it has; None of one that an older version made


def write(path: Path, record: Struct) -> None:
    """Atomically; readable for root only."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(record))
    partial.rename(path)


def read(path: Path, kind: type[R]) -> R | None:
    """None if there is none, or not a whole one."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None
