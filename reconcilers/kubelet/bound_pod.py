"""One pod on its node: the object, what runs of it, and what the rules ask about both.

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from shipslog.store.facts import ContainerExited, NodeObserved
from shipslog.store.families import one_each
from shipslog.store.objects.types import core_v1
from shipslog.store.state import ContainerRuntime, PodRuntime
from shipslog.store.view import View

AnyContainer = core_v1.Container | core_v1.EphemeralContainer


class BoundPod(Struct, frozen=True, dict=True):
    """What `decide` looks at: a pod that is bound to `node`, at the instant `now` (ns UTC)."""

    view: View
    node: str
    pod: core_v1.Pod
    runtime: PodRuntime | None  # None before its first fact and after its sandbox is removed
    observed: NodeObserved
    now: int
    resize_reason: str = ""  # why it has not all that its object asks for: Deferred, Infeasible
    resize_message: str = ""

    @property
    def uid(self) -> str:
        return self.pod.metadata.uid

    @property
    def spec(self) -> core_v1.PodSpec:
        return self.pod.spec

    @property
    def restart_policy(self) -> str:
        return self.pod.spec.restart_policy or "Always"

    @property
    def grace_period_s(self) -> int:
        grace_s = self.pod.spec.termination_grace_period_seconds
        return 30 if grace_s is None else grace_s

    @property
    def sandbox_up(self) -> bool:
        return self.runtime is not None and bool(self.runtime.sandbox_id)

    @property
    def host_ip(self) -> str:
        return next((address for kind, address in self.observed.addresses if kind == "InternalIP"), "")

    @property
    def host_ips(self) -> tuple[str, ...]:
        """The node's, one of each family."""
        return one_each(address for kind, address in self.observed.addresses if kind == "InternalIP")

    @property
    def ip(self) -> str:
        """The pod's address, "" while it has none."""
        if self.runtime is None or not self.runtime.sandbox_id:
            return ""
        return self.host_ip if self.spec.host_network else self.runtime.ip

    @property
    def ips(self) -> tuple[str, ...]:
        """All its addresses, one of each family; () while it has none."""
        if self.runtime is None or not self.runtime.sandbox_id:
            return ()
        if self.spec.host_network:
            return self.host_ips
        return self.runtime.ips or ((self.runtime.ip,) if self.runtime.ip else ())

    def state(self, container: str) -> ContainerRuntime | None:
        """What the node reported of a container."""
        return self.runtime.containers.get(container) if self.runtime is not None else None

    def running(self) -> Iterator[ContainerRuntime]:
        """The containers that run, by name; also of a sandbox that is gone."""
        if self.runtime is not None:
            yield from (state for _, state in sorted(self.runtime.containers.items()) if state.running)

    def all_containers(self) -> Iterator[AnyContainer]:
        yield from self.spec.init_containers
        yield from self.spec.containers
        yield from self.spec.ephemeral_containers

    @cached_property
    def _by_name(self) -> dict[str, AnyContainer]:
        """Looked up once for each container: a pod may have thousands."""
        return {c.name: c for c in self.all_containers()}

    def container(self, name: str) -> AnyContainer | None:
        return self._by_name.get(name)

    def of_this_sandbox(self, exit_: ContainerExited) -> bool:
        """Whether the container ended in the sandbox that is up, not in one before it."""
        return self.runtime is not None and (not exit_.at_ns or exit_.at_ns >= self.runtime.sandbox_started_at_ns)


def ended(state: ContainerRuntime | None) -> ContainerExited | None:
    """How the newest attempt ended; one that was created and could not be started counts with code 128, as in Kubernetes."""
    if state is None or state.running:
        return None
    if state.exit is None and state.start_failure in ("RunContainerError", "StartError"):
        return ContainerExited(
            node="", pod_uid="", container=state.name, attempt=state.attempt, container_id=state.container_id, exit_code=128,
            reason="StartError", message=state.start_message, at_ns=state.failed_at_ns,
        )  # fmt: skip
    return state.exit


def is_sidecar(container: AnyContainer) -> bool:
    """An init container that goes on running beside the others (KEP-753)."""
    return container.restart_policy == "Always"


def full_name(pod: core_v1.Pod) -> str:
    """`NAME_NAMESPACE(UID)`, as kubelet's messages name a pod."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"


def images_of(spec: core_v1.PodSpec, container: AnyContainer) -> set[str]:
    """The images that a container needs."""
    mounted = {mount.name for mount in container.volume_mounts}
    return {container.image, *(v.image.reference for v in spec.volumes if v.image is not None and v.name in mounted)}
