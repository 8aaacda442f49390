"""What goes wrong on nodes, told in the daemon's own log as it is reported: what failed there, what ended, who is not ready."""

from collections.abc import Callable
from typing import Any

from shipslog.store.events import Event
from shipslog.store.facts import (
    ContainerExited,
    ContainerStartFailed,
    ImagePullFailed,
    LifecycleHookFailed,
    NetworkPoliciesFailed,
    ObjectFact,
    PodNetworkLost,
    PodNetworkMended,
    ProbeFlipped,
    RulesetFailed,
    SandboxExited,
    SandboxFailed,
    VolumeExpansionFailed,
    VolumeOperationFailed,
)
from shipslog.store.logger import logger
from shipslog.store.objects.types import core_v1
from shipslog.store.state import Entry
from shipslog.store.view import View

SHOWN = 300  # characters of what a node says

log = logger(__name__)


class NodeLog:
    """Give `on_event` every event that is durable."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            SandboxFailed: self._sandbox_failed,
            SandboxExited: self._sandbox_exited,
            PodNetworkLost: self._network_lost,
            PodNetworkMended: self._network_mended,
            ImagePullFailed: self._image_pull_failed,
            ContainerStartFailed: self._container_start_failed,
            ContainerExited: self._container_exited,
            LifecycleHookFailed: self._hook_failed,
            ProbeFlipped: self._probe_flipped,
            RulesetFailed: self._ruleset_failed,
            NetworkPoliciesFailed: self._policies_failed,
            VolumeOperationFailed: self._volume_failed,
            VolumeExpansionFailed: self._volume_failed,
        }

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        fact = event.fact
        if isinstance(fact, ObjectFact):
            if fact.resource == "nodes" and entry is not None and previous is not None:
                self._node_changed(entry.object, previous.object)
        elif tell := self._handlers.get(type(fact)):
            tell(fact)

    def _node_changed(self, node: core_v1.Node, before: core_v1.Node) -> None:
        was = {c.type: c.status for c in before.status.conditions}
        for condition in node.status.conditions:
            if condition.status == was.get(condition.type):
                continue
            good = condition.status == ("True" if condition.type == "Ready" else "False")
            if condition.type in was or not good:
                emit = log.info if good else log.warning
                emit(
                    "node_condition", node=node.metadata.name, condition=condition.type, status=condition.status,
                    reason=condition.reason, message=condition.message[:SHOWN],
                )  # fmt: skip

    def _pod(self, uid: str) -> str:
        entry = self._view.by_uid(uid)
        return f"{entry.object.metadata.namespace}/{entry.object.metadata.name}" if entry is not None else uid

    def _sandbox_failed(self, fact: SandboxFailed) -> None:
        log.warning(
            "pod_not_started", node=fact.node, pod=self._pod(fact.pod_uid), reason=fact.reason, message=fact.message[:SHOWN]
        )

    def _sandbox_exited(self, fact: SandboxExited) -> None:
        log.warning("pod_sandbox_gone", node=fact.node, pod=self._pod(fact.pod_uid))

    def _network_lost(self, fact: PodNetworkLost) -> None:
        log.warning("pod_cut_off", node=fact.node, pod=self._pod(fact.pod_uid), message=fact.message[:SHOWN])

    def _network_mended(self, fact: PodNetworkMended) -> None:
        log.warning("pod_network_mended", node=fact.node, pod=self._pod(fact.pod_uid), message=fact.message)

    def _image_pull_failed(self, fact: ImagePullFailed) -> None:
        log.warning("image_not_pulled", node=fact.node, image=fact.image, reason=fact.reason, message=fact.message[:SHOWN])

    def _container_start_failed(self, fact: ContainerStartFailed) -> None:
        log.warning(
            "container_not_started", node=fact.node, pod=self._pod(fact.pod_uid), container=fact.container,
            attempt=fact.attempt, reason=fact.reason, message=fact.message[:SHOWN],
        )  # fmt: skip

    def _hook_failed(self, fact: LifecycleHookFailed) -> None:
        log.warning(
            "lifecycle_hook_failed", node=fact.node, pod=self._pod(fact.pod_uid), container=fact.container,
            attempt=fact.attempt, hook=fact.hook, message=fact.message[:SHOWN],
        )  # fmt: skip

    def _container_exited(self, fact: ContainerExited) -> None:
        """The termination message is the program's own, and stays where its pod's readers find it."""
        entry = self._view.by_uid(fact.pod_uid)
        wanted = entry is None or bool(entry.object.metadata.deletion_timestamp)  # its end: somebody deleted the pod
        emit = log.info if fact.exit_code == 0 or wanted else log.warning
        emit(
            "container_exited", node=fact.node, pod=self._pod(fact.pod_uid), container=fact.container, attempt=fact.attempt,
            exit_code=fact.exit_code, signal=fact.signal, reason=fact.reason,
        )  # fmt: skip

    def _probe_flipped(self, fact: ProbeFlipped) -> None:
        emit = log.info if fact.healthy else log.warning
        emit(
            "probe", node=fact.node, pod=self._pod(fact.pod_uid), container=fact.container, probe=fact.probe,
            healthy=fact.healthy, message=fact.message[:SHOWN],
        )  # fmt: skip

    def _ruleset_failed(self, fact: RulesetFailed) -> None:
        log.warning("packet_rules_not_applied", node=fact.node, message=fact.message[:SHOWN])

    def _policies_failed(self, fact: NetworkPoliciesFailed) -> None:
        log.warning("network_policies_not_applied", node=fact.node, message=fact.message[:SHOWN])

    def _volume_failed(self, fact: VolumeOperationFailed | VolumeExpansionFailed) -> None:
        log.warning("volume_not_as_it_should_be", node=fact.node, volume=fact.volume, message=fact.message[:SHOWN])
