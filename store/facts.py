"""The vocabulary of the log: everything that can have happened, one frozen type a fact, named in the past tense.

A fact is a change. Whatever merely goes on (a probe that keeps succeeding, a sample of CPU) is no fact. Object facts carry
the whole object as the JSON that readers get; runtime facts say what came of a command, and are keyed by pod uid, container
and attempt, so that a late or doubled one is recognised.

Tests: tests/goldens/test_logs.py, tests/store/test_events.py
"""

from msgspec import UNSET, Raw, Struct, UnsetType


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of all facts. `tag` is what a fact is called on the log: it stays when the class is renamed (docs/formats)."""


# --- objects of the API ---


class ObjectFact(Fact, frozen=True, kw_only=True):
    """Base: what happened to one object. `resource` is the registry's key: "pods", "endpointslices.discovery.k8s.io"."""

    resource: str
    namespace: str = ""  # "" for cluster-scoped kinds
    name: str
    uid: str
    object: Raw  # the encoded object, with metadata.resourceVersion equal to the event's revision


class ObjectCreated(ObjectFact, frozen=True, kw_only=True, tag="ObjectCreated"):
    pass


class ObjectModified(ObjectFact, frozen=True, kw_only=True, tag="ObjectModified"):
    subresource: str = ""  # "" or "status", "binding", "scale", "finalize": which door the change came through


class ObjectDeleted(ObjectFact, frozen=True, kw_only=True, tag="ObjectDeleted"):
    """The object is gone; `object` is its last state."""


# --- the engine itself ---


class ClusterConfig(Struct, frozen=True, kw_only=True):
    """What rules need to know of the cluster. On the log, so that a replay decides with the same values."""

    service_cidr: str = "10.96.0.0/16"  # one of a family, with a comma between; the first is the primary one
    pod_cidr: str = "10.244.0.0/16"  # likewise
    node_port_first: int = 30000
    node_port_last: int = 32767
    dns_domain: str = "cluster.local"
    api_host: str = "127.0.0.1"  # the address that pods reach the API server at (endpoint of the kubernetes Service)
    api_port: int = 6443
    node_monitor_grace_s: float = 40.0  # without a heartbeat for so long, a node's Ready turns Unknown
    pod_eviction_s: float = 300.0
    cluster_dns: str | UnsetType = UNSET  # the name server of pods; else that of the Service kube-system/kube-dns
    dns_host: str | UnsetType = UNSET  # where the name server of this process listens, if it has one
    dns_port: int | UnsetType = UNSET
    old_clients: bool | UnsetType = UNSET  # whether those of 2015 to 2020 are served what they need
    scheduler: str | UnsetType = UNSET  # JSON: a KubeSchedulerConfiguration, or a Policy
    load_balancer_pool: str | UnsetType = UNSET  # ranges of addresses for Services of type LoadBalancer
    terminated_pods: int | UnsetType = UNSET  # how many pods that have ended are kept at most


class EngineStarted(Fact, frozen=True, kw_only=True, tag="EngineStarted"):
    """An engine opened this log for writing. Runtime state that lived in the previous process (probes) is gone."""

    version: str
    config: ClusterConfig


COMMANDS_TOLD = 16  # a decision tells of at most so many of its commands


class DecisionTaken(Fact, frozen=True, kw_only=True, tag="DecisionTaken"):
    """A reconciler decided something: enough to take the decision again and compare."""

    reconciler: str
    key: str
    read_revision: int  # the view's revision that it read
    now_ns: int
    reason: str
    commands: tuple[str, ...]  # one line each, for people; of the first COMMANDS_TOLD
    digest: str  # of the full commands, see reconcilers/rule/digest.py
    rule_version: int = 1  # of the reconciler; another version of a rule may decide otherwise
    digest_version: int = 1  # how `digest` was worked out


class ClockStepped(Fact, frozen=True, kw_only=True, tag="ClockStepped"):
    """The machine's clock was put back. Only here the times of the log go back; its order is that of revisions."""

    from_ns: int  # the time of the event before


class Forgotten(Fact, frozen=True, kw_only=True, tag="Forgotten"):
    """Retention let this go: a heartbeat among many. It is never appended; a log reads it in the place of what was there."""


