"""What is known at one revision, in shapes: an object with its bytes, and what runs.

Tests: tests/engine/state/test_runtime.py, tests/engine/state/test_view.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from shipslog.store.objects.values.scalars import NO_ITEMS
from shipslog.store.objects.wire import codec, protobuf_encoding

from .facts import ContainerExited, ContainerLimits, ImagePulled, ImagePullFailed, MetricsObserved, PressureObserved
from .objects.scheme import Kind


class Entry(Struct, frozen=True, gc=False):
    """One object as the view holds it: the Struct, the bytes that every reader shares, and when it last changed."""

    resource: str  # the kind's key
    object: Any
    encoded: bytes  # JSON
    revision: int
    body_at: int = 1  # where `encoded` goes on behind {"kind":...,"apiVersion":..., as a list's items do
    message: bytes = b""  # in protobuf, once somebody has asked for it: see `message_of`


class OpaqueMeta(Struct, frozen=True, kw_only=True):
    name: str
    namespace: str = ""
    uid: str = ""


class Opaque(Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of a kind that is not served: where it belongs, and no more. Its JSON is kept beside it."""

    api_version: str = ""
    kind: str = ""
    metadata: OpaqueMeta


def entry_of(kind: Kind, obj: Any, encoded: bytes, revision: int) -> Entry:
    """The entry of an object and its JSON. In lists what definitions make says of each item what it is, as in Kubernetes."""
    headed = kind.definition is None and encoded.startswith(kind.heads)
    return Entry(kind.resource, obj, encoded, revision, len(kind.head) if headed else 1)


def in_version(kind: Kind, entry: Entry) -> Entry:
    """The entry as a version of its kind shows it. Errors: Unconverted."""
    if kind.hub is None if not kind.is_foreign else entry.object.api_version == kind.api_version:
        return entry
    obj = kind.from_hub(entry.object)
    return entry_of(kind, obj, codec.encode(obj), entry.revision)


def message_of(entry: Entry) -> bytes:
    """The object as a protobuf message, made once for all who want it."""
    if not entry.message:
        force_setattr(entry, "message", protobuf_encoding.encode(entry.object))
    return entry.message


class ProbeState(Struct, frozen=True, kw_only=True):
    healthy: bool
    message: str = ""
    at_ns: int = 0


class ContainerRuntime(Struct, frozen=True, kw_only=True):
    """One container of one pod as its node reported it. `attempt` is the newest start that was tried."""

    name: str
    attempt: int
    running: bool = False
    container_id: str = ""
    image_id: str = ""
    image: str = ""  # as the pod named it when this attempt started
    started_at_ns: int = 0
    exit: ContainerExited | None = None  # of this attempt, when it is not running
    last_exit: ContainerExited | None = None  # of the attempt before
    start_failure: str = ""  # reason, when this attempt did not start
    start_message: str = ""
    failed_at_ns: int = 0
    failures: int = 0  # exits and failed starts in a row, for the back-off; a run of ten minutes resets it
    probes: Mapping[str, ProbeState] = NO_ITEMS  # by probe: startup, liveness, readiness
    limits: ContainerLimits | None = None  # that it has, as far as is known
    resize_failure: str = ""  # why it has not `resize_wanted`
    resize_wanted: ContainerLimits | None = None
    resize_failed_at_ns: int = 0
    user: tuple[int, ...] = ()  # of its first process: user, group, all groups
    stop_signal: str = ""
    settles_ns: int = 0  # without a readiness probe it counts as ready once it has run so long


class PodRuntime(Struct, frozen=True, kw_only=True):
    """What runs of one pod. Absent from the view before its first fact and after SandboxRemoved."""

    pod_uid: str
    node: str
    sandbox_id: str = ""  # "" when there is none now
    ip: str = ""
    sandbox_started_at_ns: int = 0
    sandbox_failure: str = ""
    sandbox_message: str = ""
    sandbox_failures: int = 0
    sandbox_failed_at_ns: int = 0
    network_failure: str = ""  # why it is cut off from its node's network; "" while it is not
    containers: Mapping[str, ContainerRuntime] = {}
    ips: tuple[str, ...] = ()  # all that it has, `ip` first, where there are several


class ImageState(Struct, frozen=True, kw_only=True):
    """The last word about one image on one node."""

    pulled: ImagePulled | None = None
    failed: ImagePullFailed | None = None  # set only while newer than `pulled`
    failures: int = 0  # in a row


class RulesetState(Struct, frozen=True, kw_only=True):
    """The last word about the packet rules of one node, since the engine started."""

    digest: str = ""  # of what the node applied; "" before, and after a failure
    failed_digest: str = ""
    message: str = ""  # of the failure
    failed_at_ns: int = 0
    failures: int = 0  # in a row


class NetworkPolicyState(Struct, frozen=True, kw_only=True):
    """The last word about the rules for the traffic of one node's pods, since the engine started."""

    digest: str = ""  # of what the node applied last; "" before
    pods: Mapping[str, str] = {}  # by uid the address of those whose traffic is judged
    failed_digest: str = ""  # of what could not be applied since
    message: str = ""  # of the failure
    failed_at_ns: int = 0
    failures: int = 0  # in a row


class PressureState(Struct, frozen=True, kw_only=True):
    """What one node runs short of, by its last word."""

    observed: PressureObserved = PressureObserved(node="")
    since: Mapping[str, int] = {}  # by threshold that is met (`signal`, `signal/soft`): when it was first seen to be
    ceased: Mapping[str, int] = {}  # by signal that is not met any more: when that was seen
    collected_ns: int = 0  # when images that nothing uses were looked for last


class VolumeState(Struct, frozen=True, kw_only=True):
    """Storage on the disk of one node, as far as the node has told of it. Absent after VolumeRemoved, and
    when the PersistentVolume is gone."""

    volume: str  # the name of its PersistentVolume
    node: str
    path: str = ""  # where it was made; "" before
    scrubbed_for: str = ""  # the uid of the claim whose leavings were removed last
    failures: int = 0  # in a row
    message: str = ""  # of the last failure
    failed_at_ns: int = 0
    expanded_bytes: int = 0  # the size that pods of the node see, once a CSI driver has made it larger there


class AutoscalerState(Struct, frozen=True, kw_only=True):
    """What the log remembers of an autoscaler besides its object."""

    uid: str
    observed: MetricsObserved | None = None  # the last; None since the engine started
    recommendations: tuple[tuple[int, int], ...] = ()  # (since when, replicas), each until the next; of the last hour
    scalings: tuple[tuple[int, int], ...] = ()  # (when, by how many); of the last hour
