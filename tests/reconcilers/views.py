"""Views for rules: objects and facts in, a MemoryView out."""

from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.rule.pods import owner_reference
from shipslog.reconcilers.rule.wakes import Change, Wakes
from shipslog.store.events import Event
from shipslog.store.facts import AnyFact, Fact, NodeObserved, ObjectCreated, ObjectDeleted
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Scheme
from shipslog.store.objects.types import apps_v1, core_v1, meta_v1
from shipslog.store.objects.wire import codec

NOW = 1_800_000_000_000_000_000
BORN = "2027-01-15T08:00:00Z"


def view_of(*things: Any) -> MemoryView:
    """Objects (Structs of registered kinds) and facts, in their order."""
    view = MemoryView()
    add(view, *things)
    return view


def add(view: MemoryView, *things: Any) -> None:
    for thing in things:
        fact: AnyFact = thing if hasattr(thing, "node") else created(thing, view.scheme)
        view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=fact))


def woken(wakes: Wakes, view: MemoryView, thing: Any) -> list[str]:
    """The keys that are woken when an object comes or changes, or when a fact is heard; the view takes it in."""
    return _woken(wakes, view, thing if isinstance(thing, Fact) else created(thing, view.scheme))


def woken_by_end(wakes: Wakes, view: MemoryView, obj: Any) -> list[str]:
    """The keys that are woken when an object goes; the view takes it in."""
    fact = created(obj)
    gone = ObjectDeleted(resource=fact.resource, namespace=fact.namespace, name=fact.name, uid=fact.uid, object=fact.object)
    return _woken(wakes, view, gone)


def _woken(wakes: Wakes, view: MemoryView, fact: Any) -> list[str]:
    event = Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=fact)
    entry, before = view.evolve(event)
    assert wakes.looks_at(fact, view.scheme) or not wakes.keys_for(view, Change(event, before, entry))
    return wakes.keys_for(view, Change(event, before, None if isinstance(fact, ObjectDeleted) else entry))


def created(obj: Any, scheme: Scheme = BUILTIN) -> ObjectCreated:
    kind = scheme.of(obj)
    meta = obj.metadata
    uid = meta.uid or f"uid-{kind.plural}-{meta.name}"
    namespace = (meta.namespace or "default") if kind.namespaced else ""
    meta = replace(meta, uid=uid, namespace=namespace, creation_timestamp=meta.creation_timestamp or BORN)
    raw = msgspec.Raw(codec.encode(replace(obj, metadata=meta)))
    return ObjectCreated(resource=kind.resource, namespace=namespace, name=meta.name, uid=uid, object=raw)


def meta(name: str, **more: Any) -> meta_v1.ObjectMeta:
    return meta_v1.ObjectMeta(name=name, namespace=more.pop("namespace", "default"), **more)


def owned_by(name: str, uid: str = "", controller: bool = True) -> tuple[meta_v1.OwnerReference, ...]:
    return (
        meta_v1.OwnerReference(
            api_version="v1",
            kind="ReplicationController",
            name=name,
            uid=uid or f"uid-replicationcontrollers-{name}",
            controller=controller,
            block_owner_deletion=True,
        ),
    )


def pod(
    name: str, *, node: str = "", phase: str = "", ready: bool = False, ip: str = "", cpu: str = "", **more: Any
) -> core_v1.Pod:
    """A pod of one container."""
    requests = {"cpu": cpu} if cpu else {}
    container = core_v1.Container(
        name="c", image="img", ports=(core_v1.ContainerPort(name="http", container_port=8080),),
        resources=core_v1.ResourceRequirements(requests=requests),
    )  # fmt: skip
    conditions = (core_v1.PodCondition(type="Ready", status="True", last_transition_time=BORN),) if ready else ()
    spec = replace(more.pop("spec", core_v1.PodSpec()), containers=(container,), node_name=node)
    return core_v1.Pod(
        metadata=meta(name, **more), spec=spec,
        status=core_v1.PodStatus(phase=phase or ("Running" if node else "Pending"), conditions=conditions, pod_ip=ip),
    )  # fmt: skip


def node(name: str, cpu: str = "4", *, ready: bool = True, **more: Any) -> core_v1.Node:
    capacity = {"cpu": cpu, "memory": "8Gi", "pods": "110"}
    condition = core_v1.NodeCondition(type="Ready", status="True" if ready else "False")
    return core_v1.Node(
        metadata=meta_v1.ObjectMeta(name=name, labels=more.pop("labels", {})), spec=core_v1.NodeSpec(**more),
        status=core_v1.NodeStatus(capacity=capacity, allocatable=capacity, conditions=(condition,)),
    )  # fmt: skip


def observed(name: str) -> NodeObserved:
    return NodeObserved(node=name, addresses=(("InternalIP", "192.0.2.9"),), capacity={"cpu": "4", "memory": "8Gi"})


def rc(name: str, replicas: int, **more: Any) -> core_v1.ReplicationController:
    labels = {"app": name}
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=labels), spec=pod("x").spec)
    spec = core_v1.ReplicationControllerSpec(
        replicas=replicas, selector=labels, template=template, min_ready_seconds=more.pop("min_ready_seconds", 0)
    )
    return core_v1.ReplicationController(metadata=meta(name, generation=1, **more), spec=spec)


def rs(name: str, replicas: int, **more: Any) -> apps_v1.ReplicaSet:
    """A replica set of pods with the label `app` = name, or what `labels_of_pods` says."""
    labels = more.pop("labels_of_pods", {"app": name})
    spec = apps_v1.ReplicaSetSpec(
        replicas=replicas, selector=more.pop("selector", meta_v1.LabelSelector(match_labels=labels)),
        template=core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=labels), spec=pod("x").spec),
        min_ready_seconds=more.pop("min_ready_seconds", 0),
    )  # fmt: skip
    status = more.pop("status", apps_v1.ReplicaSetStatus())
    return apps_v1.ReplicaSet(metadata=meta(name, generation=1, **more), spec=spec, status=status)


def controlled_by(obj: Any) -> tuple[meta_v1.OwnerReference, ...]:
    """The owner references of what an object of a view controls."""
    uid = obj.metadata.uid or f"uid-{BUILTIN.of(obj).plural}-{obj.metadata.name}"
    return (owner_reference(replace(obj, metadata=replace(obj.metadata, uid=uid))),)


def service(name: str, **more: Any) -> core_v1.Service:
    port = core_v1.ServicePort(name="", port=80, target_port=more.pop("target_port", 8080), protocol="TCP")
    spec = core_v1.ServiceSpec(selector={"app": name}, ports=(port,), cluster_ip=more.pop("cluster_ip", "10.96.0.9"), **more)
    return core_v1.Service(metadata=meta(name), spec=spec)
