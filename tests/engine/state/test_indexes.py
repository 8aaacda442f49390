"""The indexes never know less than the state: whatever facts come, in whatever order, evolving never raises and a rebuild
finds the same."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.kinds.core.service.allocation import BY_ADDRESS, BY_NODE_PORT
from shipslog.engine.past.views import load
from shipslog.engine.state import snapshots
from shipslog.engine.state.indexes import BY_OWNER, BY_UID, PODS_BY_NODE
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import SystemClock
from shipslog.reconcilers import every_rule
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.events import Event
from shipslog.store.facts import (
    AnyFact,
    ClusterConfig,
    ContainerExited,
    ContainerStarted,
    ContainerStartFailed,
    EngineStarted,
    ImagePulled,
    ImagePullFailed,
    NodeObserved,
    ObjectCreated,
    ObjectDeleted,
    ObjectModified,
    ProbeFlipped,
    RulesetFailed,
    SandboxExited,
    SandboxFailed,
    SandboxRemoved,
    SandboxStarted,
)
from shipslog.store.log.memory import MemoryLog
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.wire import codec
from tests.logs import capture_logs

NODES, UIDS, NAMES = ("a", "b", ""), ("u0", "u1", "u2"), ("x", "y")
node, uid, name, attempt = (st.sampled_from(s) for s in (NODES, UIDS, NAMES, (0, 1, 2)))
container = {"node": node, "pod_uid": uid, "container": name, "attempt": attempt}
pod = {"node": node, "pod_uid": uid}
RUNTIME_FACTS: Sequence[st.SearchStrategy[AnyFact]] = (
    st.builds(SandboxStarted, **pod, sandbox_id=name),
    st.builds(SandboxFailed, **pod, reason=st.just("FailedMount"), message=st.just("no")),
    st.builds(SandboxExited, **pod, sandbox_id=name),
    st.builds(SandboxRemoved, **pod),
    st.builds(ContainerStarted, **container, container_id=name),
    st.builds(ContainerStartFailed, **container, reason=st.just("StartError"), message=st.just("no")),
    st.builds(ContainerExited, **container, exit_code=attempt),
    st.builds(ProbeFlipped, **container, probe=st.sampled_from(("startup", "liveness")), healthy=st.booleans()),
    st.builds(ImagePulled, node=node, image=name, image_id=st.just("i")),
    st.builds(ImagePullFailed, node=node, image=name, reason=st.just("ErrImagePull"), message=st.just("no")),
    st.builds(NodeObserved, node=node),
    st.builds(RulesetFailed, node=node, digest=st.just("d"), message=st.just("no")),
    st.just(EngineStarted(version="1", config=ClusterConfig())),
)
PROJECTIONS = (
    BY_UID,
    BY_OWNER,
    PODS_BY_NODE,
    BY_ADDRESS,
    BY_NODE_PORT,
    *(p for rule in every_rule.ALL for p in rule.projections),
)
FATES: Sequence[Any] = (ObjectCreated, ObjectModified, ObjectDeleted)


@st.composite
def pods(draw: st.DrawFn, meta: meta_v1.ObjectMeta) -> core_v1.Pod:
    """What a scheduler tells apart: what is asked for, whom it keeps away, whether it runs, ends, or was told why it waits."""
    asks = core_v1.ResourceRequirements(requests=draw(st.sampled_from(({}, {"cpu": "1"}))))
    ports = (core_v1.ContainerPort(container_port=80, host_port=80),) * draw(st.sampled_from((0, 0, 1)))
    container = core_v1.Container(name="x", image="i", resources=asks, ports=ports)
    chosen = meta_v1.LabelSelector(match_labels=draw(st.dictionaries(name, name, max_size=1)))
    term = (core_v1.PodAffinityTerm(label_selector=chosen, topology_key="x"),) * draw(attempt)
    far = core_v1.PodAntiAffinity(required_during_scheduling_ignored_during_execution=term)
    said = core_v1.PodCondition(type="PodScheduled", status="False", reason="Unschedulable", message=draw(name))
    spec = core_v1.PodSpec(
        containers=(container,), node_name=draw(node), priority=draw(attempt),
        affinity=core_v1.Affinity(pod_anti_affinity=far) if term else None,
        scheduling_gates=(core_v1.PodSchedulingGate(name="g"),) * draw(st.sampled_from((0, 0, 1))),
    )  # fmt: skip
    status = core_v1.PodStatus(phase=draw(st.sampled_from(("", "Running", "Failed"))), conditions=(said,) * draw(attempt))
    ends = draw(st.sampled_from(("", "", "2027-01-15T08:00:00Z")))
    return core_v1.Pod(metadata=replace(meta, deletion_timestamp=ends), spec=spec, status=status)


@st.composite
def nodes(draw: st.DrawFn) -> AnyFact:
    called, labels = draw(node) or "c", draw(st.dictionaries(name, name, max_size=2))
    condition = core_v1.NodeCondition(type="Ready", status=draw(st.sampled_from(("True", "False"))))
    room = {"cpu": draw(st.sampled_from(("1", "2"))), "memory": "1Gi", "pods": "2"}
    spec = core_v1.NodeSpec(unschedulable=draw(st.booleans()))
    status = core_v1.NodeStatus(allocatable=room, conditions=(condition,))
    obj = core_v1.Node(metadata=meta_v1.ObjectMeta(name=called, uid=f"node-{called}", labels=labels), spec=spec, status=status)
    fate = draw(st.sampled_from(FATES))
    return fate(resource="nodes", namespace="", name=called, uid=f"node-{called}", object=Raw(codec.encode(obj)))  # type: ignore[no-any-return]


@st.composite
def object_facts(draw: st.DrawFn) -> AnyFact:
    """A pod or a service made, changed, made again under another uid, or deleted; also one that nobody has made."""
    called, namespace, other = draw(name), draw(name), draw(uid)
    is_pod = draw(st.booleans())
    own = f"{'pod' if is_pod else 'svc'}-{draw(st.sampled_from(('p', 'q')))}-{namespace}-{called}"  # no two objects share one
    labels = draw(st.dictionaries(name, name, max_size=2))
    owners = (meta_v1.OwnerReference(api_version="v1", kind="Pod", name="o", uid=other),) * draw(attempt)
    meta = meta_v1.ObjectMeta(name=called, namespace=namespace, uid=own, labels=labels, owner_references=owners)
    obj: Any
    if is_pod:
        resource, obj = "pods", draw(pods(meta))
    else:  # its own addresses: admission gives none out twice
        address = draw(st.sampled_from(("", "None", f"10.0.0.{len(own)}{NAMES.index(called)}{NAMES.index(namespace)}")))
        port = draw(st.sampled_from((0, 30000 + 2 * NAMES.index(called) + NAMES.index(namespace))))
        ports = (core_v1.ServicePort(port=80, node_port=port),)
        type_ = draw(st.sampled_from(("NodePort", "ExternalName")))
        spec_ = core_v1.ServiceSpec(type=type_, cluster_ip=address, ports=ports)
        resource, obj = "services", core_v1.Service(metadata=meta, spec=spec_)
    fate = draw(st.sampled_from(FATES))
    return fate(resource=resource, namespace=namespace, name=called, uid=own, object=Raw(codec.encode(obj)))  # type: ignore[no-any-return]


def read_all(view: MemoryView) -> None:
    """Every read that goes through an index."""
    for where in NODES:
        view.pods_running_on(where)
        view.pods_on(where)
    for which in UIDS:
        view.owned(which)
        view.by_uid(which)
    for label in NAMES:
        view.entries_labelled("pods", None, {label: label})


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.one_of(*RUNTIME_FACTS, nodes(), *[object_facts()] * 4), max_size=40))
def test_no_order_of_facts_parts_an_index_from_the_state(facts: list[AnyFact]) -> None:
    view = MemoryView()
    for projection in PROJECTIONS:
        view.projected(projection)  # from nothing: all that follows is folded
    for revision, fact in enumerate(facts, 1):
        view.evolve(Event(revision=revision, time_ns=revision, actor="a", cause=None, fact=fact))
        read_all(view)
    assert view.copy().state() == view.state()
    assert view.reindex() == []
    assert snapshots.restore(snapshots.take(view)).state() == view.state()


def test_what_runs_is_found_on_the_node_that_reported_it_last() -> None:
    view = MemoryView()
    for revision, where in enumerate(("a", "b"), 1):
        started = SandboxStarted(node=where, pod_uid="u", sandbox_id="s")
        view.evolve(Event(revision=revision, time_ns=1, actor="a", cause=None, fact=started))
    assert view.pods_running_on("a") == [] and [p.pod_uid for p in view.pods_running_on("b")] == ["u"]
    view.evolve(Event(revision=3, time_ns=1, actor="a", cause=None, fact=SandboxRemoved(node="a", pod_uid="u")))
    assert view.pods_running_on("a") == [] and view.pods_running_on("b") == []


def bare_pod(where: str) -> core_v1.Pod:
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),), node_name=where)
    return core_v1.Pod(metadata=meta_v1.ObjectMeta(name="web", namespace="default"), spec=spec)


async def test_a_machine_that_came_back_under_another_name_leaves_a_log_that_opens(tmp_path: Path) -> None:
    path, machine = tmp_path / "cluster.db", SimulatedNode("a", now_ns=SystemClock().now_ns)
    async with Cluster.open(path, runtime=[machine]) as cluster:
        await cluster.create(bare_pod("a"))
        await cluster.wait(core_v1.Pod, "web", until=lambda pod: pod.status.phase == "Running")
    machine.node = "b"
    async with Cluster.open(path, runtime=[machine]) as cluster:
        (uid,) = machine.pods
        await heard(cluster, uid, "b")
    machine.node = "a"
    async with Cluster.open(path, runtime=[machine]) as cluster:
        await heard(cluster, uid, "a")
        await cluster.delete(core_v1.Pod, "web", grace_period_s=0)
        await cluster.gone(core_v1.Pod, "web")
        await heard(cluster, uid, "")
    async with Cluster.open(path, runtime=[machine]) as cluster:
        assert cluster.view.pods_running_on("a") == [] and machine.pods == {}


async def heard(cluster: Cluster, uid: str, where: str) -> None:
    """Returns when the pod runs there by the last word; "" for nowhere."""
    async with asyncio.timeout(10):
        while (runs := cluster.view.pod_runtime(uid)) is None or runs.node != where:
            if runs is None and not where:
                return
            await asyncio.sleep(0.005)


async def test_an_index_that_does_not_agree_is_rebuilt_and_said() -> None:
    event_log = MemoryLog()
    async with Cluster.open(event_log=event_log, runtime="none", reconcilers=()) as cluster:
        await cluster.create(bare_pod("a"))
        view = cluster.view.copy()
        view.pods_on("a")
        view.projected(PODS_BY_NODE).clear()
        view._collections["pods"]["default"].names.clear()
        assert view.reindex() == ["names and labels of pods in default", "pods by node"]
        assert [p.metadata.name for p in view.pods_on("a")] == ["web"] and view.reindex() == []
        with pytest.MonkeyPatch.context() as patched, capture_logs() as said:
            patched.setattr(MemoryView, "reindex", lambda self: ["pods by node"])
            await load(event_log)
        assert said == [
            {"event": "index_rebuilt", "index": "pods by node", "revision": event_log.revision, "log_level": "warning"}
        ]
