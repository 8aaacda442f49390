"""The table of pods. The status column sums up what the containers do, as Kubernetes' printer does.

Tests: tests/engine/kinds/test_tables.py
"""

from typing import Any

from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age, duration, seconds_between, wide
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1

COLUMNS = (
    NAME,
    Column("Ready", "How many of the pod's containers accept traffic, of how many."),
    Column("Status", "What the containers of the pod do, summed up."),
    Column("Restarts", "How often containers of the pod were restarted, and when the last time was."),
    AGE,
    wide("IP", "The address of the pod; empty while it has none."),
    wide("Node", "The node that the pod is bound to."),
    wide("Nominated Node", "The node on which room is being made for the pod."),
    wide("Readiness Gates", "How many of the pod's own conditions for being ready hold, of how many."),
)
Statuses = tuple[core_v1.ContainerStatus, ...]


class Summary:
    """What the containers of a pod come to."""

    def __init__(self, pod: core_v1.Pod) -> None:
        sidecars = {c.name for c in pod.spec.init_containers if c.restart_policy == "Always"}
        self.total = len(pod.spec.containers) + len(sidecars)
        self.ready = self.restarts = 0
        self.last_restart = ""
        self.reason = pod.status.reason or pod.status.phase
        if any(c.type == "PodScheduled" and c.reason == "SchedulingGated" for c in pod.status.conditions):
            self.reason = "SchedulingGated"
        sidecar_restarts, sidecar_last = self._initial(pod, sidecars)
        if not self.initializing or _condition(pod, "Initialized"):
            self.restarts, self.last_restart = sidecar_restarts, sidecar_last
            self._regular(pod)
        if pod.metadata.deletion_timestamp:
            if pod.status.reason == "NodeLost":
                self.reason = "Unknown"
            elif pod.status.phase not in TERMINAL:
                self.reason = "Terminating"

    def _initial(self, pod: core_v1.Pod, sidecars: set[str]) -> tuple[int, str]:
        """The init containers: the first that is not done says where the pod is. -> restarts of the sidecars among them."""
        self.initializing = False
        restarts, last = 0, ""
        for done, status in enumerate(pod.status.init_container_statuses):
            self._count(status)
            state = status.state
            if status.name in sidecars:
                restarts += status.restart_count
                last = max(last, _ended(status))
            if state.terminated is not None and state.terminated.exit_code == 0:
                continue
            if status.name in sidecars and status.started:
                self.ready += status.ready
                continue
            self.initializing = True
            if state.terminated is not None:
                self.reason = "Init:" + _terminated(state.terminated)
            elif state.waiting is not None and state.waiting.reason not in ("", "PodInitializing"):
                self.reason = "Init:" + state.waiting.reason
            else:
                self.reason = f"Init:{done}/{len(pod.spec.init_containers)}"
            break
        return restarts, last

    def _regular(self, pod: core_v1.Pod) -> None:
        running = False
        for status in reversed(pod.status.container_statuses):
            self._count(status)
            state = status.state
            if state.waiting is not None and state.waiting.reason:
                self.reason = state.waiting.reason
            elif state.terminated is not None:
                self.reason = _terminated(state.terminated)
            elif status.ready and state.running is not None:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            self.reason = "Running" if _condition(pod, "Ready") else "NotReady"

    def _count(self, status: core_v1.ContainerStatus) -> None:
        self.restarts += status.restart_count
        self.last_restart = max(self.last_restart, _ended(status))


def cells(pod: core_v1.Pod, now_ns: int) -> list[Any]:
    summary = Summary(pod)
    restarts = str(summary.restarts)
    since = seconds_between(summary.last_restart, now_ns)
    if summary.restarts and since is not None:
        restarts += f" ({duration(since)} ago)"
    address = pod.status.pod_ips[0].ip if pod.status.pod_ips else pod.status.pod_ip
    gates = pod.spec.readiness_gates
    held = sum(_condition(pod, g.condition_type) for g in gates)
    return [
        pod.metadata.name,
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        age(pod.metadata.creation_timestamp, now_ns),
        address or NONE,
        pod.spec.node_name or NONE,
        pod.status.nominated_node_name or NONE,
        f"{held}/{len(gates)}" if gates else NONE,
    ]


def row_conditions(pod: core_v1.Pod) -> list[dict[str, str]]:
    """What a row says about itself: kubectl greys out pods that have ended."""
    if pod.status.phase == "Succeeded":
        return [
            {"type": "Completed", "status": "True", "reason": "Succeeded", "message": "The pod has completed successfully."}
        ]
    if pod.status.phase == "Failed":
        return [{"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."}]
    return []


def _terminated(state: core_v1.ContainerStateTerminated) -> str:
    if state.reason:
        return state.reason
    return f"Signal:{state.signal}" if state.signal else f"ExitCode:{state.exit_code}"


def _ended(status: core_v1.ContainerStatus) -> str:
    """When the run before this one ended; "" if there was none."""
    return status.last_state.terminated.finished_at if status.last_state.terminated is not None else ""


def _condition(pod: core_v1.Pod, name: str) -> bool:
    return any(c.type == name and c.status == "True" for c in pod.status.conditions)
