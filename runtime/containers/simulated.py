"""A node that pretends: pods run as entries in memory. For tests, for simulation, for clusters of a thousand nodes.

It reads and waits by the clock that it is given, so it lives in virtual time as well. What a
container does can be said in its pod's labels: `sim.shipslog/exit-code`, `sim.shipslog/runs-for-s`; and what it uses of the
machine in `sim.shipslog/cpu` and `sim.shipslog/memory` (quantities).

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NoReturn

from shipslog.runtime.commands import (
    AnyRuntimeCommand,
    ApplyNetworkPolicies,
    ApplyRuleset,
    CollectImages,
    ExpandVolume,
    MakeVolume,
    NetworkPolicyRules,
    PullImage,
    RefreshVolumes,
    RemovePodSandbox,
    RemoveVolume,
    Ruleset,
    RunPodSandbox,
    ScrubVolume,
    SetProbes,
    StartContainer,
    StopContainer,
    UpdateContainerResources,
)
from shipslog.runtime.network.dial import Ends, Unreachable
from shipslog.runtime.node import ByteStream, CallLater, LogOptions, ProcessStreams, Report, StreamRefused, Timer, Written
from shipslog.runtime.stats.usage import NodeStats
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    ContainerStartFailed,
    ImagePulled,
    ImagePullFailed,
    ImagesCollected,
    NetworkPoliciesApplied,
    NodeObserved,
    ProbeFlipped,
    RulesetApplied,
    RuntimeFact,
    SandboxExited,
    SandboxFailed,
    SandboxRemoved,
    SandboxStarted,
    VolumeExpanded,
    VolumeMade,
    VolumeRemoved,
    VolumeScrubbed,
)
from shipslog.store.families import Family, family_of
from shipslog.store.state import PodRuntime

from . import simulated_pods
from .lost import container_lost
from .resized import resized
from .simulated_pods import SimContainer, SimPod, SimUse

EXIT_CODE, RUNS_FOR = "sim.shipslog/exit-code", "sim.shipslog/runs-for-s"

VOLUMES = "/var/lib/shipslog/volumes/"  # where it says that it keeps what it made
MISSING_IMAGE = "missing"  # an image whose name contains it cannot be pulled


def _on_the_loop(after_s: float, callback: Callable[[], object]) -> Timer:
    return asyncio.get_running_loop().call_later(after_s, callback)


class SimulatedNode:
    """One pretended node. `pods`, `images`, `ruleset` and `policies` show what it holds; they outlive the engine that used
    it."""

    def __init__(
        self,
        node: str,
        *,
        now_ns: Callable[[], int],
        number: int = 0,
        cpu: str = "8",
        memory: str = "32Gi",
        pods: int = 1000,
        call_later: CallLater | None = None,
        families: Sequence[Family] = ("IPv4",),
    ) -> None:
        """`families`: of its addresses and those of pods, the primary one first. `now_ns`, `call_later`: the clock, and what
        happens at a later time of it; the loop's if there is none."""
        self.node, self.number, self.log_directory, self._families = node, number, "", families
        self.pods: dict[str, SimPod] = {}
        self.images: set[str] = set()
        self.volumes: dict[str, str] = {}  # where each of those that were made is said to be
        self.ruleset = Ruleset(services={})
        self.policies = NetworkPolicyRules()
        self._capacity = {"cpu": cpu, "memory": memory, "pods": str(pods), "ephemeral-storage": "100Gi"}
        self._now_ns, self._call_later = now_ns, call_later or _on_the_loop
        self._count = 0
        self._report: Report = lambda fact: None
        self._timers: dict[tuple[str, str], Timer] = {}
        self.resize_failure = ""  # why no container can be resized; "" while it can
        self.disk_used_bytes: int | None = None  # of its disk; None for a tenth
        self.probed: list[tuple[str, str, int, str]] = []  # uid, container, attempt, probe

    # --- life ---

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        self._report = report
        info = {
            "operatingSystem": "linux",
            "architecture": "amd64",
            "kubeletVersion": "v1.37.0",
            "osImage": "simulated",
            "containerRuntimeVersion": "simulated://1",
            "kernelVersion": "simulated",
            "machineID": self.node,
            "systemUUID": self.node,
            "bootID": self.node,
            "kubeProxyVersion": "v1.37.0",
        }
        high, low = self.number // 256 % 56, self.number % 256
        own = self._of(f"10.{200 + high}.{low}.1", f"fd00:20::{self.number + 1:x}")
        addresses = (*(("InternalIP", one) for one in own), ("Hostname", self.node))
        report(
            NodeObserved(
                node=self.node, addresses=addresses, capacity=self._capacity, allocatable=self._capacity, info=info,
                pod_cidr=",".join(self._of(f"10.{100 + high}.{low}.0/24", f"fd00:10:0:{self.number:x}::/64")),
            )
        )  # fmt: skip
        for fact in self._differences(known):
            report(fact)
        for volume, path in self.volumes.items():  # nothing is ever in one
            report(VolumeMade(node=self.node, volume=volume, path=path))
        for uid, pod in self.pods.items():
            for name, container in pod.containers.items():
                if container.exit is None:
                    self._plan_exit(uid, name, container)

    def _differences(self, known: Sequence[PodRuntime]) -> list[RuntimeFact]:
        """What happened while nobody listened."""
        facts: list[RuntimeFact] = []
        before = {runtime.pod_uid: runtime for runtime in known}
        for uid, runtime in before.items():
            if uid not in self.pods and runtime.sandbox_id:
                facts.append(SandboxExited(node=self.node, pod_uid=uid, sandbox_id=runtime.sandbox_id))
                facts += [self._lost(uid, c.name, c.attempt) for c in runtime.containers.values() if c.running]
        for uid, pod in self.pods.items():
            held = before.get(uid)
            if held is None or held.sandbox_id != pod.sandbox_id:
                facts.append(self._sandbox_started(uid, pod))
            for name, container in pod.containers.items():
                seen = held.containers.get(name) if held is not None else None
                if seen is None or seen.attempt < container.attempt:
                    facts.append(self._started(uid, name, container))
                if container.exit is not None and (seen is None or seen.attempt < container.attempt or seen.running):
                    facts.append(container.exit)
        return facts

    def _lost(self, uid: str, name: str, attempt: int) -> ContainerExited:
        return container_lost(self.node, uid, name, attempt, at_ns=self._now_ns())

    async def close(self, *, end_pods: bool = False) -> None:
        self._report = lambda fact: None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.probed.clear()
        if end_pods:
            self.pods.clear()

    # --- commands ---

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        match command:
            case RunPodSandbox():
                return self._run_sandbox(command)
            case RefreshVolumes():
                return ()
            case PullImage():
                return (self._pull(command),)
            case StartContainer():
                return self._start(command)
            case StopContainer():
                return self._stop(command)
            case UpdateContainerResources():
                return self._resize(command)
            case RemovePodSandbox():
                self._remove(command.pod_uid)
                return (SandboxRemoved(node=self.node, pod_uid=command.pod_uid),)
            case SetProbes():
                self._set_probes(command)
                return ()
            case ApplyRuleset(ruleset=ruleset):
                self.ruleset = ruleset
                return (RulesetApplied(node=self.node, digest=ruleset.digest, services=len(ruleset.services)),)
            case ApplyNetworkPolicies(policies=policies):
                self.policies = policies
                return (NetworkPoliciesApplied(node=self.node, digest=policies.digest, pods=command.addresses),)
            case MakeVolume(volume=volume):
                self.volumes[volume] = path = f"{VOLUMES}{volume}"
                return (VolumeMade(node=self.node, volume=volume, path=path),)
            case RemoveVolume(volume=volume):
                self.volumes.pop(volume, None)
                return (VolumeRemoved(node=self.node, volume=volume),)
            case ScrubVolume(volume=volume, claim_uid=claim_uid):
                return (VolumeScrubbed(node=self.node, volume=volume, claim_uid=claim_uid),)
            case ExpandVolume(volume=volume, size_bytes=size_bytes):
                return (VolumeExpanded(node=self.node, volume=volume, size_bytes=size_bytes),)
            case CollectImages():
                return (self._collect(command),)

    def _run_sandbox(self, command: RunPodSandbox) -> tuple[RuntimeFact, ...]:
        pod = self.pods.get(command.pod_uid)
        for volume in command.volumes:
            if (
                volume.kind == "local"
                and volume.host_path.startswith(VOLUMES)
                and volume.host_path not in self.volumes.values()
            ):
                why = f'MountVolume.SetUp failed for volume "{volume.name}" : path "{volume.host_path}" does not exist'
                at_ns = self._now_ns()
                failed = SandboxFailed(node=self.node, pod_uid=command.pod_uid, reason="FailedMount", message=why, at_ns=at_ns)
                return (failed,)
        if pod is None:
            self._count += 1
            ips = () if command.host_network else self._addresses()
            pod = SimPod(
                f"sandbox-{self.node}-{self._count}", ips, command.labels, {}, command.namespace, command.name, self._now_ns()
            )
            self.pods[command.pod_uid] = pod
        return (self._sandbox_started(command.pod_uid, pod),)

    def _addresses(self) -> tuple[str, ...]:
        host = self._count % (1 << 16)
        return self._of(f"10.{100 + self.number % 100}.{host >> 8}.{host & 255}", f"fd00:10:0:{self.number:x}::{host:x}")

    def _of(self, *each: str) -> tuple[str, ...]:
        """Of these, one of each family, those that it has."""
        by_family = {family_of(one): one for one in each}
        return tuple(by_family[family] for family in self._families)

    def _sandbox_started(self, uid: str, pod: SimPod) -> SandboxStarted:
        ips = pod.ips if len(pod.ips) > 1 else ()
        return SandboxStarted(node=self.node, pod_uid=uid, sandbox_id=pod.sandbox_id, ip=pod.ip, at_ns=self._now_ns(), ips=ips)

    def _pull(self, command: PullImage) -> RuntimeFact:
        image, at_ns = command.image, self._now_ns()
        if MISSING_IMAGE in image or (command.policy == "Never" and image not in self.images):
            never = command.policy == "Never"
            why = f'Container image "{image}" is not present with pull policy of Never' if never else f"{image}: not found"
            reason = "ErrImageNeverPull" if never else "ErrImagePull"
            return ImagePullFailed(node=self.node, image=image, reason=reason, message=why, at_ns=at_ns)
        present = image in self.images
        self.images.add(image)
        return ImagePulled(node=self.node, image=image, image_id=f"sim://{image}", present=present, size_bytes=1, at_ns=at_ns)

    def _collect(self, command: CollectImages) -> ImagesCollected:
        """Each image takes one byte, and all that nothing uses go."""
        used = {one.image for pod in self.pods.values() for one in pod.containers.values()}
        gone = tuple(sorted(self.images - used))
        self.images.intersection_update(used)
        return ImagesCollected(
            node=self.node, images=gone, image_ids=tuple(f"sim://{image}" for image in gone), freed_bytes=len(gone),
            wanted_bytes=command.wanted_bytes, at_ns=self._now_ns(),
        )  # fmt: skip

    def _start(self, command: StartContainer) -> tuple[RuntimeFact, ...]:
        pod, name = self.pods.get(command.pod_uid), command.container
        if pod is None:
            return (
                ContainerStartFailed(
                    node=self.node,
                    pod_uid=command.pod_uid,
                    container=name,
                    attempt=command.attempt,
                    reason="CreateContainerError",
                    message="the pod has no sandbox",
                    at_ns=self._now_ns(),
                ),
            )
        held = pod.containers.get(name)
        if held is None or (held.exit is not None and held.attempt < command.attempt):
            self._count += 1
            now_ns = self._now_ns()
            held = SimContainer(command.attempt, f"shipslog://sim-{self.node}-{self._count}", now_ns, counted_ns=now_ns)
            held.image, held.limits, held.expected = command.image, command.limits, simulated_pods.expected(command)
            pod.containers[name] = held
            self._plan_exit(command.pod_uid, name, held)
        facts: list[RuntimeFact] = [self._started(command.pod_uid, name, held)]
        if held.exit is not None:
            facts.append(held.exit)
        return tuple(facts)

    def _started(self, uid: str, name: str, container: SimContainer) -> ContainerStarted:
        return ContainerStarted(
            node=self.node, pod_uid=uid, container=name, attempt=container.attempt, container_id=container.id,
            image_id="", at_ns=container.started_at_ns, limits=container.limits,
        )  # fmt: skip

    def _plan_exit(self, uid: str, name: str, container: SimContainer) -> None:
        labels = self.pods[uid].labels
        if RUNS_FOR not in labels:
            return
        left_s = container.started_at_ns / 1e9 + float(labels[RUNS_FOR]) - self._now_ns() / 1e9
        code = int(labels.get(EXIT_CODE, "0"))

        def end() -> None:
            self._timers.pop((uid, name), None)
            self._report(self._exit(uid, name, code, 0))

        self._timers[(uid, name)] = self._call_later(max(left_s, 0.0), end)

    def _resize(self, command: UpdateContainerResources) -> tuple[RuntimeFact, ...]:
        pod = self.pods.get(command.pod_uid)
        held = pod.containers.get(command.container) if pod is not None else None
        if held is None or held.attempt != command.attempt or held.exit is not None:
            return ()
        if self.resize_failure:
            return (resized(command, self._now_ns(), self.resize_failure),)
        held.limits = command.limits
        return (resized(command, self._now_ns()),)

    def _exit(self, uid: str, name: str, code: int, signal: int) -> ContainerExited:
        container = self.pods[uid].containers[name]
        if container.exit is None:
            container.exit = ContainerExited(
                node=self.node, pod_uid=uid, container=name, attempt=container.attempt, container_id=container.id,
                exit_code=code, signal=signal, reason="Error" if code else "Completed", started_at_ns=container.started_at_ns,
                at_ns=self._now_ns(),
            )  # fmt: skip
        return container.exit

    def _stop(self, command: StopContainer) -> tuple[RuntimeFact, ...]:
        pod, name = self.pods.get(command.pod_uid), command.container
        held = pod.containers.get(name) if pod is not None else None
        if held is None or held.attempt < command.attempt:
            return (self._lost(command.pod_uid, name, command.attempt),)
        if held.attempt > command.attempt:
            return ()
        self._cancel(command.pod_uid, name)
        return (self._exit(command.pod_uid, name, 143, 15),)

    def _remove(self, uid: str) -> None:
        pod = self.pods.pop(uid, None)
        for name in pod.containers if pod is not None else ():
            self._cancel(uid, name)

    def _cancel(self, uid: str, name: str) -> None:
        timer = self._timers.pop((uid, name), None)
        if timer is not None:
            timer.cancel()

    def _set_probes(self, command: SetProbes) -> None:
        """Every probe succeeds at once."""
        before = set(self.probed)
        self.probed = [(t.pod_uid, t.container, t.attempt, t.probe) for t in command.targets]
        for target in self.probed:
            if target not in before:
                self.flip(*target, healthy=True)

    # --- for tests ---

    def kill(self, uid: str, container: str, code: int = 137) -> None:
        """A container dies by itself."""
        self._cancel(uid, container)
        self._report(self._exit(uid, container, code, 9))

    def flip(
        self, uid: str, container: str, attempt: int, probe: str, *, healthy: bool, why: str = "it does not answer"
    ) -> None:
        """A probe comes out otherwise from now on."""
        self._report(
            ProbeFlipped(
                node=self.node, pod_uid=uid, container=container, attempt=attempt, probe=probe, healthy=healthy,
                message="" if healthy else why, at_ns=self._now_ns(),
            )
        )  # fmt: skip

    def use(self, uid: str, container: str, *, cpu_milli: int | None = None, memory_bytes: int | None = None) -> None:
        """A container uses so much from now on; None leaves it as it was."""
        pod = self.pods[uid]
        held = pod.containers[container]
        before = simulated_pods.use_of(held, pod)
        wanted = SimUse(
            before.cpu_milli if cpu_milli is None else cpu_milli, before.memory_bytes if memory_bytes is None else memory_bytes
        )
        simulated_pods.use(held, pod, wanted, self._now_ns())

    def stats(self, *, pods: bool = True) -> NodeStats:
        return simulated_pods.of_node(self.node, self.pods, self._capacity, self._now_ns(), self.disk_used_bytes, pods)

    def troubles(self) -> Sequence[str]:
        return ()

    def reboot(self, known: Sequence[PodRuntime]) -> None:
        """The machine loses all that runs on it, and tells what it finds missing of `known`, and of what it began since."""
        newer = self._newer_than(known)
        for uid in tuple(self.pods):
            self._remove(uid)
        self.probed.clear()
        for fact in (*self._differences(known), *newer):
            self._report(fact)

    def _newer_than(self, known: Sequence[PodRuntime]) -> list[RuntimeFact]:
        """The ends of what runs here and is not among `known`: word of its start is on its way."""
        before = {runtime.pod_uid: runtime for runtime in known}
        facts: list[RuntimeFact] = []
        for uid, pod in self.pods.items():
            held = before.get(uid)
            if held is None or held.sandbox_id != pod.sandbox_id:
                facts.append(SandboxExited(node=self.node, pod_uid=uid, sandbox_id=pod.sandbox_id))
            for name, container in pod.containers.items():
                seen = held.containers.get(name) if held is not None else None
                if container.exit is None and (seen is None or seen.attempt < container.attempt or not seen.running):
                    facts.append(self._lost(uid, name, container.attempt))
        return facts

    # --- streams: nothing runs here that one could talk to ---

    async def connect(self, address: str, port: int, *, tls: bool = False) -> Ends:
        raise Unreachable(f"dial tcp {address}:{port}: node {self.node} is simulated: nothing listens there")

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> ProcessStreams:
        self._refuse()

    async def attach(self, pod_uid: str, container: str, *, stdin: bool, tty: bool) -> ProcessStreams:
        self._refuse()

    async def port_forward(self, pod_uid: str, port: int) -> ByteStream:
        self._refuse()

    async def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        yield f"{self.node} only pretends to run {container}\n".encode()

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        return ()

    def _refuse(self) -> NoReturn:
        raise StreamRefused(501, f"node {self.node} is simulated: nothing runs in its containers")
