"""What a CRI runtime says of a container, as facts. `status`: its ContainerStatus; `key`: uid of the pod, name, attempt.

Tests: tests/runtime/containers/test_contract.py
"""

from typing import Any

from shipslog.runtime.containers.settling import settles_ns
from shipslog.store.facts import ContainerExited, ContainerStarted


def started(node: str, runtime: str, key: tuple[str, str, int], status: Any) -> ContainerStarted:
    uid, name, attempt = key
    return ContainerStarted(
        node=node, pod_uid=uid, container=name, attempt=attempt, container_id=f"{runtime}://{status.id}",
        image_id=status.image_ref, at_ns=status.started_at or status.created_at, user=_user(status),
        settles_ns=settles_ns(attempt),
    )  # fmt: skip


def _user(status: Any) -> tuple[int, ...]:
    """() of a runtime that does not tell: containerd does from 2.0."""
    if not status.HasField("user") or not status.user.HasField("linux"):
        return ()
    told = status.user.linux
    return (int(told.uid), int(told.gid), *(int(group) for group in told.supplemental_groups))


def exited(node: str, runtime: str, key: tuple[str, str, int], status: Any, message: str) -> ContainerExited:
    (uid, name, attempt), code = key, status.exit_code
    return ContainerExited(
        node=node, pod_uid=uid, container=name, attempt=attempt, container_id=f"{runtime}://{status.id}",
        exit_code=code, reason=status.reason or ("Error" if code else "Completed"), message=message,
        started_at_ns=status.started_at, at_ns=status.finished_at,
    )  # fmt: skip
