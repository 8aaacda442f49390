"""The narrator: Kubernetes Events from what happens, counted when they repeat."""

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.host import narrator
from shipslog.store.facts import ContainerStarted, SandboxFailed, SandboxStarted
from shipslog.store.objects import core_v1, meta_v1
from tests.engine.conftest import SteppedClock


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrator, "DELAY_S", 0.0)


async def a_pod(engine: Cluster) -> core_v1.Pod:
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),))
    return await engine.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="default"), spec=spec))


async def said(engine: Cluster, reason: str, count: int = 1) -> core_v1.Event:
    watch = engine.watch("events", after=0)
    try:
        while True:
            for event in engine.list(core_v1.Event):
                if event.reason == reason and event.count == count:
                    return event
            await watch.batch(timeout_s=5)
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
    await engine.gone(core_v1.Event, old.metadata.name, timeout_s=5)
