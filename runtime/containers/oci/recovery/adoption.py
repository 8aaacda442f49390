"""Takes up what a node's earlier daemon left: pods that run go on, what was half made goes away, differences are told.

Tests: tests/runtime/containers/oci/test_exits.py, tests/runtime/containers/test_contract.py
"""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from shipslog.runtime.containers.lost import container_lost
from shipslog.runtime.containers.oci import container
from shipslog.runtime.containers.oci.container import RECORD_FILE, ContainerPlace, Exit
from shipslog.runtime.containers.oci.layout import Layout, container_id
from shipslog.runtime.containers.oci.pod_sandbox.sandbox import SANDBOX_FILE
from shipslog.runtime.containers.oci.pods import SCHEME, container_exited, container_started, sandbox_started
from shipslog.runtime.machine import linux
from shipslog.store.facts import ContainerExited, RuntimeFact, SandboxExited
from shipslog.store.state import ContainerRuntime, PodRuntime

from . import records
from .records import ContainerRecord, SandboxRecord


class FoundPod(Struct, frozen=True, kw_only=True):
    """One pod directory. `alive` says whether its pause process runs."""

    pod_uid: str
    sandbox: SandboxRecord | None
    alive: bool
    containers: tuple[ContainerRecord, ...] = ()  # those that started
    half_made: tuple[ContainerRecord, ...] = ()


def find(layout: Layout) -> tuple[FoundPod, ...]:
    """Everything that is written down, by pod uid."""
    found = []
    for entry in sorted(os.scandir(layout.pods), key=lambda entry: entry.name) if layout.pods.is_dir() else []:
        if not entry.is_dir(follow_symlinks=False):
            continue
        sandbox = records.read(Path(entry.path) / SANDBOX_FILE, SandboxRecord)
        alive = sandbox is not None and sandbox.ready and sandbox.pause is not None and sandbox.pause.alive
        all_records = sorted(containers_of(Path(entry.path)), key=lambda record: (record.container, record.attempt))
        found.append(
            FoundPod(
                pod_uid=entry.name,
                sandbox=sandbox,
                alive=alive,
                containers=tuple(record for record in all_records if record.phase == "started"),
                half_made=tuple(record for record in all_records if record.phase == "creating"),
            )
        )
    return tuple(found)


def containers_of(pod: Path) -> list[ContainerRecord]:
    """Every attempt that a pod's directory knows of."""
    found = []
    for path in pod.glob(f"containers/*/*/{RECORD_FILE}"):
        record = records.read(path, ContainerRecord)
        if record is not None:
            found.append(record)
    return found


def differences(
    node: str,
    found: Sequence[FoundPod],
    exits: dict[str, Exit],
    known: Sequence[PodRuntime],
    now_ns: int,
) -> list[RuntimeFact]:
    """What the log does not know yet, in an order that makes sense of it: starts before exits, containers before their
    sandbox. `exits` is by container id; a container that is not in it runs."""
    facts: list[RuntimeFact] = []
    by_uid = {pod.pod_uid: pod for pod in found}
    log = {pod.pod_uid: pod for pod in known}
    for uid in sorted(by_uid.keys() | log.keys()):
        here, logged = by_uid.get(uid), log.get(uid)
        facts += _pod_differences(node, here, logged, exits, now_ns)
    return facts


def _pod_differences(
    node: str, here: FoundPod | None, logged: PodRuntime | None, exits: dict[str, Exit], now_ns: int
) -> list[RuntimeFact]:
    facts: list[RuntimeFact] = []
    logged_sandbox = logged.sandbox_id if logged is not None else ""
    alive_id = here.sandbox.sandbox_id if here is not None and here.alive and here.sandbox is not None else ""
    if alive_id and here is not None and here.sandbox is not None and alive_id != logged_sandbox:
        facts.append(sandbox_started(node, here.sandbox))
    started = {(record.container, record.attempt): record for record in here.containers} if here is not None else {}
    logged_containers = dict(logged.containers) if logged is not None else {}
    for (name, attempt), record in sorted(started.items()):
        before = logged_containers.get(name)
        if before is not None and before.attempt > attempt:
            continue
        same = before is not None and before.attempt == attempt
        ended = exits.get(record.container_id)
        if not (same and before is not None and (before.running or before.exit is not None)):
            facts.append(container_started(node, record))
        if ended is not None and not (same and before is not None and before.exit is not None):
            facts.append(container_exited(node, record, ended))
    for name, before in sorted(logged_containers.items()):
        if before.running and (name, before.attempt) not in started:
            facts.append(_vanished(node, logged.pod_uid if logged is not None else "", before, now_ns))
    if logged_sandbox and logged is not None and alive_id != logged_sandbox and not alive_id:
        facts.append(SandboxExited(node=node, pod_uid=logged.pod_uid, sandbox_id=logged_sandbox))
    return facts


def _vanished(node: str, pod_uid: str, before: ContainerRuntime, now_ns: int) -> ContainerExited:
    lost = before.container_id or SCHEME + container_id(pod_uid, before.name, before.attempt)
    return container_lost(
        node, pod_uid, before.name, before.attempt, at_ns=now_ns, container_id=lost, started_at_ns=before.started_at_ns
    )


def stray_conmons(layout: Layout) -> dict[str, int]:
    """Every conmon of this node that runs: container id -> pid."""
    marker = str(layout.exits).encode()
    found = {}
    for entry in list(os.scandir("/proc")):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            argv = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            if marker in argv and b"-c" in argv:
                found[argv[argv.index(b"-c") + 1].decode()] = int(entry.name)
    return found


def with_process(record: ContainerRecord, bundle: Path) -> ContainerRecord:
    """A half-made record with the processes that its files name, so that they can be ended."""
    changes: dict[str, records.Process] = {}
    for field, name in (("process", "pid"), ("conmon", "conmon.pid")):
        with contextlib.suppress(OSError, ValueError):
            pid = int((bundle / name).read_text())
            if linux.process_start(pid):
                changes[field] = records.process(pid)
    return msgspec.structs.replace(record, **changes)


def exit_of(place: ContainerPlace, record: ContainerRecord, alive: bool) -> Exit | None:
    """How it ended; None while it runs and is watched. What runs unwatched, or without its sandbox, is ended."""
    ended = container.read_exit(place, record)
    if ended is not None:
        return ended
    watched = record.conmon is not None and record.conmon.alive
    if watched and not alive and record.process is not None:
        record.process.kill(9)
    if watched:
        for _ in range(0 if alive and record.process is not None and record.process.alive else 500):
            ended = container.read_exit(place, record)
            if ended is not None:
                return ended
            time.sleep(0.01)
        if alive and record.process is not None and record.process.alive:
            return None
    if record.process is not None:
        record.process.kill(9)
    return container.read_exit(place, record) or container.lost_exit(time.time_ns())