class MetricReading(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one metric of an autoscaler was. Amounts are whole thousandths."""

    values: dict[str, int] = {}  # by the pods' names
    value: int = 0  # of a metric that is no pod's
    at_ns: int = 0
    window_ns: int = 0  # over which it was measured
    error: str = ""  # why there is none


class MetricsObserved(Fact, frozen=True, kw_only=True, tag="MetricsObserved"):
    """What was measured for an autoscaler, when it would change what it decides or shows. Samples themselves are no facts."""

    namespace: str
    name: str  # of the HorizontalPodAutoscaler
    uid: str
    readings: tuple[MetricReading, ...]  # one for each of its metrics
    replicas: int  # that its target wanted then
    recommended: int  # that the metrics wanted; `replicas` where there was no telling


# --- what nodes report ---


class NodeFact(Fact, frozen=True, kw_only=True):
    """Base of what one node's runtime reports."""

    node: str


class CsiDriver(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A CSI driver on a node, as it describes itself."""

    name: str
    node_id: str  # what the driver calls the node
    most: int = 0  # volumes that it can have there; 0 for as many as one likes
    topology: dict[str, str] = {}


class NodeObserved(NodeFact, frozen=True, kw_only=True, tag="NodeObserved"):
    """The runtime of a node is up, and this is what the machine has."""

    addresses: tuple[tuple[str, str], ...] = ()  # (type, address): ("InternalIP", "10.0.0.5"), ("Hostname", "n1")
    capacity: dict[str, str] = {}  # quantities: cpu, memory, pods, ephemeral-storage
    allocatable: dict[str, str] = {}
    info: dict[str, str] = {}  # the fields of core/v1 NodeSystemInfo by JSON name
    labels: dict[str, str] = {}
    pod_cidr: str = ""  # one of a family, with a comma between
    taints: tuple[str, ...] = ()  # key=value:effect, for a node that is registered with them
    kubelet_port: int = 0  # where its kubelet listens; 0 for nowhere
    drivers: tuple[CsiDriver, ...] = ()
    registers: bool = True  # whether its object is made for it; else somebody makes it


class ThresholdMet(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something of a node runs short: less is left of it than there should be. Amounts are bytes, or how many."""

    signal: str  # as a kubelet names it: memory.available, nodefs.inodesFree, pid.available
    quantity: int  # that should be left
    available: int  # that is
    grace_s: float = 0.0  # it may be so for so long; a hard threshold has none
    soft: bool = False

    @property
    def name(self) -> str:
        """A signal may have a soft threshold and a hard one."""
        return f"{self.signal}/soft" if self.soft else self.signal


class PodUse(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a pod uses of what its node may run short of."""

    memory_bytes: int = 0
    disk_bytes: int = 0  # layers, logs and volumes
    inodes: int = 0
    processes: int = 0
    memory: dict[str, int] = {}  # bytes, by container
    disk: dict[str, int] = {}  # bytes of layer and logs, by container
    volumes: dict[str, int] = {}  # bytes, by volume


class PressureObserved(NodeFact, frozen=True, kw_only=True, tag="PressureObserved"):
    """A node runs short of something, or does no more; a pod takes more room than it may. What is measured is no fact but
    where it begins to matter."""

    thresholds: tuple[ThresholdMet, ...] = ()  # that are met now; () when all is well again
    pods: dict[str, PodUse] = {}  # by uid: all while a threshold is met, else those that take more than they may
    transition_s: float = 300.0  # the node's condition stays for so long
    grace_period_s: int = 1  # a pod that has to go is given at most so long
    image_bytes: int = 0  # by so much images take more room than they should
    image_age_s: float = 120.0  # of those that came later none goes for it
    at_ns: int = 0


class ImagesCollected(NodeFact, frozen=True, kw_only=True, tag="ImagesCollected"):
    """Images that nothing uses were looked for to make room."""

    images: tuple[str, ...] = ()  # that are gone, by their names...
    image_ids: tuple[str, ...] = ()  # ...and as ImagePulled tells of them
    freed_bytes: int = 0
    wanted_bytes: int = 0  # 0 for all that nothing uses
    at_ns: int = 0


class PodFact(NodeFact, frozen=True, kw_only=True):
    pod_uid: str


class SandboxStarted(PodFact, frozen=True, kw_only=True, tag="SandboxStarted"):
    sandbox_id: str
    ip: str = ""  # "" with the host's network: the node's address counts
    at_ns: int = 0
    ips: tuple[str, ...] = ()  # all that it has, `ip` first, where there are several


class SandboxFailed(PodFact, frozen=True, kw_only=True, tag="SandboxFailed"):
    reason: str  # FailedCreatePodSandBox, FailedMount; FailedKillPod: it could not be removed
    message: str
    at_ns: int = 0


class SandboxExited(PodFact, frozen=True, kw_only=True, tag="SandboxExited"):
    """The pause process is gone though nobody asked: the pod needs a new sandbox."""

    sandbox_id: str


class PodNetworkLost(PodFact, frozen=True, kw_only=True, tag="PodNetworkLost"):
    """Somebody took a running pod's link, or the bridge, and it could not be put right; that is tried again."""

    message: str
    at_ns: int = 0


class PodNetworkMended(PodFact, frozen=True, kw_only=True, tag="PodNetworkMended"):
    """It was cut off, and has its place in the network of its node again."""

    message: str  # what was done
    at_ns: int = 0


class SandboxRemoved(PodFact, frozen=True, kw_only=True, tag="SandboxRemoved"):
    """No process, mount, namespace, link or directory of the pod is left."""


class ImagePulled(NodeFact, frozen=True, kw_only=True, tag="ImagePulled"):
    image: str  # as asked for
    image_id: str  # sha256 digest of the manifest or config
    present: bool = False  # it was there already
    size_bytes: int = 0
    at_ns: int = 0


class ImagePullFailed(NodeFact, frozen=True, kw_only=True, tag="ImagePullFailed"):
    image: str
    reason: str  # ErrImagePull, ErrImageNeverPull, InvalidImageName
    message: str
    at_ns: int = 0


class ContainerFact(PodFact, frozen=True, kw_only=True):
    container: str
    attempt: int  # 0 for the first start; the restart count


class ContainerLimits(Struct, frozen=True, kw_only=True):
    """What a container may use; 0 for no limit."""

    cpu_request_milli: int = 0
    cpu_limit_milli: int = 0
    memory_limit_bytes: int = 0


class ContainerStarted(ContainerFact, frozen=True, kw_only=True, tag="ContainerStarted"):
    container_id: str  # scheme included: shipslog://ID
    image_id: str = ""
    at_ns: int = 0
    limits: ContainerLimits | None = None  # with which it was started, as far as the runtime knows
    user: tuple[int, ...] = ()  # of its first process: user, group, all groups; () where the runtime does not tell
    stop_signal: str = ""  # that it is ended with: SIGTERM; "" where the runtime does not tell
    settles_ns: int = 0  # without a readiness probe it counts as ready once it has run so long


class ContainerResized(ContainerFact, frozen=True, kw_only=True, tag="ContainerResized"):
    """What a container may use was changed while it ran, or could not be."""

    limits: ContainerLimits  # that it has now; that it was to have, if that failed
    failure: str = ""
    at_ns: int = 0


class ContainerStartFailed(ContainerFact, frozen=True, kw_only=True, tag="ContainerStartFailed"):
    reason: str  # CreateContainerError, RunContainerError, CreateContainerConfigError
    message: str
    at_ns: int = 0


CONTAINER_STATUS_UNKNOWN = "ContainerStatusUnknown"
"""Nobody saw it end: with its node, or at a stop that people asked for. That is no crash."""


class ContainerExited(ContainerFact, frozen=True, kw_only=True, tag="ContainerExited"):
    container_id: str = ""
    exit_code: int
    signal: int = 0
    reason: str = ""  # Completed, Error, OOMKilled, ContainerStatusUnknown
    message: str = ""  # the termination message
    started_at_ns: int = 0
    at_ns: int = 0


class LifecycleHookFailed(ContainerFact, frozen=True, kw_only=True, tag="LifecycleHookFailed"):
    """A container is told to end although its handler did not do what it should have."""

    hook: str  # PreStop
    message: str
    at_ns: int = 0


class ProbeFlipped(ContainerFact, frozen=True, kw_only=True, tag="ProbeFlipped"):
    probe: str  # startup, liveness, readiness
    healthy: bool
    message: str = ""
    at_ns: int = 0


class RulesetApplied(NodeFact, frozen=True, kw_only=True, tag="RulesetApplied"):
    """The node's packet rules are those that `digest` names."""

    digest: str
    services: int


class RulesetFailed(NodeFact, frozen=True, kw_only=True, tag="RulesetFailed"):
    digest: str
    message: str


class NetworkPoliciesApplied(NodeFact, frozen=True, kw_only=True, tag="NetworkPoliciesApplied"):
    """The traffic of the node's pods is judged by the rules that `digest` names."""

    digest: str
    pods: dict[str, str] = {}  # by uid the addresses, commas between, of those whose traffic is judged; others' all passes


class NetworkPoliciesFailed(NodeFact, frozen=True, kw_only=True, tag="NetworkPoliciesFailed"):
    """They could not be applied; those from before still hold."""

    digest: str
    message: str


class VolumeFact(NodeFact, frozen=True, kw_only=True):
    volume: str  # the name of the PersistentVolume that it is, or will be


class VolumeMade(VolumeFact, frozen=True, kw_only=True, tag="VolumeMade"):
    """A directory for a claim is there on the node's disk."""

    path: str


class VolumeRemoved(VolumeFact, frozen=True, kw_only=True, tag="VolumeRemoved"):
    """Nothing of it is left on the node's disk."""


class VolumeScrubbed(VolumeFact, frozen=True, kw_only=True, tag="VolumeScrubbed"):
    """It is empty; what a claim had left in it is gone."""

    claim_uid: str


class VolumeOperationFailed(VolumeFact, frozen=True, kw_only=True, tag="VolumeOperationFailed"):
    """It could not be made, removed or scrubbed."""

    message: str
    at_ns: int = 0


class VolumeExpanded(VolumeFact, frozen=True, kw_only=True, tag="VolumeExpanded"):
    """Pods of the node see a volume of a CSI driver in its new size."""

    size_bytes: int


class VolumeExpansionFailed(VolumeFact, frozen=True, kw_only=True, tag="VolumeExpansionFailed"):
    """Its driver did not make it larger on the node."""

    message: str
    at_ns: int = 0


AnyFact = (
    ObjectCreated
    | ObjectModified
    | ObjectDeleted
    | EngineStarted
    | DecisionTaken
    | ClockStepped
    | Forgotten
    | MetricsObserved
    | NodeObserved
    | SandboxStarted
    | SandboxFailed
    | SandboxExited
    | SandboxRemoved
    | PodNetworkLost
    | PodNetworkMended
    | ImagePulled
    | ImagePullFailed
    | ContainerStarted
    | ContainerResized
    | ContainerStartFailed
    | ContainerExited
    | LifecycleHookFailed
    | ProbeFlipped
    | RulesetApplied
    | RulesetFailed
    | NetworkPoliciesApplied
    | NetworkPoliciesFailed
    | VolumeMade
    | VolumeRemoved
    | VolumeScrubbed
    | VolumeOperationFailed
    | VolumeExpanded
    | VolumeExpansionFailed
    | PressureObserved
    | ImagesCollected
)
ObjectChange = ObjectCreated | ObjectModified | ObjectDeleted
RuntimeFact = (
    NodeObserved
    | SandboxStarted
    | SandboxFailed
    | SandboxExited
    | SandboxRemoved
    | PodNetworkLost
    | PodNetworkMended
    | ImagePulled
    | ImagePullFailed
    | ContainerStarted
    | ContainerResized
    | ContainerStartFailed
    | ContainerExited
    | LifecycleHookFailed
    | ProbeFlipped
    | RulesetApplied
    | RulesetFailed
    | NetworkPoliciesApplied
    | NetworkPoliciesFailed
    | VolumeMade
    | VolumeRemoved
    | VolumeScrubbed
    | VolumeOperationFailed
    | VolumeExpanded
    | VolumeExpansionFailed
    | PressureObserved
    | ImagesCollected
)
