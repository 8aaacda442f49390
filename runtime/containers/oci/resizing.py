"""Lets a container that runs use more or less: crun changes its group, and the pod's group is kept around them.

Source: `crun update`, KEP-1287. It blocks: in a thread of the node's mount namespace.

Tests: tests/runtime/containers/test_contract.py
"""

import json
import subprocess
from pathlib import Path

import msgspec

from shipslog.runtime.commands import UpdateContainerResources
from shipslog.runtime.containers.oci.recovery.records import ContainerRecord
from shipslog.runtime.stats.groups import groups_of

from . import container
from .config import config_json
from .container import RECORD_FILE, ContainerPlace
from .recovery import records

CRUN_S = 30.0


class ResizeFailed(Exception):
    """The kernel, or crun, did not take it; the container has what it had."""


def resize(
    place: ContainerPlace, record: ContainerRecord, command: UpdateContainerResources, bundle: Path
) -> tuple[ContainerRecord, str]:
    """-> (the record with what it has now, why it has not what was asked for; "" if it has)."""
    try:
        return _resized(place, record, command, bundle), ""
    except (ResizeFailed, OSError) as error:
        return record, str(error)


def _resized(
    place: ContainerPlace, record: ContainerRecord, command: UpdateContainerResources, bundle: Path
) -> ContainerRecord:
    groups, settings = place.cgroups, place.settings
    if groups.enabled:
        _check_memory(place, record, command)
        cpu, memory = command.pod_cpu_limit_milli, command.pod_memory_limit_bytes
        # strictly in this order: at no time may a container have more than its pod, nor the pod less than it was promised
        before = groups.pod_limits(record.pod_uid)
        groups.limit_pod(record.pod_uid, cpu_milli=_larger(before[0], cpu), memory_bytes=_larger(before[1], memory), lift=True)
        try:
            _update(place, record, config_json.limits(command.limits, settings))
        except BaseException:
            groups.limit_pod(record.pod_uid, cpu_milli=before[0], memory_bytes=before[1], lift=True)
            raise
        groups.limit_pod(record.pod_uid, cpu_milli=cpu, memory_bytes=memory, lift=True)
    changed = msgspec.structs.replace(record, limits=command.limits)
    records.write(bundle / RECORD_FILE, changed)
    return changed


def _larger(one: int, other: int) -> int:
    """Of two limits, of which 0 is none."""
    return max(one, other) if one and other else 0


def _check_memory(place: ContainerPlace, record: ContainerRecord, command: UpdateContainerResources) -> None:
    """A limit below what is in use would end the container, or hang: better it keeps what it has. As kubelet words it."""
    wanted = command.limits.memory_limit_bytes
    path = place.cgroups.path(record.pod_uid, record.container_id)
    usage = groups_of(place.settings.cgroup_root, place.settings.cgroup_version).read(path, 0)
    if wanted and usage is not None and usage.working_set_bytes > wanted:
        used = usage.working_set_bytes
        raise ResizeFailed(f"attempting to set container memory limit ({wanted}) below current usage ({used})")


def _update(place: ContainerPlace, record: ContainerRecord, resources: dict[str, object]) -> None:
    command = container.crun(place, record, "update", "--resources", "/dev/stdin", record.container_id)
    try:
        done = subprocess.run(
            command, input=json.dumps(resources).encode(), capture_output=True, check=False, timeout=CRUN_S
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ResizeFailed(f"crun did not update the container within {CRUN_S:g} s") from error
    if done.returncode:
        raise ResizeFailed(container.oci_message(done.stderr.decode(errors="replace"), "update"))
