"""The shell around a plain process: it writes what the process says line by line, and how it ended.

Tests: tests/runtime/containers/test_contract.py
"""

import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from shipslog.runtime.machine.descriptors import inherited
from shipslog.store.facts import ContainerLimits

# $1 its own directory, $2 where it runs: output line by line as conmon writes it, the exit code when all is over.
SHELL = r"""
d=$1; cd "$2" || exit 1; shift 2
now() { date -u +%Y-%m-%dT%H:%M:%S.%NZ; }
stamp() { while IFS= read -r line || [ -n "$line" ]; do printf '%s %s F %s\n' "$(now)" "$1" "$line"; done; }
mkfifo "$d/out" "$d/err"
stamp stdout < "$d/out" >> "$d/log" & a=$!
stamp stderr < "$d/err" >> "$d/log" & b=$!
setsid "$@" > "$d/out" 2> "$d/err" < /dev/null & pid=$!
echo $pid > "$d/pid"
trap 'kill -TERM -$pid' TERM
wait $pid; code=$?
while kill -0 $pid 2>/dev/null; do wait $pid; code=$?; done
wait $a $b
echo $code > "$d/exit.partial"; mv "$d/exit.partial" "$d/exit"
"""


class ProcessRecord(Struct, frozen=True, kw_only=True):
    """One attempt, as it is written down beside its log."""

    pod_uid: str
    container: str
    attempt: int
    started_at_ns: int
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    limits: ContainerLimits | None = None  # that it was asked to keep; nothing here makes it

    @property
    def container_id(self) -> str:
        return f"shipslog://process-{self.pod_uid}-{self.container}-{self.attempt}"


def spawned(directory: Path, record: ProcessRecord, argv: list[str]) -> int:
    """The shell of a container; its pid."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        actions: list[Any] = [(os.POSIX_SPAWN_DUP2, null, target) for target in (0, 1, 2)]
        actions += [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in inherited()]
        arguments = ["/bin/sh", "-c", SHELL, "shipslog-container", str(directory), record.working_dir or str(directory)]
        environment = environment_of(directory, record)
        return os.posix_spawn("/bin/sh", [*arguments, *argv], environment, file_actions=actions, setsid=True)
    finally:
        os.close(null)


def environment_of(directory: Path, record: ProcessRecord) -> dict[str, str]:
    """The container's own, and where programs and home are; nothing of the daemon's."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(directory), **dict(record.env)}
