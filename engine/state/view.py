"""The current state in memory: objects by key with their indexes, and what runs. Evolves one event at a time.

The engine keeps two: the head, which the committer writes ahead of the disk, and the committed view, which everybody else
reads. The same class serves the past, evolved up to an older revision.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from shipslog.store.events import Event
from shipslog.store.facts import (
    AnyFact,
    ClusterConfig,
    ContainerStarted,
    DecisionTaken,
    EngineStarted,
    ImagePulled,
    ImagePullFailed,
    ImagesCollected,
    MetricsObserved,
    NetworkPoliciesApplied,
    NetworkPoliciesFailed,
    NodeFact,
    NodeObserved,
    ObjectCreated,
    ObjectDeleted,
    ObjectFact,
    ObjectModified,
    PodFact,
    PressureObserved,
    RulesetApplied,
    RulesetFailed,
    SandboxRemoved,
    VolumeFact,
)
from shipslog.store.log.event_log import LogNewer
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.wire import codec
from shipslog.store.projections import Index, Projection
from shipslog.store.state import (
    AutoscalerState,
    Entry,
    ImageState,
    NetworkPolicyState,
    Opaque,
    PodRuntime,
    PressureState,
    RulesetState,
    VolumeState,
    entry_of,
)

from .autoscalers import Autoscalers
from .collection import Collection
from .indexes import BY_OWNER, BY_UID, PODS_BY_NODE
from .node_images import NodeImages
from .node_policies import NodePolicies, NodeRulesets
from .node_pressure import NodePressure
from .node_volumes import NodeVolumes
from .projected import Projected
from .runtime import evolve_pod, put_back

T = TypeVar("T")
S = TypeVar("S")
AUTOSCALERS = "horizontalpodautoscalers.autoscaling"


class MemoryView:
    """The state after `revision`; implements `store.view.View`. Only `evolve` changes it."""

    def __init__(self, scheme: Scheme = BUILTIN) -> None:
        self.revision = 0
        self.time_ns = 0
        self.config = ClusterConfig()
        self.scheme = scheme
        self._collections: dict[str, dict[str, Collection]] = {}
        self._pods: dict[str, PodRuntime] = {}
        self._running: dict[str, set[str]] = {}  # by node: the uids of the pods that run there by its own word
        self._projected = Projected(self._served_entries)
        self._images = NodeImages()
        self._nodes: dict[str, NodeObserved] = {}
        self._rulesets, self._policies, self._pressure = NodeRulesets(), NodePolicies(), NodePressure()
        self._volumes = NodeVolumes()
        self._autoscalers = Autoscalers()
        self._unserved: dict[tuple[str, str, str], Entry] = {}  # of kinds that are not served: kept, and shown to nobody
        self._nodes_gone: dict[str, int] = {}  # deleted while pods were bound to them, until these are gone too -> when

    # --- reading ---

    def entry(self, resource: str, name: str, namespace: str = "") -> Entry | None:
        collection = self._collections.get(resource, {}).get(namespace)
        return collection.by_name.get(name) if collection is not None else None

    def entries(self, resource: str, namespace: str | None = None) -> list[Entry]:
        collections = self._collections.get(resource, {})
        if namespace is not None:
            collection = collections.get(namespace)
            return collection.entries() if collection is not None else []
        return [entry for _, collection in sorted(collections.items()) for entry in collection.entries()]

    def count(self, resource: str) -> int:
        """How many objects of a kind there are."""
        return sum(len(collection.by_name) for collection in self._collections.get(resource, {}).values())

    def has_any(self, *resources: str) -> bool:
        """Whether there is an object of any of these kinds."""
        return any(map(self._collections.get, resources))

    def entries_labelled(self, resource: str, namespace: str | None, labels: Mapping[str, str]) -> list[Entry]:
        """Those that carry all these labels, by (namespace, name), through the label index."""
        collections = self._collections.get(resource, {})
        chosen = sorted((ns, s) for ns, s in collections.items() if namespace is None or ns == namespace)
        return [entry for _, collection in chosen for entry in collection.select(labels)]

    def get(self, kind: type[T], name: str, namespace: str = "") -> T | None:
        entry = self.entry(self.scheme.of(kind).resource, name, namespace)
        return entry.object if entry is not None else None

    def list(self, kind: type[T], namespace: str | None = None) -> Sequence[T]:
        return [entry.object for entry in self.entries(self.scheme.of(kind).resource, namespace)]

    def select(self, kind: type[T], namespace: str, labels: Mapping[str, str]) -> Sequence[T]:
        return [entry.object for entry in self.entries_labelled(self.scheme.of(kind).resource, namespace, labels)]

    def owned(self, uid: str) -> Sequence[Entry]:
        return self.find(BY_OWNER, uid)

    def by_uid(self, uid: str) -> Entry | None:
        return next(iter(self.find(BY_UID, uid)), None)

    def pods_on(self, node: str) -> Sequence[core_v1.Pod]:
        return [entry.object for entry in self.find(PODS_BY_NODE, node)]

    def find(self, index: Index, key: Hashable) -> Sequence[Entry]:
        """The objects that an index has under a key, by (resource, namespace, name)."""
        found = self.projected(index).get(key, ())
        return [self._collections[resource][namespace].by_name[name] for resource, namespace, name in sorted(found)]

    def projected(self, projection: Projection[S]) -> S:
        """The state of a projection; begun when it is first asked for."""
        return self._projected.state(projection)

    def resources(self) -> Iterator[str]:
        return (resource for resource, collections in sorted(self._collections.items()) if collections)

    def pod_runtime(self, pod_uid: str) -> PodRuntime | None:
        return self._pods.get(pod_uid)

    def pods_running_on(self, node: str) -> Sequence[PodRuntime]:
        return [self._pods[uid] for uid in sorted(self._running.get(node, ()))]

    def image(self, node: str, image: str) -> ImageState | None:
        return self._images.get((node, image))

    def node_observed(self, node: str) -> NodeObserved | None:
        return self._nodes.get(node)

    def nodes_observed(self) -> Sequence[str]:
        """The names of the nodes whose runtimes have reported themselves."""
        return sorted(self._nodes)

    def node_gone_at(self, node: str) -> int:
        return self._nodes_gone.get(node, 0)

    def ruleset(self, node: str) -> RulesetState:
        return self._rulesets.of(node)

    def network_policies(self, node: str) -> NetworkPolicyState | None:
        return self._policies.get(node)

    def pressure(self, node: str) -> PressureState | None:
        return self._pressure.get(node)

    def volumes(self, name: str) -> Sequence[VolumeState]:
        return self._volumes.of(name)

    def autoscaler(self, uid: str) -> AutoscalerState | None:
        return self._autoscalers.of(uid)

    def volumes_on(self, node: str) -> Sequence[str]:
        return self._volumes.on(node)

    # --- evolving ---

    def evolve(
        self, event: Event, made: Entry | None = None, runs: PodRuntime | None = None
    ) -> tuple[Entry | None, Entry | None]:
        """Take in the next event. -> (entry, previous entry) of the object it is about, else (None, None).

        `made`, `runs`: the object, or what runs of the pod, where the caller has just made it: so two views hold it once.
        Errors: AssertionError for a gap in the order."""
        assert event.revision == self.revision + 1, f"event {event.revision} after revision {self.revision}"
        self.revision, self.time_ns = event.revision, event.time_ns
        fact = event.fact
        if isinstance(fact, ObjectFact):
            return self._evolve_object(event.revision, fact, made)
        if isinstance(fact, DecisionTaken):
            pass  # every other event is one, and changes nothing
        elif isinstance(fact, PodFact):
            self._evolve_pod(fact, runs)
        elif isinstance(fact, ImagePulled | ImagePullFailed):
            self._images.evolve(fact)
        elif isinstance(fact, NodeObserved):
            self._nodes[fact.node] = fact
        elif isinstance(fact, MetricsObserved):
            self._autoscalers.observe(fact, event.time_ns)
        elif isinstance(fact, VolumeFact):
            self._volumes.evolve(fact, there=self.entry("persistentvolumes", fact.volume) is not None)
        elif isinstance(fact, RulesetApplied | RulesetFailed):
            self._rulesets.evolve(fact, event.time_ns)
        elif isinstance(fact, PressureObserved):
            self._pressure.observe(fact)
        elif isinstance(fact, ImagesCollected):
            self._images.evolve(fact)
            self._pressure.collect(fact)
        elif isinstance(fact, NetworkPoliciesApplied | NetworkPoliciesFailed):
            self._policies.evolve(fact, event.time_ns)
        elif isinstance(fact, EngineStarted):
            self.config = fact.config
            self._policies.clear()
            self._rulesets.clear()  # the adapters that held them are gone...
            self._autoscalers.restart()
            self._nodes.clear()  # ...and a node counts again when its runtime reports itself
        return None, None

    def _evolve_object(self, revision: int, fact: ObjectFact, made: Entry | None) -> tuple[Entry, Entry | None]:
        entry = made or restored(self.scheme, fact.resource, bytes(fact.object), revision)
        if isinstance(fact, ObjectDeleted):
            previous = self._take(fact.resource, fact.namespace, fact.name)
        else:
            assert isinstance(fact, ObjectCreated | ObjectModified)
            previous = self._put(fact.resource, fact.namespace, fact.name, entry)
        if fact.resource in ("nodes", "pods"):
            self._note_gone(fact, previous)
        elif fact.resource == "persistentvolumes" and isinstance(fact, ObjectDeleted):
            self._volumes.forget(fact.name)
        elif fact.resource == AUTOSCALERS and previous is not None:
            if isinstance(fact, ObjectDeleted):
                self._autoscalers.drop(fact.uid)
            else:
                self._autoscalers.change(previous.object, entry.object, self.time_ns)
        return entry, previous

    def _note_gone(self, fact: ObjectFact, previous: Entry | None) -> None:
        node = fact.name if fact.resource == "nodes" else previous.object.spec.node_name if previous is not None else ""
        bound = node in self.projected(PODS_BY_NODE)
        if fact.resource == "nodes" and isinstance(fact, ObjectDeleted) and bound:
            self._nodes_gone[node] = self.time_ns
        elif fact.resource == "nodes" or not bound:
            self._nodes_gone.pop(node, None)

    def _put(self, resource: str, namespace: str, name: str, entry: Entry) -> Entry | None:
        if not self.scheme.knows(resource):
            previous = self._unserved.get((resource, namespace, name))
            self._unserved[resource, namespace, name] = entry
            return previous
        collections = self._collections.setdefault(resource, {})
        collection = collections.get(namespace)
        if collection is None:
            collection = collections[namespace] = Collection()
        previous = collection.by_name.get(name)
        collection.put(name, entry, previous)
        self._projected.fold(resource, previous, entry)
        self._define(resource, previous, entry)
        return previous

    def _take(self, resource: str, namespace: str, name: str) -> Entry | None:
        if not self.scheme.knows(resource):
            return self._unserved.pop((resource, namespace, name), None)
        collection = self._collections.get(resource, {}).get(namespace)
        previous = collection.by_name.get(name) if collection is not None else None
        if collection is None or previous is None:
            return None
        collection.drop(name, previous)
        if not collection.names:
            del self._collections[resource][namespace]
        self._projected.fold(resource, previous, None)
        self._define(resource, previous, None)
        return previous

    def _define(self, resource: str, previous: Entry | None, entry: Entry | None) -> None:
        """Objects that define kinds bring them and take them along: a view has the kinds of its moment."""
        defines = self.scheme.by_resource(resource).defines
        if defines is None:
            return
        before, after = (defines(e.object) if e is not None else () for e in (previous, entry))
        if len(before) == len(after) and all(one.is_like(other) for one, other in zip(before, after, strict=True)):
            return
        if before and after and _as_stored(before[0]) == _as_stored(after[0]):
            self.scheme = self.scheme.with_kind(*after)  # its objects stay as they are
            return
        for gone in before[:1]:
            if (not after or after[0].resource != gone.resource) and self.scheme.knows(gone.resource):
                self._serve(gone.resource, self.scheme.without(gone.resource))
        if after:
            self._serve(after[0].resource, self.scheme.with_kind(*after))

    def _serve(self, resource: str, scheme: Scheme) -> None:
        """The objects of a kind go where they belong with other kinds: among those that are served, or not."""
        held = [
            (e, namespace, name)
            for namespace, collection in self._collections.get(resource, {}).items()
            for name, e in collection.by_name.items()
        ]
        held += [(e, key[1], key[2]) for key, e in self._unserved.items() if key[0] == resource]
        for _, namespace, name in held:
            self._take(resource, namespace, name)
        self.scheme = scheme
        for entry, namespace, name in held:
            self._put(resource, namespace, name, restored(scheme, resource, entry.encoded, entry.revision))

    def _evolve_pod(self, fact: PodFact, after: PodRuntime | None) -> None:
        uid = fact.pod_uid
        before = self._pods.get(uid)
        if after is None and not isinstance(fact, SandboxRemoved):
            after = evolve_pod(before, fact, self._image_of(fact) if isinstance(fact, ContainerStarted) else "")
        if after is before:
            return
        if after is None:
            del self._pods[uid]
        else:
            self._pods[uid] = after
        self._run(before, after)

    def _run(self, before: PodRuntime | None, after: PodRuntime | None) -> None:
        """What runs of a pod changed; it may run on another node now."""
        if before is not None and (after is None or after.node != before.node):
            uids = self._running[before.node]
            uids.discard(before.pod_uid)
            if not uids:
                del self._running[before.node]
        if after is not None:
            self._running.setdefault(after.node, set()).add(after.pod_uid)

    def _image_of(self, fact: ContainerStarted) -> str:
        entry = self.by_uid(fact.pod_uid)
        if entry is None or entry.resource != "pods":
            return ""
        spec: core_v1.PodSpec = entry.object.spec
        containers: tuple[Any, ...] = (*spec.containers, *spec.init_containers, *spec.ephemeral_containers)
        return next((c.image for c in containers if c.name == fact.container), "")

    def revert(self, facts: Sequence[tuple[AnyFact, Entry | None]], to: "MemoryView") -> None:
        """Take back the last events, each with the entry before it: the state is as that of `to` again, which never saw them.

        Costs as much as taking them in did, not as much as the state is large."""
        for fact, previous in reversed(facts):
            if isinstance(fact, ObjectFact):
                if previous is not None:
                    self._put(fact.resource, fact.namespace, fact.name, previous)
                elif not isinstance(fact, ObjectDeleted):
                    self._take(fact.resource, fact.namespace, fact.name)
                if fact.resource == "persistentvolumes":
                    self._volumes.restore(fact.name, to._volumes)
                elif fact.resource == AUTOSCALERS:
                    self._autoscalers.restore(fact.uid, to._autoscalers)
            elif isinstance(fact, MetricsObserved):
                self._autoscalers.restore(fact.uid, to._autoscalers)
            elif isinstance(fact, PodFact):
                before, now = to._pods.get(fact.pod_uid), self._pods.get(fact.pod_uid)
                put_back(self._pods, to._pods, fact.pod_uid)
                self._run(now, before)
            elif isinstance(fact, ImagePulled | ImagePullFailed):
                self._images = NodeImages(to._images)  # others may have been forgotten for it
            elif isinstance(fact, VolumeFact):
                self._volumes.restore(fact.volume, to._volumes)
            elif isinstance(fact, NodeFact):
                put_back(self._nodes, to._nodes, fact.node)
                put_back(self._rulesets, to._rulesets, fact.node)
                put_back(self._policies, to._policies, fact.node)
                put_back(self._pressure, to._pressure, fact.node)
                if isinstance(fact, ImagesCollected):
                    self._images = NodeImages(to._images)
            elif isinstance(fact, EngineStarted):
                self.config, self._rulesets, self._nodes = to.config, NodeRulesets(to._rulesets), dict(to._nodes)
                self._policies, self._autoscalers = NodePolicies(to._policies), to._autoscalers.copy()
        self.revision, self.time_ns = to.revision, to.time_ns

    # --- for a log that is opened ---

    def reindex(self) -> Sequence[str]:
        """Put every index right that does not agree with the state. -> what they were: [] unless there is a bug.

        It costs as much as taking the objects in, so it is for an opening: a wrong index must not keep a log from serving."""
        wrong = []
        for resource, collections in self._collections.items():
            for namespace, collection in collections.items():
                rebuilt = Collection.rebuilt(collection.by_name)
                if not collection.agrees(rebuilt):
                    collections[namespace] = rebuilt
                    wrong.append(f"names and labels of {resource} in {namespace or 'the cluster'}")
        wrong += self._projected.refold()
        running: dict[str, set[str]] = {}
        for pod in self._pods.values():
            running.setdefault(pod.node, set()).add(pod.pod_uid)
        if running != self._running:
            self._running = running
            wrong.append("pods that run by node")
        return wrong

    # --- for snapshots ---

    def state(self) -> dict[str, Any]:
        """All that `restored` needs, in terms that msgspec encodes; the indexes are left out."""
        return {
            "revision": self.revision,
            "time_ns": self.time_ns,
            "config": self.config,
            "entries": [(e.resource, e.revision, e.encoded) for e in self._all_entries()],
            "pods": [self._pods[uid] for uid in sorted(self._pods)],
            "images": [(node, image, state) for (node, image), state in sorted(self._images.items())],
            "nodes": [self._nodes[node] for node in sorted(self._nodes)],
            "rulesets": self._rulesets,
            "nodes_gone": dict(self._nodes_gone),
            "volumes": self._volumes.states(),
            "autoscalers": self._autoscalers.states(),
            "network_policies": dict(self._policies),
            "pressure": dict(self._pressure),
        }

    def _served_entries(self, resources: tuple[str, ...]) -> Iterator[Entry]:
        """The objects of these kinds, of all for (): in no particular order."""
        return (
            entry
            for resource in resources or tuple(self._collections)
            for collection in self._collections.get(resource, {}).values()
            for entry in collection.by_name.values()
        )

    def _all_entries(self) -> Sequence[Entry]:
        """Of kinds that are served and of others, in an order that is always the same."""
        served = [e for resource in sorted(self._collections) for e in self.entries(resource)]
        return [*served, *(self._unserved[key] for key in sorted(self._unserved))]

    def load(
        self,
        *,
        revision: int,
        time_ns: int,
        config: ClusterConfig,
        entries: Iterable[Entry],
        pods: Sequence[PodRuntime],
        images: Sequence[tuple[str, str, ImageState]],
        nodes: Sequence[NodeObserved],
        rulesets: Mapping[str, RulesetState],
        nodes_gone: Mapping[str, int],
        volumes: Sequence[VolumeState],
        autoscalers: Sequence[AutoscalerState],
        network_policies: Mapping[str, NetworkPolicyState],
        pressure: Mapping[str, PressureState],
    ) -> None:
        """Fill an empty view with what `state` gave."""
        self.revision, self.time_ns, self.config = revision, time_ns, config
        for entry in entries:
            self.put(entry)
        for pod in pods:
            self._pods[pod.pod_uid] = pod
            self._run(None, pod)
        self._images = NodeImages({(node, image): state for node, image, state in images})
        self._nodes = {node.node: node for node in nodes}
        self._rulesets, self._nodes_gone = NodeRulesets(rulesets), dict(nodes_gone)
        self._policies, self._pressure = NodePolicies(network_policies), NodePressure(pressure)
        self._volumes, self._autoscalers = NodeVolumes(volumes), Autoscalers(autoscalers)

    def put(self, entry: Entry) -> None:
        """One object more, of a view that is being filled."""
        meta = entry.object.metadata
        self._put(entry.resource, meta.namespace, meta.name, entry)

    def copy(self) -> "MemoryView":
        """A second view of the same state, sharing every object."""
        other, state = MemoryView(self.scheme), self.state()
        state["entries"] = self._all_entries()
        other.load(**state)
        return other


def _as_stored(kind: Kind) -> tuple[object, ...]:
    """What decides how a kind's objects are kept: see `restored`."""
    return kind.resource, kind.head, kind.is_foreign


def restored(scheme: Scheme, resource: str, encoded: bytes, revision: int) -> Entry:
    """The entry of an object as the log or a snapshot keeps it; an opaque one if its kind is not served. Errors: LogNewer."""
    try:
        if not scheme.knows(resource):
            return Entry(resource, msgspec.json.decode(encoded, type=Opaque), encoded, revision)
        kind = scheme.by_resource(resource)
        obj: Any = codec.restore(kind.type, encoded)
        chosen = kind.definition is not None and not kind.is_foreign  # by its definition, which may have chosen another before
        if chosen and obj.api_version != kind.api_version:
            obj = msgspec.structs.replace(obj, kind=kind.kind, api_version=kind.api_version)
            encoded = codec.encode(obj)
        return entry_of(kind, obj, encoded, revision)
    except msgspec.ValidationError as error:
        raise LogNewer(f"revision {revision}", f"an object of {resource} cannot be read: {error}") from error
