"""The calls of the CRI that a node needs, synchronous, to be made in threads. Source: cri-api/pkg/apis/runtime/v1/api.proto.

Tests: tests/runtime/containers/cri/test_exits.py, tests/runtime/containers/test_contract.py
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shipslog.runtime.node import RuntimeUnavailable
from shipslog.runtime.stats.usage import Usage
from shipslog.store.facts import ContainerLimits

from .mounts import Abilities, abilities

CALL_S, PULL_S = 120.0, 1800.0
OWNER = "shipslog.instance"
POD_UID, POD_NAME, NAMESPACE = "io.kubernetes.pod.uid", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace"
CONTAINER, ATTEMPT = "io.kubernetes.container.name", "io.kubernetes.container.restartCount"


class CallFailed(Exception):
    """The runtime refused or could not; the message is its own. `code` is gRPC's name for it."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class CriClient:
    """One connection. `name` and `version` are the runtime's own. Errors of all calls: CallFailed."""

    def __init__(self, socket: str, instance: str) -> None:
        try:
            import grpc
            from cri_api.v1 import api_pb2, api_pb2_grpc
        except ImportError as error:
            raise RuntimeUnavailable("the CRI needs two more packages: pip install 'shipslog[cri]'") from error
        path = socket.removeprefix("unix://")
        if not Path(path).exists():
            raise RuntimeUnavailable(f"there is no CRI socket at {path}; is the runtime running?")
        self.api: Any = api_pb2
        self._grpc: Any = grpc
        self._channel = grpc.insecure_channel(f"unix://{path}", options=[("grpc.max_receive_message_length", 16 << 20)])
        self._runtime = api_pb2_grpc.RuntimeServiceStub(self._channel)
        self._images = api_pb2_grpc.ImageServiceStub(self._channel)
        self._owner = {OWNER: instance}
        try:
            answer = self._call(self._runtime.Version, self.api.VersionRequest(), 10)
        except CallFailed as error:
            raise RuntimeUnavailable(f"{path} does not answer as a CRI v1 runtime: {error}") from error
        self.name, self.version = answer.runtime_name, answer.runtime_version

    def close(self) -> None:
        self._channel.close()

    def _call(self, method: Any, request: Any, timeout_s: float = CALL_S) -> Any:
        try:
            return method(request, timeout=timeout_s)
        except self._grpc.RpcError as error:
            raise CallFailed(error.code().name, error.details() or error.code().name) from error

    # --- sandboxes ---

    def run_sandbox(self, config: Any, handler: str = "") -> str:
        config.labels.update(self._owner)
        request = self.api.RunPodSandboxRequest(config=config, runtime_handler=handler)
        return str(self._call(self._runtime.RunPodSandbox, request).pod_sandbox_id)

    def user_namespaces(self, handler: str) -> bool:
        """Whether the runtime says that this handler of its own ("" for its default) has them."""
        features = self._features(handler)
        return features is not None and bool(features.user_namespaces)

    def abilities(self, handler: str) -> Abilities:
        """What of mounts the runtime can, with this handler."""
        return abilities(self.name, self.version, self._features(handler))

    def _features(self, handler: str) -> Any | None:
        known = self._call(self._runtime.Status, self.api.StatusRequest()).runtime_handlers
        return next((one.features for one in known if one.name == handler), None)

    def sandbox_ips(self, sandbox_id: str) -> tuple[str, tuple[str, ...]]:
        """(its address, "" with the host's network; all of them, that first, where there are several)"""
        status = self._call(self._runtime.PodSandboxStatus, self.api.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)).status
        first, others = str(status.network.ip), tuple(str(one.ip) for one in status.network.additional_ips)
        return first, (first, *others) if others else ()

    def sandboxes(self, pod_uid: str = "") -> list[Any]:
        """Those of this node, the newest first."""
        labels = {**self._owner, **({POD_UID: pod_uid} if pod_uid else {})}
        wanted = self.api.PodSandboxFilter(label_selector=labels)
        found = self._call(self._runtime.ListPodSandbox, self.api.ListPodSandboxRequest(filter=wanted)).items
        return sorted(found, key=lambda s: -s.created_at)

    def remove_sandbox(self, sandbox_id: str) -> None:
        self._call(self._runtime.StopPodSandbox, self.api.StopPodSandboxRequest(pod_sandbox_id=sandbox_id))
        self._call(self._runtime.RemovePodSandbox, self.api.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))

    # --- containers ---

    def create(self, sandbox_id: str, config: Any, sandbox: Any) -> str:
        config.labels.update(self._owner)
        request = self.api.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox)
        return str(self._call(self._runtime.CreateContainer, request).container_id)

    def start(self, container_id: str) -> None:
        self._call(self._runtime.StartContainer, self.api.StartContainerRequest(container_id=container_id))

    def stop(self, container_id: str, grace_s: int) -> None:
        request = self.api.StopContainerRequest(container_id=container_id, timeout=grace_s)
        self._call(self._runtime.StopContainer, request, CALL_S + grace_s)

    def reopen_log(self, container_id: str) -> None:
        self._call(self._runtime.ReopenContainerLog, self.api.ReopenContainerLogRequest(container_id=container_id))

    def remove(self, container_id: str) -> None:
        self._call(self._runtime.RemoveContainer, self.api.RemoveContainerRequest(container_id=container_id))

    def containers(self, labels: Mapping[str, str] | None = None) -> list[Any]:
        """Those of this node."""
        wanted = self.api.ContainerFilter(label_selector={**self._owner, **(labels or {})})
        return list(self._call(self._runtime.ListContainers, self.api.ListContainersRequest(filter=wanted)).containers)

    def status(self, container_id: str) -> Any:
        return self._call(self._runtime.ContainerStatus, self.api.ContainerStatusRequest(container_id=container_id)).status

    def usages(self) -> dict[str, Usage]:
        """By id: what the containers of this node have used, as the runtime measures it; {} of one that does not answer: it is
        asked again soon."""
        wanted = self.api.ContainerStatsFilter(label_selector=self._owner)
        try:
            found = self._call(self._runtime.ListContainerStats, self.api.ListContainerStatsRequest(filter=wanted)).stats
        except CallFailed:
            return {}
        return {one.attributes.id: _usage(one) for one in found}

    def update(self, container_id: str, limits: ContainerLimits) -> str:
        """Let a container that runs use more or less. -> why that could not be; "" if it could."""
        linux = self.api.LinuxContainerResources(cpu_shares=max(2, limits.cpu_request_milli * 1024 // 1000))
        if limits.cpu_limit_milli:
            linux.cpu_period, linux.cpu_quota = 100_000, max(1000, limits.cpu_limit_milli * 100)
        if limits.memory_limit_bytes:
            linux.memory_limit_in_bytes = limits.memory_limit_bytes
        request = self.api.UpdateContainerResourcesRequest(container_id=container_id, linux=linux)
        try:
            self._call(self._runtime.UpdateContainerResources, request)
        except CallFailed as error:
            return str(error)
        return ""

    # --- streams ---

    def exec_sync(self, container_id: str, argv: tuple[str, ...], timeout_s: float) -> tuple[int, bytes]:
        request = self.api.ExecSyncRequest(container_id=container_id, cmd=argv, timeout=max(int(timeout_s), 1))
        answer = self._call(self._runtime.ExecSync, request, timeout_s + 5)
        return int(answer.exit_code), bytes(answer.stdout + answer.stderr)

    def exec_url(self, container_id: str, argv: tuple[str, ...], *, stdin: bool, tty: bool) -> str:
        request = self.api.ExecRequest(
            container_id=container_id, cmd=argv, stdin=stdin, stdout=True, stderr=not tty, tty=tty
        )  # fmt: skip
        return str(self._call(self._runtime.Exec, request).url)

    def attach_url(self, container_id: str, *, stdin: bool, tty: bool) -> str:
        request = self.api.AttachRequest(container_id=container_id, stdin=stdin, stdout=True, stderr=not tty, tty=tty)
        return str(self._call(self._runtime.Attach, request).url)

    def port_url(self, sandbox_id: str, port: int) -> str:
        request = self.api.PortForwardRequest(pod_sandbox_id=sandbox_id, port=[port])
        return str(self._call(self._runtime.PortForward, request).url)

    # --- images ---

    def image(self, name: str) -> Any | None:
        """What is known of an image that is here; None if it is not."""
        request = self.api.ImageStatusRequest(image=self.api.ImageSpec(image=name))
        found = self._call(self._images.ImageStatus, request).image
        return found if found.id else None

    def pull(self, name: str, credentials: tuple[str, str] | None) -> str:
        auth = self.api.AuthConfig(username=credentials[0], password=credentials[1]) if credentials else None
        request = self.api.PullImageRequest(image=self.api.ImageSpec(image=name), auth=auth)
        return str(self._call(self._images.PullImage, request, PULL_S).image_ref)


def _usage(stats: Any) -> Usage:
    cpu, memory = stats.cpu, stats.memory
    return Usage(
        at_ns=int(cpu.timestamp or memory.timestamp), cpu_ns=int(cpu.usage_core_nano_seconds.value),
        memory_bytes=int(memory.usage_bytes.value or memory.working_set_bytes.value), rss_bytes=int(memory.rss_bytes.value),
        working_set_bytes=int(memory.working_set_bytes.value), page_faults=int(memory.page_faults.value),
        major_page_faults=int(memory.major_page_faults.value),
    )  # fmt: skip
