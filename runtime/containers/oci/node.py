"""A node whose pods are real: OciNode carries out runtime commands with crun, conmon, a bridge and an image store.

Everything that blocks happens in threads; what is known of pods is changed on the loop only.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import assert_never

from shipslog.runtime.commands import (
    AnyRuntimeCommand,
    ApplyNetworkPolicies,
    ApplyRuleset,
    CollectImages,
    PullImage,
    RefreshVolumes,
    RemovePodSandbox,
    Ruleset,
    RunPodSandbox,
    SetProbes,
    StartContainer,
    StopContainer,
    UpdateContainerResources,
    VolumeCommand,
)
from shipslog.runtime.containers.logs.limits import LIMITS, LogLimits
from shipslog.runtime.containers.oci.pod_sandbox.links import Links
from shipslog.runtime.images.collection import Collector
from shipslog.runtime.images.credential_providers import CredentialProviders
from shipslog.runtime.images.documents import Image
from shipslog.runtime.images.reference import registry_of
from shipslog.runtime.images.store import ImageStore, PullFailed
from shipslog.runtime.machine import node_facts
from shipslog.runtime.machine.environment import OciSettings, detect
from shipslog.runtime.machine.threads import OwnerThreads, in_fresh_thread
from shipslog.runtime.network.addresses import AddressesExhausted
from shipslog.runtime.network.dial import Ends, dial
from shipslog.runtime.network.nat import NatFailed
from shipslog.runtime.node import (
    ByteStream,
    LeadsToBridge,
    LogOptions,
    PacketRules,
    ProcessStreams,
    Report,
    TrafficRules,
    Written,
)
from shipslog.runtime.probing.probes import Prober
from shipslog.runtime.rootless.internet import open_internet
from shipslog.runtime.rootless.namespace import Rootless
from shipslog.runtime.rootless.ports import Port, PublishedPorts
from shipslog.runtime.stats.groups import groups_of
from shipslog.runtime.stats.sampler import PodSubject, Sampler
from shipslog.runtime.stats.usage import NodeStats
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.runtime.volumes.node_volumes import NodeVolumes
from shipslog.store.facts import (
    ContainerExited,
    ImagePulled,
    ImagePullFailed,
    ImagesCollected,
    NetworkPoliciesApplied,
    NetworkPoliciesFailed,
    RulesetApplied,
    RulesetFailed,
    RuntimeFact,
    SandboxFailed,
    SandboxRemoved,
)
from shipslog.store.state import PodRuntime

from . import streams
from .images_in_use import images_used
from .life import NodeLife
from .pods import sandbox_started

PULLS = 8  # of one registry at once: one that hangs keeps no other waiting


class OciNode:
    """NodeRuntime on this machine. `data` keeps images, pods and logs; two nodes with different ones do not meet, as long as
    their pod ranges differ. `ground`: where the process is, if it is not root."""

    def __init__(
        self,
        node: str,
        data: Path,
        *,
        pod_cidr: str = "10.244.0.0/24",
        cluster_cidr: str = "10.244.0.0/16",
        address: str = "",
        rules: PacketRules | None = None,
        policies: TrafficRules | None = None,
        settings: OciSettings | None = None,
        ground: Rootless | None = None,
        limits: LogLimits = LIMITS,
        providers: CredentialProviders | None = None,
    ) -> None:
        self.node, self.log_directory = node, node_facts.LOGS
        self.settings = settings or detect()
        self._pod_cidr, self._address = pod_cidr, address
        self._rules, self._policies, self._providers = rules, policies, providers
        self._probes: Prober | None = None
        self._links: Links | None = None
        self._ground = ground
        self._ports = PublishedPorts(ground.outside, ground.address) if ground is not None else None
        self._threads = OwnerThreads()
        self._registries = OwnerThreads(PULLS, begin=ground.outside.begin if ground is not None else in_fresh_thread)
        self._life = NodeLife(node, data, self.settings, pod_cidr=pod_cidr, cluster_cidr=cluster_cidr, limits=limits)
        self._volumes = NodeVolumes(
            node, self._life.layout.data, self._life.layout.pods, self._life.inside, self._life.remove_pod
        )  # fmt: skip
        self.images: ImageStore = self._life.images
        self._collector = Collector(self.images, self._images_used)
        limited = self.settings.cgroup_manager != "disabled"
        self._sampler = Sampler(
            node, data, self._subjects, top_group=self._life.top_group, images=self._life.layout.images,
            groups=groups_of(self.settings.cgroup_root, self.settings.cgroup_version) if limited else None,
        )  # fmt: skip

    @property
    def bridge(self) -> str:
        return self._life.bridge

    @property
    def instance(self) -> str:
        return self._life.instance

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        """See NodeRuntime. Errors: RuntimeUnavailable."""
        found = await self._life.open(report, known)
        observed = await asyncio.to_thread(
            node_facts.observe, self.node, self._life.layout.data, pod_cidr=self._pod_cidr, crun=self.settings.crun,
            address=self._address or (self._ground.address if self._ground is not None else ""),
        )  # fmt: skip
        if self._ground is not None:
            await open_internet(self._ground)
        await self._publish_host_ports()
        self._probes = Prober(self.node, report, self.exec_output, self._life.lookups)
        self._sampler.start()
        report(observed)
        life = self._life
        up = {pod.uid for pod in life.pods if pod.sandbox is not None}
        for fact in (*found, *await self._volumes.begin(report, observed, known, up)):
            report(fact)
        assert life.sandboxes is not None
        self._links = Links(self.node, life.pods, life.sandboxes, life.make_bridge, life.fresh, self._bridge_made)
        self._links.begin(report)

    async def connect(self, address: str, port: int, *, tls: bool = False) -> Ends:
        return await dial(address, port, tls=tls)

    def stats(self, *, pods: bool = True) -> NodeStats:
        probes = self._probes.counts() if self._probes is not None else {}
        return self._sampler.stats(probes, pods=pods)

    def troubles(self) -> Sequence[str]:
        """See NodeRuntime."""
        ours = (self._life.tasks, self._sampler.tasks, *((self._links.tasks,) if self._links is not None else ()))
        lost = self._links.lost if self._links is not None else 0
        missing = " and ".join(self.settings.missing_controllers)
        return (
            *((f"{self.node}: no limit of {missing} is kept to: the machine has no such control groups",) if missing else ()),
            *(line for tasks in ours for line in tasks.troubles()),
            *self._volumes.troubles(),
            *((f"{self.node}: {lost} pods are cut off from its bridge; their events say more",) if lost else ()),
        )

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        match command:
            case RunPodSandbox():
                return await self._run_pod_sandbox(command)
            case RefreshVolumes():
                await self._life.refresh_volumes(command)
                return ()
            case PullImage():
                return await self._pull_image(command)
            case StartContainer():
                return await self._life.start_container(command)
            case StopContainer():
                return (await self._stop_container(command),)
            case UpdateContainerResources():
                return await self._life.resize(command)
            case RemovePodSandbox():
                await self._life.remove_pod(command.pod_uid)
                await self._publish_host_ports()
                return (SandboxRemoved(node=self.node, pod_uid=command.pod_uid),)
            case SetProbes():
                if self._probes is not None:
                    await self._probes.set_targets(command.targets)
                return ()
            case ApplyRuleset():
                return (await self._apply_ruleset(command.ruleset),)
            case ApplyNetworkPolicies():
                return (await self._apply_policies(command),)
            case VolumeCommand():
                return (await self._volumes.execute(command),)
            case CollectImages():
                return (await self._collect_images(command),)
        assert_never(command)

    async def _run_pod_sandbox(self, command: RunPodSandbox) -> tuple[RuntimeFact, ...]:
        try:
            made = await self._life.run_pod(command)
            await self._publish_host_ports()
            return (sandbox_started(self.node, made),)
        except VolumeFailed as error:
            reason, message = "FailedMount", str(error)
        except (OSError, AddressesExhausted, NatFailed) as error:
            reason, message = "FailedCreatePodSandBox", str(error)
        return (SandboxFailed(node=self.node, pod_uid=command.pod_uid, reason=reason, message=message, at_ns=time.time_ns()),)

    async def _pull_image(self, command: PullImage) -> tuple[RuntimeFact, ...]:
        try:
            present = self.images.get(command.image) if command.policy == "IfNotPresent" else None
            if present is not None:
                image, here = present, True
            else:
                image, here = await self._registries.run(registry_of(command.image), self._pull, command)
        except (PullFailed, ValueError) as error:
            reason = error.reason if isinstance(error, PullFailed) else "InvalidImageName"
            at = time.time_ns()
            return (ImagePullFailed(node=self.node, image=command.image, reason=reason, message=str(error), at_ns=at),)
        self._collector.came(command.image)
        return (
            ImagePulled(
                node=self.node,
                image=command.image,
                image_id=image.image_id,
                present=here,
                size_bytes=image.size_bytes,
                at_ns=time.time_ns(),
            ),
        )

    def _pull(self, command: PullImage) -> tuple[Image, bool]:
        """With the pod's own logins, else with those that the node's programs give. Errors: PullFailed, InvalidImageName."""
        logins = command.credentials
        if not logins and self._providers is not None and command.policy != "Never":
            logins = self._providers.logins(command.image)[:1]
        return self.images.pull(command.image, command.policy, logins)

    def _subjects(self) -> list[PodSubject]:
        subjects = self._life.subjects()
        self._collector.note(one.image for pod in subjects for one in pod.containers)
        return subjects

    def _images_used(self) -> list[tuple[str, str]]:
        return [(one.image, one.image_id) for one in images_used(self._life.layout.pods)]

    async def _collect_images(self, command: CollectImages) -> ImagesCollected:
        found = await asyncio.to_thread(self._collector.collect, command.wanted_bytes, command.min_age_s)
        return ImagesCollected(
            node=self.node, images=found.images, image_ids=found.image_ids, freed_bytes=found.freed_bytes,
            wanted_bytes=command.wanted_bytes, at_ns=time.time_ns(),
        )  # fmt: skip

    async def _stop_container(self, command: StopContainer) -> ContainerExited:
        return await self._life.stop_container(command)

    async def _apply_ruleset(self, ruleset: Ruleset) -> RuntimeFact:
        if self._rules is not None:
            try:
                await self._rules.apply(ruleset)
            except Exception as error:
                # whatever went wrong, the node's packets still follow the rules before: the reconciler tries again
                return RulesetFailed(node=self.node, digest=ruleset.digest, message=str(error))
        if self._ports is not None:
            wanted = {
                (rule.protocol, rule.node_port) for rules in ruleset.services.values() for rule in rules if rule.node_port
            }
            await self._ports.publish("services", frozenset(Port(protocol, "", port) for protocol, port in wanted))
        return RulesetApplied(node=self.node, digest=ruleset.digest, services=len(ruleset.services))

    async def _apply_policies(self, command: ApplyNetworkPolicies) -> RuntimeFact:
        digest = command.policies.digest
        if self._policies is not None:
            try:
                await self._policies.apply(command.policies)
            except Exception as error:  # as above
                return NetworkPoliciesFailed(node=self.node, digest=digest, message=str(error))
        return NetworkPoliciesApplied(node=self.node, digest=digest, pods=command.addresses)

    async def _bridge_made(self) -> None:
        if isinstance(self._rules, LeadsToBridge):
            await self._rules.bridge_made()

    async def _publish_host_ports(self) -> None:
        if self._ports is not None:
            wanted = {(m.protocol.lower(), m.host_ip, m.host_port) for m in self._life.host_ports()}
            await self._ports.publish("pods", frozenset(Port(*port) for port in wanted))

    # --- streams ---

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> ProcessStreams:
        record = self._life.running(pod_uid, container).record
        return await streams.open_exec(
            self._life.crun_command(record), record, tuple(argv), self._threads, stdin=stdin, tty=tty
        )

    async def exec_output(self, pod_uid: str, container: str, argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
        """(exit code, what it wrote, at most 10 KiB). Errors: StreamRefused, TimeoutError (it was killed)."""
        record = self._life.running(pod_uid, container).record
        return await streams.exec_output(self._life.crun_command(record), record, tuple(argv), timeout_s)

    async def attach(self, pod_uid: str, container: str, *, stdin: bool, tty: bool) -> ProcessStreams:
        found = self._life.running(pod_uid, container)
        return await streams.open_attach(found, self._life.bundle(found.record), stdin=stdin, tty=tty)

    async def port_forward(self, pod_uid: str, port: int) -> ByteStream:
        sandbox = self._life.live_sandbox(pod_uid)
        return await streams.open_port(self._life.layout, sandbox, port)

    def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        def running(number: int) -> bool:
            found = self._life.find(pod_uid, container, number)
            return found is not None and not found.ended.done()

        return self._life.logs.read(pod_uid, container, attempt, options, running)

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        return self._life.logs.written(namespace, name, pod_uid)

    async def close(self, *, end_pods: bool = False) -> None:
        """See NodeRuntime."""
        await self._sampler.close()
        if self._links is not None:
            await self._links.close()
        if self._probes is not None:
            await self._probes.close()
        if self._ports is not None:
            await self._ports.close()
        await self._volumes.close()
        try:
            await self._life.close(end_pods=end_pods)
        finally:
            for rules in (self._rules, self._policies):
                if rules is not None:
                    await rules.close(remove=end_pods)
            if self._ground is not None and end_pods:
                await asyncio.to_thread(self._ground.end)
