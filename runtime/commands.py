"""Commands to the outside, in the words of the CRI and of nftables. Values only: what they need is in them.

Every command is idempotent. `identity` says what it is about: while one is under way, another of the same identity is not
sent (but a StopContainer with less patience). A command of pods and containers is fenced by pod uid and attempt, a declarative
one (ApplyRuleset, ApplyNetworkPolicies, SetProbes, RefreshVolumes) carries the whole wanted state and replaces the one
before it.

Tests: tests/runtime/containers/test_contract.py
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from shipslog.store.facts import ContainerLimits


class RuntimeCommand(Struct, frozen=True, kw_only=True):
    """Base. `node` says whose runtime carries it out. Digests on the log know a command by its `tag` and fields."""

    node: str

    @property
    def identity(self) -> str:
        """What the command is about: commands with the same identity exclude each other."""
        raise AssertionError(f"{type(self).__name__} has no identity")


class FileContent(Struct, frozen=True, kw_only=True):
    path: str  # relative to the volume
    data: bytes
    mode: int = 0o644
    user: int | UnsetType = UNSET  # who owns it; the runtime's own user


class TokenRequest(Struct, frozen=True, kw_only=True):
    """A service account token to be made when the volume is: a token itself stands in no decision and on no log."""

    path: str  # relative to the volume
    audience: str = ""  # "" the API server's own
    expiration_s: int = 3600
    service_account: str
    namespace: str
    pod_name: str
    pod_uid: str
    mode: int = 0o644
    user: int | UnsetType = UNSET


class RemoteVolume(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A volume that something other than this node holds."""

    plugin: str  # nfs, iscsi...: the field of a Volume that it stands in
    source: Mapping[str, Any]  # what stands there, without references to secrets
    volume: str = ""  # the PersistentVolume; "" for one that the pod names itself
    handle: str = ""  # csi: what its driver knows it by, for one that the pod names itself too
    mount_options: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # glusterfs: its servers' addresses
    pod: Mapping[str, str] = {}  # flexVolume and csi: the pod's name, namespace, uid and service account
    attached: Mapping[str, str] = {}  # csi: what the driver said when it was attached to this node
    access_mode: str = ""  # csi: the first of its volume's
    group_policy: str = ""  # csi: fsGroupPolicy of its driver; "" for ReadWriteOnceWithFSType
    secret: Mapping[str, bytes] = {}  # what its secret holds; written nowhere
    stage_secret: Mapping[str, bytes] = {}  # csi: likewise
    token_requests: tuple[
        TokenRequest, ...
    ] = ()  # csi: for whom its driver wants tokens; the dispatcher makes `tokens` of them
    tokens: bytes = b""  # csi: as its driver wants to be told of them; written nowhere
    tokens_are_secret: bool = False  # csi: they are told with the secret, and not with what is known of the volume
    published: int = 0  # csi: how often it has been published to the pod before, to a driver that wants to be called again
    again: bool = False  # csi: it is such a driver


class VolumeSource(Struct, frozen=True, kw_only=True):
    """One volume of a pod, rendered: a directory of the node, content that the kubelet has already put together, or something
    to mount."""

    name: str
    # files: secret, configMap, downwardAPI, projected; image: what is in it, mounted where a container wants it
    kind: Literal["emptyDir", "hostPath", "local", "files", "remote", "image"]
    # local: a directory that is there; the pod's group owns it
    medium: str = ""  # emptyDir: "Memory" for a tmpfs, "HugePages-2Mi" for pages of that size
    size_limit_bytes: int = 0
    host_path: str = ""
    host_path_type: str = ""
    files: tuple[FileContent, ...] = ()
    token_requests: tuple[TokenRequest, ...] = ()  # the dispatcher turns these into `files`
    in_memory: bool = False  # files on a tmpfs (secrets)
    read_only: bool = False
    group_once: bool | UnsetType = UNSET  # local, remote: what belongs to the pod's group at its top is not walked again
    remote: RemoteVolume | UnsetType = UNSET
    image: str | UnsetType = UNSET
    block: bool | UnsetType = UNSET  # local, remote: containers see the device itself, and no file system on it


