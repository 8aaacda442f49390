"""What is sent to a runtime, and when: volumes that changed, an end that is hurried."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.host import dispatch
from shipslog.runtime.commands import (
    AnyRuntimeCommand,
    RefreshVolumes,
    RemoteVolume,
    RemovePodSandbox,
    RunPodSandbox,
    StopContainer,
    VolumeSource,
)
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.facts import RuntimeFact, SandboxRemoved, SandboxStarted
from shipslog.store.objects.types import core_v1, meta_v1
from tests.logs import capture_logs


class Told(SimulatedNode):
    """A simulated node that remembers what it was told, and does not hurry to end containers."""

    def __init__(self) -> None:
        super().__init__("n1", now_ns=time.time_ns)
        self.commands: list[AnyRuntimeCommand] = []
        self.slow = False
        self.refuses = ""  # why volumes are not published again

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        self.commands.append(command)
        if isinstance(command, RefreshVolumes) and command.republishes and self.refuses:
            raise VolumeFailed(self.refuses)
        if isinstance(command, StopContainer) and self.slow:
            await asyncio.sleep(0.3 if command.grace_period_s <= 1 else 30)
        return await super().execute(command)

    def of(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def config_map(**data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="settings", namespace="default"), data=data)


def a_pod() -> core_v1.Pod:
    volume = core_v1.Volume(name="v", config_map=core_v1.ConfigMapVolumeSource(name="settings"))
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),), volumes=(volume,))
    return core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="default"), spec=spec)


async def running(cluster: Cluster) -> core_v1.Pod:
    await until(lambda: cluster.get(core_v1.Pod, "p", "default").status.phase == "Running")
    return cluster.get(core_v1.Pod, "p", "default")


async def test_volumes_are_refreshed_when_and_only_when_they_changed() -> None:
    node = Told()
    async with Cluster.open(runtime=[node]) as cluster:
        await cluster.create(config_map(a="1"))
        await cluster.create(a_pod())
        await running(cluster)
        await asyncio.sleep(0.1)
        assert not node.of(RefreshVolumes), "the sandbox was made with them"
        current = cluster.get(core_v1.ConfigMap, "settings", "default")
        await cluster.update(core_v1.ConfigMap(metadata=current.metadata, data={"a": "2"}))
        await until(lambda: node.of(RefreshVolumes))
        (refreshed,) = node.of(RefreshVolumes)
        files = {f.path: f.data for volume in refreshed.volumes if volume.name == "v" for f in volume.files}
        assert files == {"a": b"2"}


async def test_a_driver_that_refuses_to_publish_again_is_told_of() -> None:
    node = Told()
    async with Cluster.open(runtime=[node]) as cluster:
        await cluster.create(config_map(a="1"))
        await cluster.create(a_pod())
        pod = await running(cluster)
        remote = RemoteVolume(plugin="csi", source={}, published=1, again=True)
        volumes = (VolumeSource(name="v", kind="remote", remote=remote),)
        node.refuses = "rpc error: no such secret"
        again = RefreshVolumes(node="n1", pod_uid=pod.metadata.uid, volumes=volumes)
        sent = asyncio.create_task(cluster.host.dispatcher.carry_out(again, 0))
        await until(lambda: [e for e in cluster.list(core_v1.Event) if e.reason == "FailedMount" and e.message == node.refuses])
        sent.cancel()
        assert (await running(cluster)).status.phase == "Running"


async def test_a_pod_that_waits_for_a_config_map_begins_when_it_comes() -> None:
    node = Told()
    async with Cluster.open(runtime=[node]) as cluster:
        await cluster.create(a_pod())

        def told() -> Sequence[str]:
            return [e.message for e in cluster.list(core_v1.Event) if e.reason == "FailedMount"]

        await until(told)
        assert list(told()) == ['MountVolume.SetUp failed for volume "v" : configmap "settings" not found']
        assert not node.of(RunPodSandbox)
        await cluster.create(config_map(a="1"))
        await running(cluster)


async def test_a_shorter_grace_period_overtakes() -> None:
    node = Told()
    async with Cluster.open(runtime=[node]) as cluster:
        await cluster.create(config_map(a="1"))
        await cluster.create(a_pod())
        await running(cluster)
        node.slow = True
        await cluster.delete(core_v1.Pod, "p", "default")
        await until(lambda: node.of(StopContainer))
        await cluster.delete(core_v1.Pod, "p", "default", grace_period_s=1)
        await cluster.gone(core_v1.Pod, "p", timeout_s=5)
        assert [c.grace_period_s for c in node.of(StopContainer)] == [30, 1]


@pytest.mark.parametrize("missing", ["configmap", "secret"])
async def test_a_container_that_lacks_its_environment_says_so(missing: str) -> None:
    name = "settings"
    source = core_v1.EnvFromSource(
        config_map_ref=core_v1.ConfigMapEnvSource(name=name) if missing == "configmap" else None,
        secret_ref=core_v1.SecretEnvSource(name=name) if missing == "secret" else None,
    )
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i", env_from=(source,)),))
    made: Awaitable[Any]
    async with Cluster.open() as cluster:
        await cluster.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="default"), spec=spec))
        await until(lambda: [e for e in cluster.list(core_v1.Event) if e.message == f'Error: {missing} "settings" not found'])
        if missing == "configmap":
            made = cluster.create(config_map(a="1"))
        else:
            made = cluster.create(core_v1.Secret(metadata=meta_v1.ObjectMeta(name=name, namespace="default")))
        await made
        await running(cluster)


async def test_a_command_that_fails_is_tried_again_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Told):
        async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
            if isinstance(command, RunPodSandbox) and len(self.of(RunPodSandbox)) < 4:
                self.commands.append(command)
                raise OSError(16, "Device or resource busy")
            return await super().execute(command)

    monkeypatch.setattr(dispatch, "BACKOFF_S", 0.01)
    with capture_logs() as said:
        async with Cluster.open(runtime=[Broken()]) as cluster:
            await cluster.create(config_map(a="1"))
            await cluster.create(a_pod())
            await running(cluster)
            assert not cluster.host.dispatcher._failures, "what went well is forgotten"
    told = [line for line in said if line["event"] == "runtime_command_failed"]
    assert [(line["times"], line["retry_s"]) for line in told] == [(1, 0.01), (2, 0.02), (3, 0.04), (4, 0.08)]
    assert not any(line["exc_info"] for line in told), "the machine refused: no trace of ours says more"


@pytest.mark.parametrize("first", ["pod", "node"])
async def test_what_ran_on_a_node_that_is_not_here_is_forgotten_with_the_node(first: str) -> None:
    """The facts of a machine that came under another name once: nobody else would ever say that its pods are gone."""
    async with Cluster.open(runtime=[Told()]) as cluster:
        node = core_v1.Node(metadata=meta_v1.ObjectMeta(name="away"))
        await cluster.create(node)
        started = SandboxStarted(node="away", pod_uid="old", sandbox_id="s", at_ns=1)
        if first == "node":
            await cluster.delete(core_v1.Node, "away")
        await cluster.committer.submit_facts((started,), actor="system:node:away")
        if first == "pod":
            await until(cluster.host.idle)
            assert cluster.view.pod_runtime("old") is not None, "the node may come back"
            await cluster.delete(core_v1.Node, "away")
        await until(lambda: cluster.view.pod_runtime("old") is None)
        assert cluster.view.pods_running_on("away") == []
        removed = [e async for es in cluster.log.read(0) for e in es if isinstance(e.fact, SandboxRemoved)]
        assert [(e.fact, e.actor) for e in removed] == [(SandboxRemoved(node="away", pod_uid="old"), "system:engine")]


async def test_what_a_runtime_reports_is_recorded_though_recording_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Told()
    async with Cluster.open(runtime=[node]) as cluster:
        await until(cluster.host.idle)
        dispatcher = cluster.host.dispatcher
        record, failures = dispatcher.record, iter([ZeroDivisionError("a bug")])

        def fail_once(*arguments: Any, **more: Any) -> Any:
            for error in failures:
                raise error
            return record(*arguments, **more)

        monkeypatch.setattr(dispatcher, "record", fail_once)
        with capture_logs() as logs:
            cluster.host.report(SandboxRemoved(node="n1", pod_uid="u"))
            await until(cluster.failing)
            (failing,) = cluster.failing()
            assert failing == "dispatcher/reports: ZeroDivisionError; it begins again, and the server's log says more"
            await until(lambda: not dispatcher._reported and not cluster.failing())
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["task_begins_again"]


def failed_kills(cluster: Cluster) -> list[core_v1.Event]:
    return [event for event in cluster.list(core_v1.Event) if event.reason == "FailedKillPod"]


async def test_a_pod_that_cannot_be_removed_is_told_of_each_time_it_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "BACKOFF_S", 0.05)
    node, tries = Told(), 0

    async def execute(command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        nonlocal tries
        if isinstance(command, RemovePodSandbox):
            tries += 1
            if tries < 3:
                raise OSError(16, "Device or resource busy", "/pods/p/volumes")
        return await Told.execute(node, command)

    monkeypatch.setattr(node, "execute", execute)
    async with Cluster.open(runtime=[node]) as cluster:
        await cluster.create(config_map(a="1"))
        await cluster.create(a_pod())
        pod = await running(cluster)
        await cluster.delete(core_v1.Pod, "p", "default")
        await cluster.gone(core_v1.Pod, "p")

        await until(lambda: [event.count for event in failed_kills(cluster)] == [2])
        (event,) = failed_kills(cluster)
        assert (event.type, event.involved_object.uid) == ("Warning", pod.metadata.uid)
        assert event.message == "error killing pod: [Errno 16] Device or resource busy: '/pods/p/volumes'"
        await until(lambda: cluster.view.pod_runtime(pod.metadata.uid) is None)
    assert tries == 3


async def test_people_are_told_what_a_removal_that_hangs_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that does not answer keeps a pod from going for minutes: its event says so meanwhile, once."""
    monkeypatch.setattr(dispatch, "SLOW_S", 0.05)
    node, answers = Told(), asyncio.Event()

    async def execute(command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        if isinstance(command, RemovePodSandbox):
            await answers.wait()
        return await Told.execute(node, command)

    monkeypatch.setattr(node, "execute", execute)
    async with Cluster.open(runtime=[node]) as cluster:
        await cluster.create(config_map(a="1"))
        await cluster.create(a_pod())
        pod = await running(cluster)
        await cluster.delete(core_v1.Pod, "p", "default")

        async with asyncio.timeout(40):
            while not failed_kills(cluster):
                await asyncio.sleep(0.01)
            assert cluster.view.pod_runtime(pod.metadata.uid) is not None, "it is waited for"
            answers.set()
            while cluster.view.pod_runtime(pod.metadata.uid) is not None:
                await asyncio.sleep(0.01)
        (event,) = failed_kills(cluster)
        assert "has not come to an end within 0.05 s" in event.message and "volumes" in event.message
