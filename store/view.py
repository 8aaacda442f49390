"""What may be asked of the state at one revision: of its objects, of what runs, or of both.

The engine's view implements it. Reads are synchronous, in memory, and never change what they return. A function names the
smallest of the three that it needs; a node's rules need what is under `Running` besides the objects that concern the node.

Tests: tests/engine/state/test_view.py
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from shipslog.store.objects.types.core_v1 import Pod

from .facts import ClusterConfig, NodeObserved
from .objects.scheme import Scheme
from .projections import Index, Projection
from .state import AutoscalerState, Entry, ImageState, NetworkPolicyState, PodRuntime, PressureState, RulesetState, VolumeState

S = TypeVar("S")
T = TypeVar("T")


class Objects(Protocol):
    """The objects at `revision`. Types are those of store.objects; `scheme` knows their kinds."""

    @property
    def revision(self) -> int: ...
    @property
    def scheme(self) -> Scheme:
        """The kinds that there are at this revision."""

    @property
    def config(self) -> ClusterConfig: ...

    def get(self, kind: type[T], name: str, namespace: str = "") -> T | None:
        """The object, or None."""

    def list(self, kind: type[T], namespace: str | None = None) -> Sequence[T]:
        """All of a kind, by (namespace, name); of one namespace if named."""

    def select(self, kind: type[T], namespace: str, labels: Mapping[str, str]) -> Sequence[T]:
        """Those in the namespace that carry all these labels, by name; through the label index. {} selects all."""

    def entry(self, resource: str, name: str, namespace: str = "") -> Entry | None: ...

    def entries(self, resource: str, namespace: str | None = None) -> Sequence[Entry]: ...

    def resources(self) -> Iterator[str]:
        """The keys of the kinds that have objects."""

    def find(self, index: Index, key: Hashable) -> Sequence[Entry]:
        """The objects that an index has under a key, by (resource, namespace, name)."""

    def projected(self, projection: Projection[S]) -> S:
        """What a projection has folded from the objects up to `revision`. It is not to be changed."""

    def owned(self, uid: str) -> Sequence[Entry]:
        """The objects with an owner reference to `uid`, by (resource, namespace, name)."""

    def by_uid(self, uid: str) -> Entry | None: ...

    def pods_on(self, node: str) -> Sequence[Pod]:
        """The pods bound to a node, by (namespace, name); for "" those that wait to be."""

    def node_gone_at(self, node: str) -> int:
        """When the node was deleted (ns UTC), while pods that were bound to it then are still there; else 0."""


class Running(Protocol):
    """What runs by the word of the nodes."""

    def pod_runtime(self, pod_uid: str) -> PodRuntime | None: ...

    def pods_running_on(self, node: str) -> Sequence[PodRuntime]:
        """All that the node reported and did not report removed, also of pods that the API has forgotten."""

    def image(self, node: str, image: str) -> ImageState | None: ...

    def node_observed(self, node: str) -> NodeObserved | None:
        """The node's last report of itself."""

    def ruleset(self, node: str) -> RulesetState: ...

    def network_policies(self, node: str) -> NetworkPolicyState | None:
        """None until the node has said the first word about them."""

    def pressure(self, node: str) -> PressureState | None:
        """What the node runs short of; None while it never did."""

    def volumes(self, name: str) -> Sequence[VolumeState]:
        """What nodes told of storage that was made, or is to be, for a PersistentVolume of that name; by node."""

    def autoscaler(self, uid: str) -> AutoscalerState | None:
        """What was observed for an autoscaler, and what came of it lately."""

    def volumes_on(self, node: str) -> Sequence[str]:
        """The names of the volumes that a node told of."""


class View(Objects, Running, Protocol):
    """Both, as a rule's `decide` is given them."""