class PortMapping(Struct, frozen=True, kw_only=True):
    protocol: str
    container_port: int
    host_port: int
    host_ip: str = ""


class RunPodSandbox(RuntimeCommand, frozen=True, kw_only=True, tag="RunPodSandbox"):
    """Volumes, network namespace with address, pause process. -> SandboxStarted | SandboxFailed"""

    pod_uid: str
    namespace: str
    name: str
    hostname: str
    fqdn: str = ""  # HOSTNAME.SUBDOMAIN.NAMESPACE.svc.DOMAIN for the hosts file; "" without a subdomain
    labels: dict[str, str] = {}
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    port_mappings: tuple[PortMapping, ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_searches: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    host_aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (ip, names)
    sysctls: dict[str, str] = {}
    fs_group: int | None = None
    volumes: tuple[VolumeSource, ...] = ()
    cpu_limit_milli: int = 0  # of the whole pod; 0 for none
    memory_limit_bytes: int = 0
    own_users: bool | UnsetType = UNSET  # its users and groups are none of the machine's: hostUsers is false
    handler: str | UnsetType = UNSET  # of its RuntimeClass: which program makes its containers

    @property
    def identity(self) -> str:
        return f"sandbox/{self.pod_uid}"

    def refresh(self, round_: int = 0) -> "RefreshVolumes":
        """The part of it that may change while the pod runs."""
        files = tuple(volume for volume in self.volumes if volume.kind == "files")
        return RefreshVolumes(node=self.node, pod_uid=self.pod_uid, volumes=files, fs_group=self.fs_group, round=round_)

    def republish(self, round_: int) -> "RefreshVolumes | None":
        """Those of its volumes whose drivers want to be called again and again, for the `round_`th time; None without any."""
        again = tuple(
            replace(volume, remote=replace(volume.remote, published=round_))
            for volume in self.volumes
            if isinstance(volume.remote, RemoteVolume) and volume.remote.again
        )
        if not again:
            return None
        return RefreshVolumes(node=self.node, pod_uid=self.pod_uid, volumes=again, fs_group=self.fs_group, round=round_)


class RefreshVolumes(RuntimeCommand, frozen=True, kw_only=True, tag="RefreshVolumes"):
    """The files of a running pod's volumes, as they should be; each volume changes at once or not at all. Or volumes of CSI
    drivers, to be published again. No outcome, but for SandboxFailed of a driver that refuses."""

    pod_uid: str
    volumes: tuple[VolumeSource, ...]  # of kind files, or of kind remote
    fs_group: int | None = None
    round: int = 0  # raised when tokens are to be made anew

    @property
    def identity(self) -> str:
        return f"{'published' if self.republishes else 'volumes'}/{self.pod_uid}"

    @property
    def republishes(self) -> bool:
        return any(volume.kind == "remote" for volume in self.volumes)


class PullImage(RuntimeCommand, frozen=True, kw_only=True, tag="PullImage"):
    """-> ImagePulled | ImagePullFailed"""

    image: str
    policy: Literal["Always", "IfNotPresent", "Never"]
    credentials: tuple[tuple[str, str, str], ...] = ()  # (registry host, user, password)

    @property
    def identity(self) -> str:
        return f"image/{self.node}/{self.image}"


class Mount(Struct, frozen=True, kw_only=True):
    volume: str  # name of a VolumeSource of the pod
    path: str  # in the container
    sub_path: str = ""
    read_only: bool = False
    propagation: str = ""  # None, HostToContainer, Bidirectional
    recursive: Literal["IfPossible", "Enabled"] | UnsetType = UNSET  # what is mounted below is read only too


class Device(Struct, frozen=True, kw_only=True):
    volume: str  # name of a VolumeSource of the pod that is a block device
    path: str  # in the container


class Security(Struct, frozen=True, kw_only=True):
    privileged: bool = False
    run_as_user: int | None = None  # None: the image's
    run_as_group: int | None = None
    run_as_non_root: bool = False
    supplemental_groups: tuple[int, ...] = ()
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    read_only_root: bool = False
    allow_privilege_escalation: bool = True
    seccomp_profile: str = ""  # a file of the node's own directory of profiles; "" for none
    seccomp_default: bool | UnsetType = UNSET  # the runtime's own profile
    proc_unmasked: bool | UnsetType = UNSET  # nothing of /proc is hidden from it or read-only
    groups_strict: bool | UnsetType = UNSET  # it has no group but those that the pod names


class EnvFile(Struct, frozen=True, kw_only=True):
    """A variable whose value stands in a file of a volume of the pod when the container starts."""

    name: str
    volume: str
    path: str  # inside the volume
    key: str
    optional: bool = False


class StartContainer(RuntimeCommand, frozen=True, kw_only=True, tag="StartContainer"):
    """Create and start one attempt of a container; one that runs is left alone. -> ContainerStarted | ContainerStartFailed"""

    pod_uid: str
    namespace: str
    name: str  # of the pod
    container: str
    attempt: int
    image: str
    target: str = ""  # the container whose processes this one sees: for debugging
    command: tuple[str, ...] = ()  # () the image's entrypoint
    args: tuple[str, ...] = ()  # () the image's arguments, unless command is set
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    cpu_request_milli: int = 0
    cpu_limit_milli: int = 0
    memory_limit_bytes: int = 0
    oom_score_adj: int = 1000
    termination_message_path: str = "/dev/termination-log"
    termination_message_fallback_to_logs: bool = False
    security: Security = Security()
    post_start: "Hook | None" = None
    stop_signal: str = ""  # SIGUSR1; "" for the image's
    env_files: tuple[EnvFile, ...] | UnsetType = UNSET  # variables beside `env`
    devices: tuple[Device, ...] | UnsetType = UNSET  # block devices that it sees
    huge_pages: Mapping[str, int] | UnsetType = UNSET  # size of a page (2Mi) -> bytes of such pages that it may use

    @property
    def identity(self) -> str:
        return f"container/{self.pod_uid}/{self.container}"

    @property
    def limits(self) -> ContainerLimits:
        """What it may use."""
        return ContainerLimits(
            cpu_request_milli=self.cpu_request_milli, cpu_limit_milli=self.cpu_limit_milli,
            memory_limit_bytes=self.memory_limit_bytes,
        )  # fmt: skip


class Hook(Struct, frozen=True, kw_only=True):
    """A lifecycle handler or the action of a probe; one member is set."""

    exec: tuple[str, ...] = ()
    http_url: str = ""
    http_headers: tuple[tuple[str, str], ...] = ()
    tcp: str = ""  # host:port
    grpc: str = ""  # host:port of a grpc.health.v1 server; probes only
    grpc_service: str = ""
    sleep_s: int = 0


class StopContainer(RuntimeCommand, frozen=True, kw_only=True, tag="StopContainer"):
    """Pre-stop hook, TERM, and KILL after the grace period. -> ContainerExited (also for one that is gone already)"""

    pod_uid: str
    container: str
    attempt: int
    grace_period_s: int
    pre_stop: Hook | None = None
    reason: str = ""  # for people: why
    after: tuple[str, ...] | UnsetType = UNSET  # containers of the pod: its signal waits until these have ended

    @property
    def identity(self) -> str:
        return f"container/{self.pod_uid}/{self.container}"


class UpdateContainerResources(RuntimeCommand, frozen=True, kw_only=True, tag="UpdateContainerResources"):
    """Let a container that runs use more or less. -> ContainerResized; nothing of one that does not run"""

    pod_uid: str
    container: str
    attempt: int
    limits: ContainerLimits
    pod_cpu_limit_milli: int = 0  # of the whole pod; 0 for none
    pod_memory_limit_bytes: int = 0

    @property
    def identity(self) -> str:
        return f"container/{self.pod_uid}/{self.container}"


class RemovePodSandbox(RuntimeCommand, frozen=True, kw_only=True, tag="RemovePodSandbox"):
    """Kill what is left and remove all of the pod: containers, network, mounts, directories. -> SandboxRemoved"""

    pod_uid: str

    @property
    def identity(self) -> str:
        return f"sandbox/{self.pod_uid}"


class ProbeTarget(Struct, frozen=True, kw_only=True):
    pod_uid: str
    container: str
    attempt: int
    probe: Literal["startup", "liveness", "readiness"]
    action: Hook
    initial_delay_s: int = 0
    period_s: int = 10
    timeout_s: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3


class SetProbes(RuntimeCommand, frozen=True, kw_only=True, tag="SetProbes"):
    """All probes that the node is to run now. Flips come back as ProbeFlipped; there is no direct outcome."""

    targets: tuple[ProbeTarget, ...]

    @property
    def identity(self) -> str:
        return f"probes/{self.node}"


class ServiceRules(Struct, frozen=True, kw_only=True):
    """One port of one service as packets see it."""

    service: str  # namespace/name:port, for people
    protocol: Literal["tcp", "udp", "sctp"]
    port: int
    family: Literal["IPv4", "IPv6"] = "IPv4"  # of all its addresses
    addresses: tuple[str, ...] = ()  # cluster addresses: every client gets `endpoints`
    external_addresses: tuple[str, ...] = ()  # externalIPs: they work like the node port
    balancer_addresses: tuple[str, ...] = ()  # of load balancers: so do they, for `allowed_sources`
    allowed_sources: tuple[str, ...] | None = None  # ranges that may use a load balancer's addresses; None: everybody
    node_port: int = 0
    affinity_s: int = 0  # 0: none
    endpoints: tuple[tuple[str, int], ...] = ()  # (address, port), sorted; () is rejected
    local_endpoints: tuple[tuple[str, int], ...] | None = None  # externalTrafficPolicy Local: what clients from outside get
    health_port: int = 0  # where a load balancer asks whether this node has endpoints of the service
    health_endpoints: int = 0  # how many: those that are ready


class Ruleset(Struct, frozen=True, kw_only=True):
    """Everything that a node's packet rules shall do. Parts that did not change are the same Python objects as before."""

    services: dict[str, tuple[ServiceRules, ...]]  # by namespace/name
    pod_cidr: str = ""  # of the cluster, one of each family with a comma between: traffic from elsewhere is masqueraded
    pool: str = ""  # ranges of load balancers' addresses that this cluster gives, and its nodes answer for
    node_addresses: tuple[str, ...] = ()  # where node ports listen; () for all local ones
    digest: str = ""


class ApplyRuleset(RuntimeCommand, frozen=True, kw_only=True, tag="ApplyRuleset"):
    """The whole wanted ruleset; applied as the smallest atomic transaction. -> RulesetApplied | RulesetFailed"""

    ruleset: Ruleset

    @property
    def identity(self) -> str:
        return f"ruleset/{self.node}"


class PolicyRule(Struct, frozen=True, kw_only=True):
    """One rule of a NetworkPolicy in one direction: with whom, and at which ports of the one who is called."""

    anyone: bool = False  # the peer does not matter
    groups: tuple[str, ...] = ()  # peers: names of groups of pods...
    ranges: tuple[tuple[str, str], ...] = ()  # ...or (first, last) address, sorted, apart from each other
    any_port: bool = False  # of any protocol
    ports: tuple[tuple[str, int, int], ...] = ()  # (protocol, first, last), sorted
    named: tuple[str, ...] = ()  # ports by name: "tcp/http"


class PodPolicies(Struct, frozen=True, kw_only=True):
    """Which policies judge a pod's traffic: names of their rules; None where none does, () where nothing is let through."""

    pod_uid: str
    ingress: tuple[str, ...] | None = None
    egress: tuple[str, ...] | None = None


class NetworkPolicyRules(Struct, frozen=True, kw_only=True):
    """What NetworkPolicies mean for the pods of a node; pods that none selects are not in it."""

    pods: dict[str, PodPolicies] = {}  # by address
    rules: dict[str, tuple[PolicyRule, ...]] = {}  # by namespace/name:direction; each lets through what it names
    groups: dict[str, tuple[str, ...]] = {}  # the addresses of pods, sorted
    named: dict[str, tuple[tuple[str, int], ...]] = {}  # (address, port) of the pods that have a port of that name
    digest: str = ""


class ApplyNetworkPolicies(RuntimeCommand, frozen=True, kw_only=True, tag="ApplyNetworkPolicies"):
    """All rules for the traffic of the node's pods, in one transaction. -> NetworkPoliciesApplied | NetworkPoliciesFailed"""

    policies: NetworkPolicyRules

    @property
    def identity(self) -> str:
        return f"networkpolicies/{self.node}"

    @property
    def addresses(self) -> dict[str, str]:
        """By uid, with commas between, of the pods that are judged by them."""
        found: dict[str, str] = {}
        for address, pod in self.policies.pods.items():
            had = found.get(pod.pod_uid)
            found[pod.pod_uid] = address if had is None else f"{had},{address}"
        return found


class CollectImages(RuntimeCommand, frozen=True, kw_only=True, tag="CollectImages"):
    """Remove images that nothing uses, those first that were used longest ago. -> ImagesCollected"""

    wanted_bytes: int = 0  # so much, or a little more; 0 for all of them
    min_age_s: float = 0.0  # those that came later than so long ago stay

    @property
    def identity(self) -> str:
        return f"images/{self.node}"


class VolumeCommand(RuntimeCommand, frozen=True, kw_only=True):
    """What is to become of storage on a node's disk. -> VolumeOperationFailed, or what each says."""

    volume: str  # the name of its PersistentVolume

    @property
    def identity(self) -> str:
        return f"volume/{self.node}/{self.volume}"


class MakeVolume(VolumeCommand, frozen=True, kw_only=True, tag="MakeVolume"):
    """A directory where the node keeps such, for the volume of that name; one that is there stays as it is. -> VolumeMade"""


class RemoveVolume(VolumeCommand, frozen=True, kw_only=True, tag="RemoveVolume"):
    """Remove the directory that was made, with all that is in it. -> VolumeRemoved (also for one that is not there)"""


class ScrubVolume(VolumeCommand, frozen=True, kw_only=True, tag="ScrubVolume"):
    """Remove what is in a directory of the node, and leave the directory. Once for each claim. -> VolumeScrubbed"""

    path: str
    claim_uid: str  # of the claim that had it


class ExpandVolume(VolumeCommand, frozen=True, kw_only=True, tag="ExpandVolume"):
    """Have the node side of a CSI driver's volume be as large as the volume is. -> VolumeExpanded, VolumeExpansionFailed"""

    driver: str
    handle: str
    size_bytes: int


AnyRuntimeCommand = (
    RunPodSandbox
    | RefreshVolumes
    | PullImage
    | StartContainer
    | StopContainer
    | UpdateContainerResources
    | RemovePodSandbox
    | SetProbes
    | ApplyRuleset
    | ApplyNetworkPolicies
    | MakeVolume
    | RemoveVolume
    | ScrubVolume
    | ExpandVolume
    | CollectImages
)
DECLARATIVE = (RefreshVolumes, SetProbes, ApplyRuleset, ApplyNetworkPolicies)
