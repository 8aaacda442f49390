"""The library as its users meet it: served to stock kubectl, without asyncio, under other names; wrong use is told."""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

import shipslog
from shipslog import Cluster, EngineStopped
from shipslog.engine.api.connection import server
from shipslog.engine.client import Completed
from shipslog.store.objects import core_v1
from shipslog.store.objects.types.core_v1 import ObjectMeta
from shipslog.store.refusals import BadRequest, NotFound, Unavailable
from tests.engine.api.streams.conftest import run_pod

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
RC = """
apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 1
  selector: {app: web}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example/web:1"}]}
"""


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster.open() as cluster:
        yield cluster


def kubectl(kubeconfig: Path, *arguments: str) -> str:
    found = Path(sys.prefix) / "kubectl" / "kubectl-debian"
    program = str(found) if found.exists() else shutil.which("kubectl")
    if program is None:
        pytest.skip("there is no kubectl here")
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=True)
    return done.stdout


async def test_connections_on_which_nothing_is_asked_are_not_waited_for(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_S", 3600.0)
    async with cluster.serve() as served:
        tls = ssl.create_default_context(cafile=str(served.ca))
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=tls)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        while await reader.readline() != b"\r\n":
            pass
    assert (await reader.read()).startswith(b"ok"), "and it was closed"
    writer.close()


async def test_a_cluster_is_served_to_stock_kubectl(cluster: Cluster) -> None:
    async with cluster.serve() as served:
        await cluster.apply(RC)
        await cluster.wait(core_v1.ReplicationController, "web", until=lambda rc: rc.status.ready_replicas == 1)
        shown = await asyncio.to_thread(kubectl, served.kubeconfig, "get", "pods", "--no-headers")
        assert "Running" in shown and served.url.endswith(str(served.port)) and served.ca.exists() and served.token
        kept = served.kubeconfig
    assert not kept.exists()


def test_a_program_without_asyncio_has_one_too() -> None:
    before = threading.active_count()
    with Cluster.serving(nodes=2) as served:
        made = served.run(lambda cluster: cluster.create(POD))
        assert made.metadata.namespace == "default"  # type: ignore[attr-defined]
        assert "p" in kubectl(served.kubeconfig, "get", "pods", "--no-headers") and served.url in served.kubeconfig.read_text()
        with pytest.raises(NotFound):
            served.run(lambda cluster: cluster.delete(core_v1.Pod, "nobody"))
    assert threading.active_count() == before


