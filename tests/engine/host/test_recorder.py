"""The recorder: Kubernetes Events from what rules say, counted when they repeat."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit.watch import Watch
from shipslog.engine.host import event_expiry, recorder
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.kubelet.events import tells
from shipslog.reconcilers.rule.decision import Decision, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Create
from shipslog.store.facts import ContainerStarted, DecisionTaken, SandboxFailed, SandboxStarted
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import Forbidden, Refusal
from shipslog.store.view import View
from tests.engine.conftest import SteppedClock
from tests.logs import capture_logs

WAIT_S = 5.0
KUBELET = Reconciler(
    name="kubelet", actor="system:controller:kubelet", wakes=rule(), tells=tells,
    decide=lambda view, key, now: Decision(reason="it only tells"),
)  # fmt: skip


@pytest.fixture
async def engine(stepped: SteppedClock) -> AsyncIterator[Cluster]:
    """A cluster whose only rule words what nodes report."""
    async with Cluster.open(None, runtime="none", reconcilers=(KUBELET,), clock=stepped, entropy=Entropy(1)) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "DELAY_S", 0.0)


async def a_pod(engine: Cluster) -> core_v1.Pod:
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),))
    return await engine.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="default"), spec=spec))


async def said(engine: Cluster, reason: str, count: int = 1) -> core_v1.Event:
    watch = engine.watch("events", after=0)
    async with asyncio.timeout(WAIT_S):
        return await _said(engine, watch, reason, count)


async def _said(engine: Cluster, watch: Watch, reason: str, count: int) -> core_v1.Event:
    try:
        while True:
            for event in engine.list(core_v1.Event):
                if event.reason == reason and event.count == count:
                    return event
            await watch.batch(timeout_s=WAIT_S)
    finally:
        watch.close()


async def test_what_happens_to_a_pod_is_told_about_the_pod(engine: Cluster) -> None:
    pod = await a_pod(engine)
    uid = pod.metadata.uid
    facts = (
        SandboxStarted(node="n1", pod_uid=uid, sandbox_id="s", at_ns=1),
        ContainerStarted(node="n1", pod_uid=uid, container="c", attempt=0, container_id="x", image_id="i", at_ns=1),
    )
    await engine.committer.submit_facts(facts, actor="system:node:n1")
    event = await said(engine, "Started")
    assert event.message == "Started container c"
    assert (event.involved_object.name, event.involved_object.uid) == ("p", uid)
    assert event.involved_object.field_path == "spec.containers{c}"
    assert (event.source.component, event.source.host) == ("kubelet", "n1")
    assert event.metadata.namespace == "default" and event.metadata.name.startswith("p.")


async def test_the_same_thing_again_raises_the_count(engine: Cluster, stepped: SteppedClock) -> None:
    pod = await a_pod(engine)
    failure = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="FailedMount", message="no secret", at_ns=1)
    await engine.committer.submit_facts((failure,), actor="system:node:n1")
    first = await said(engine, "FailedMount")
    stepped.step(10)
    await engine.committer.submit_facts((failure, failure), actor="system:node:n1")
    again = await said(engine, "FailedMount", count=3)
    assert again.metadata.uid == first.metadata.uid
    assert again.last_timestamp > first.last_timestamp == again.first_timestamp


async def test_events_go_after_an_hour(engine: Cluster, stepped: SteppedClock) -> None:
    pod = await a_pod(engine)
    failure = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="FailedMount", message="one", at_ns=1)
    await engine.committer.submit_facts((failure,), actor="system:node:n1")
    old = await said(engine, "FailedMount")
    stepped.step(3700)
    other = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="R", message="two", at_ns=1)
    await engine.committer.submit_facts((other,), actor="system:node:n1")
    await said(engine, "FailedCreatePodSandBox")
    await engine.gone(core_v1.Event, old.metadata.name, timeout_s=WAIT_S)


async def test_an_old_story_that_was_written_just_now_stays_for_its_hour(engine: Cluster, stepped: SteppedClock) -> None:
    pod = await a_pod(engine)
    about = core_v1.ObjectReference(kind="Pod", name="p", namespace="default")
    old = core_v1.Event(
        metadata=meta_v1.ObjectMeta(name="old", namespace="default"), involved_object=about, reason="Old", type="Normal",
        last_timestamp="2001-01-01T00:00:00Z", first_timestamp="2001-01-01T00:00:00Z",
    )  # fmt: skip
    await engine.create(old)
    failure = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="R", message="m", at_ns=1)
    await engine.committer.submit_facts((failure,), actor="system:node:n1")
    await said(engine, "FailedCreatePodSandBox")
    assert engine.get(core_v1.Event, "old") is not None
    stepped.step(3700)
    await engine.committer.submit_facts((failure,), actor="system:node:n1")
    await engine.gone(core_v1.Event, "old", timeout_s=WAIT_S)


async def test_only_so_many_are_kept_and_the_longest_unwritten_go(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_expiry, "KEPT", 5)
    about = core_v1.ObjectReference(kind="Pod", name="p", namespace="default")

    async def write(name: str) -> None:
        meta = meta_v1.ObjectMeta(name=name, namespace="default")
        await engine.create(core_v1.Event(metadata=meta, involved_object=about, reason="R", type="Normal"))

    for i in range(5):
        await write(f"e{i}")
    first = engine.get(core_v1.Event, "e0")
    assert first is not None
    await engine.update(msgspec.structs.replace(first, message="again"))
    await write("e5")
    await engine.gone(core_v1.Event, "e1", timeout_s=WAIT_S)
    assert {e.metadata.name for e in engine.list(core_v1.Event)} == {"e0", "e2", "e3", "e4", "e5"}


async def test_one_component_about_one_object_is_bounded(engine: Cluster, stepped: SteppedClock) -> None:
    """Thirty different errors, one after the other: nine are told, then one Event stands for all, and its count lags behind."""
    pod = await a_pod(engine)

    async def fails(number: int) -> None:
        failure = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="R", message=f"error {number}", at_ns=1)
        await engine.committer.submit_facts((failure,), actor="system:node:n1")

    for number in range(40):
        await fails(number)
        await engine.recorder.flush()
    told = [e for e in engine.list(core_v1.Event) if e.reason == "FailedCreatePodSandBox"]
    assert len(told) == 10
    (combined,) = [e for e in told if e.message.startswith("(combined from similar events): ")]
    assert combined.count == 16  # 25 writes: nine and these
    stepped.step(301)
    await fails(40)
    again = await said(engine, "FailedCreatePodSandBox", count=32)
    assert again.metadata.uid == combined.metadata.uid and again.message.endswith("error 40")


def make_children(view: View, key: str, *, now: int) -> Decision:
    """Make two config maps, and one that is there already: what comes of each is said about the parent."""
    parent = view.get(core_v1.ConfigMap, key.partition("/")[2], "default")
    if parent is None or parent.metadata.name != "parent" or view.get(core_v1.ConfigMap, "b", "default") is not None:
        return Decision(reason="done")
    made = [
        Create(object=core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=n, namespace="default"))) for n in ("a", "b", "parent")
    ]
    says = [Say(about=reference(parent), reason="Made", message="Made {name}", after=c) for c in made]
    says += [Say(about=reference(parent), reason="Refused", message="Not made: {why}", after=c, refused=True) for c in made]
    standing = Say(about=reference(parent), type="Warning", reason="Alone", message="it had no children")
    return Decision(reason="children are missing", commands=tuple(made), says=(*says, standing))


async def test_what_came_of_each_command_is_said_in_the_words_of_the_rule() -> None:
    reconciler = Reconciler(
        name="parents", actor="system:controller:parents", wakes=rule(core_v1.ConfigMap), decide=make_children
    )
    async with Cluster.open(None, runtime="none", reconcilers=(reconciler,)) as cluster:
        await cluster.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="parent", namespace="default")))
        for reason in ("Alone", "Made", "Refused"):
            await said(cluster, reason)
        told = sorted((e.reason, e.message, e.source.component) for e in cluster.list(core_v1.Event))
    assert told == [
        ("Alone", "it had no children", "parents"),
        ("Made", "Made a", "parents"),
        ("Made", "Made b", "parents"),
        ("Refused", 'Not made: configmaps "parent" already exists', "parents"),
    ]


async def test_of_many_that_are_alike_none_is_tried_after_one_is_forbidden(engine: Cluster) -> None:
    spec = core_v1.ResourceQuotaSpec(hard={"count/configmaps": "4"})
    await engine.create(core_v1.ResourceQuota(metadata=meta_v1.ObjectMeta(name="few", namespace="default"), spec=spec))
    create = Create(object=core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(generate_name="one-", namespace="default")))
    about = reference(await a_pod(engine))
    says = (
        Say(about=about, reason="Refused", message="{why}", after=create, refused=True),
        Say(about=about, reason="Made", message="one", after=create),
    )
    decision = Decision(reason="all are missing", commands=(create,) * 10, says=says)
    how = {"read_revision": engine.view.revision, "now_ns": 1, "commands": (), "digest": ""}
    record = DecisionTaken(reconciler="alike", key="k", reason=decision.reason, **how)  # type: ignore[arg-type]
    results = (await engine.committer.submit_decision(record, (create,) * 10, actor="alike", cause=None))[1:]
    refused = results[4]
    assert isinstance(refused, Forbidden) and "exceeded quota" in refused.message
    assert not any(isinstance(one, Refusal) for one in results[:4]) and all(one is refused for one in results[4:])
    reconciler = Reconciler(name="alike", actor="alike", wakes=rule(core_v1.ConfigMap), decide=make_children)
    engine.recorder.on_decision(reconciler, decision, (), results)
    await engine.recorder.flush()
    told = {event.reason: event.count for event in engine.list(core_v1.Event) if event.involved_object.name == "p"}
    assert told["Made"] == 4 and told["Refused"] == 1


async def test_what_fails_while_they_are_written_is_told_and_they_are_written_all_the_same(
    engine: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = await a_pod(engine)
    due, failures = engine.recorder._expiry.due, iter([ZeroDivisionError("a bug")])

    def fail_once(now_ns: int) -> object:
        for error in failures:
            engine.recorder.record(KUBELET, Say(about=reference(pod), reason="Second", message="m"), "m", now_ns)
            raise error
        return due(now_ns)

    monkeypatch.setattr(engine.recorder._expiry, "due", fail_once)
    with capture_logs() as logs:
        failure = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="R", message="first", at_ns=1)
        await engine.committer.submit_facts((failure,), actor="system:node:n1")
        await said(engine, "Second")
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["task_begins_again"]


async def test_an_event_that_a_bug_keeps_from_being_written_is_told(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = await a_pod(engine)

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(engine.committer, "submit_together", fail)
    with capture_logs() as logs:
        failure = SandboxFailed(node="n1", pod_uid=pod.metadata.uid, reason="R", message="first", at_ns=1)
        await engine.committer.submit_facts((failure,), actor="system:node:n1")
        async with asyncio.timeout(WAIT_S):
            while not any(entry["log_level"] == "error" for entry in logs):
                await asyncio.sleep(0)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["events_not_written"]