def test_what_keeps_it_from_starting_is_raised(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("this is no log, and longer than a header of one would be " * 20)
    with pytest.raises(Exception, match="not a log"), Cluster.serving(tmp_path / "log.db"):
        pass


async def test_kinds_are_named_by_type_or_by_word(cluster: Cluster) -> None:
    await cluster.create(POD)
    assert cluster.get("po", "p") is cluster.get(core_v1.Pod, "p") is cluster.get("Pod", "p")
    watch = cluster.watch(core_v1.Pod, namespace="default")
    await cluster.patch("pods", "p", {"metadata": {"labels": {"a": "b"}}})
    while (await anext(watch)).entry.object.metadata.labels != {"a": "b"}:
        pass
    assert [p.metadata.name for p in cluster.list("pods", labels={"a": "b"})] == ["p"]
    assert cluster.list(core_v1.Pod, labels={"a": "c"}) == []


@pytest.mark.parametrize("kind", ["unicorns", core_v1.PodSpec, 7])
async def test_what_is_no_kind_is_refused_everywhere(cluster: Cluster, kind: Any) -> None:
    for use in (cluster.get, cluster.delete, cluster.wait, cluster.gone):
        with pytest.raises(BadRequest, match="no kind"):
            result = use(kind, "x")
            await result
    for use in (cluster.watch, cluster.list):
        with pytest.raises(BadRequest, match="no kind"):
            use(kind)


async def test_what_is_no_object_is_refused(cluster: Cluster) -> None:
    for thing in (7, core_v1.PodSpec(), "kind: Pod"):
        with pytest.raises(BadRequest, match="is no object"):
            await cluster.create(thing)
    with pytest.raises(BadRequest, match="lacks apiVersion or kind"):
        await cluster.create({"metadata": {"name": "x"}})


async def test_replicas_are_scaled(cluster: Cluster) -> None:
    await cluster.apply(RC)
    assert (await cluster.scale(core_v1.ReplicationController, "web", 2)).spec.replicas == 2
    with pytest.raises(BadRequest, match="cannot be scaled"):
        await cluster.scale(core_v1.Pod, "web", 2)


async def test_others_sign_what_they_do(cluster: Cluster) -> None:
    made = await cluster.as_user("alice").create(core_v1.ConfigMap(metadata=ObjectMeta(name="x", namespace="default")))
    actors = {e.revision: e.actor async for events in cluster.log.read() for e in events}
    assert actors[int(made.metadata.resource_version)] == "alice"


async def test_a_wait_that_ends_says_how_it_was_in_three_lines(cluster: Cluster) -> None:
    said = cluster.watch("events")
    await cluster.create(POD)
    await cluster.wait(core_v1.Pod, "p", until=lambda p: p.status.phase == "Running")
    while not cluster.events(core_v1.Pod, "p"):
        await said.batch()
    with pytest.raises(TimeoutError) as caught:
        await cluster.wait(core_v1.Pod, "p", until=lambda p: False, timeout_s=0.05)
    first, second, third = str(caught.value).split("\n")
    assert first == "Pod default/p is not so after 0.05 s"
    assert second.startswith("status: {") and '"phase":"Running"' in second and third.startswith("last event: ")
    assert cluster.events(core_v1.Pod, "p")[0].reason == "Scheduled"
    with pytest.raises(TimeoutError, match="it does not exist"):
        await cluster.wait(core_v1.Pod, "q", timeout_s=0.05)
    with pytest.raises(TimeoutError, match="is still there"):
        await cluster.gone(core_v1.Pod, "p", timeout_s=0.05)


async def test_what_until_cannot_mean_is_told_at_once(cluster: Cluster) -> None:
    await cluster.apply("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}")

    async def later(pod: core_v1.Pod) -> bool:
        return True

    wrong: list[tuple[Any, str]] = [
        ("Running", "until='Running' is no function"),
        (later, "has to be awaited"),
    ]
    for until, told in wrong:
        with pytest.raises(TypeError, match=told):
            await cluster.wait(core_v1.Pod, "p", until=until)
    for timeout_s in ("1", float("nan")):
        with pytest.raises(TypeError, match="timeout_s="):
            await cluster.wait(core_v1.Pod, "p", until=lambda pod: False, timeout_s=timeout_s)  # type: ignore[arg-type]
    with pytest.raises(AttributeError) as raised:
        await cluster.wait(core_v1.Pod, "p", until=lambda pod: pod.status.podIP == "")  # type: ignore[attr-defined]
    assert "pod_ip" in raised.value.__notes__[0]


async def test_a_pod_is_looked_into() -> None:
    async with Cluster.open(runtime="none", reconcilers=()) as cluster:
        await run_pod(cluster)
        pod = cluster.get(core_v1.Pod, "p")
        statuses = (core_v1.ContainerStatus(name="c", image="i", container_id="x"),)
        await cluster.update(replace(pod, status=replace(pod.status, container_statuses=statuses)), subresource="status")
        assert await cluster.logs("p") == "one\ntwo\n"
        assert await cluster.exec("p", ["say"]) == Completed(0, b"hello\n", b"")
        assert (await cluster.exec("p", ["echo"], stdin=b"ahoy")).stdout == b"ahoy"
        with pytest.raises(BadRequest, match="container d is not valid"):
            await cluster.logs("p", container="d")
        await cluster.create({**POD, "metadata": {"name": "waits"}})
        with pytest.raises(Unavailable, match="it has no node yet"):
            await cluster.exec("waits", ["say"])


async def test_who_waits_hears_at_once_that_the_engine_has_stopped() -> None:
    with pytest.raises(EngineStopped, match="out of rum"):
        async with Cluster.open() as cluster:
            waiting = asyncio.create_task(cluster.wait(core_v1.Pod, "never", timeout_s=600))
            await asyncio.sleep(0)

            async def broken() -> None:
                raise RuntimeError("out of rum")

            cluster._run(broken())
            with pytest.raises(EngineStopped, match="out of rum"):
                await waiting


async def test_another_loop_is_told_so(cluster: Cluster) -> None:
    async def elsewhere() -> None:
        cluster.get(core_v1.Pod, "p")

    for wrong in (elsewhere, lambda: cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")):
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.wait_for(asyncio.to_thread(lambda wrong=wrong: asyncio.run(wrong())), 30)


async def test_who_waits_for_a_cluster_that_is_closed_hears_so_at_once() -> None:
    async with Cluster.open(reconcilers=()) as closed:
        pass
    async with asyncio.timeout(10):  # well before `wait` itself would end
        with pytest.raises(EngineStopped, match="the cluster is closed"):
            await closed.wait(core_v1.Pod, "p")
        assert [change async for change in closed.watch("pods")] == []


def test_the_package_says_what_it_has() -> None:
    assert set(shipslog.__all__) <= set(dir(shipslog)) and shipslog.__version__[0].isdigit()
    assert all(getattr(shipslog, name) is not None for name in shipslog.__all__)


USER = """
import asyncio
from shipslog import Cluster, Decision, EngineStopped, Reconciler, rule, testing
from shipslog.store.objects import core_v1


async def main() -> None:
    async with Cluster.open(nodes=2) as cluster, cluster.serve() as served:
        pod = await cluster.wait(core_v1.Pod, "web", until=lambda pod: pod.status.phase == "Running")
        reveal_type(pod)
        (await cluster.wait("pods", "web", until=lambda pod: pod.status.phase == "Running")).metadata.name
        reveal_type(cluster.get(core_v1.ConfigMap, "x"))
        reveal_type(cluster)
        reveal_type(served.kubeconfig)
        await cluster.delete(core_v1.Pod, "web", grace_period=1)
    async with testing.cluster(nodes=3) as tested:
        reveal_type(tested)


asyncio.run(main())
"""


def test_a_users_program_is_checked_by_its_types(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(tmp_path / "user.py")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    told = done.stdout
    for revealed in ("core_v1.Pod", "core_v1.ConfigMap", "library.Cluster", "pathlib.Path", "cluster.TestCluster"):
        assert f'{revealed}"' in told, told
    assert 'Unexpected keyword argument "grace_period"' in told and told.count("error:") == 1, told


def test_a_users_program_is_checked_by_pyright_too(tmp_path: Path) -> None:
    """basedpyright is pyright in one package; `strict` is what its users set in their editors."""
    (tmp_path / "user.py").write_text(USER.replace("Decision, EngineStopped, Reconciler, rule, ", ""))
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    checker = Path(sys.executable).with_name("basedpyright")
    command = [str(checker), "--pythonpath", sys.executable, "-p", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout
    for revealed in ("Pod", "ConfigMap", "Cluster", "Path", "TestCluster"):
        assert f'is "{revealed}"' in told, told
    assert 'No parameter named "grace_period"' in told and "1 error, 0 warnings" in told, told


def test_a_cluster_in_a_process_needs_no_http() -> None:
    """A program that serves nothing pays for no server: 160 ms and 20 MB."""
    asked = (
        "import asyncio, sys\n"
        "from shipslog import Cluster\n"
        "async def main():\n"
        "    async with Cluster.open() as cluster:\n"
        "        await cluster.apply('{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}')\n"
        "asyncio.run(main())\n"
        "print([m for m in ('aiohttp', 'cryptography', 'dnslib', 'h11', 'prometheus_client') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"


async def test_it_comes_to_its_end_in_a_scope_of_anyio_that_is_cancelled(tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        async with Cluster.open(tmp_path / "log.db") as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            scope.cancel()
            await asyncio.sleep(60)
    assert scope.cancelled_caught and cluster.committer.closed and not cluster.host.tasks.troubles()
    async with Cluster.open(tmp_path / "log.db", runtime="none") as again:
        assert again.get(core_v1.ServiceAccount, "default"), "the log was let go of, whole"
