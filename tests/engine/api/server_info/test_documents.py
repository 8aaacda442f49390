"""What is no object: health tells the truth."""

import asyncio
import threading

import pytest

from shipslog import Cluster
from shipslog.engine.api import openapi
from shipslog.engine.api.server_info.release import GIT_VERSION
from shipslog.runtime.machine.node_facts import KUBELET_VERSION
from shipslog.store.log.memory import MemoryLog
from shipslog.store.objects.types import core_v1
from tests.engine.api.conftest import Api, Client


async def test_readyz_says_when_the_log_takes_no_writes(api: Api) -> None:
    anybody = api.client()
    assert await anybody.call("GET", "/readyz") == (200, "ok")
    assert isinstance(api.cluster.log, MemoryLog)
    api.cluster.log.trouble = "/data/cluster.db: the disk is full"
    code, said = await anybody.call("GET", "/readyz")
    assert code == 500 and "[-]log failed: it takes no writes" in said and "[+]ping ok" in said and "/data" not in said
    assert (await anybody.call("GET", "/readyz/log"))[0] == 500
    assert (await anybody.call("GET", "/readyz/ping"))[0] == 200
    assert (await anybody.call("GET", "/livez"))[0] == 200, "a restart frees no disk"
    api.cluster.log.trouble = ""
    assert await anybody.call("GET", "/readyz") == (200, "ok")


async def test_each_part_is_told_in_kubernetes_form(api: Api) -> None:
    anybody = api.client()
    parts = "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]engine ok\n"
    assert await anybody.call("GET", "/livez?verbose") == (200, f"{parts}livez check passed\n")
    ready = f"{parts}[+]informer-sync ok\n[+]nodes ok\n[+]shutdown ok\nreadyz check passed\n"
    assert await anybody.call("GET", "/readyz?verbose") == (200, ready)


async def test_a_part_that_fails_is_named_and_can_be_left_out(api: Api) -> None:
    anybody = api.client()
    api.server.handler.ready = False
    code, text = await anybody.call("GET", "/readyz")
    assert code == 500 and "[-]shutdown failed: the server is stopping" in text and text.endswith("readyz check failed\n")
    code, text = await anybody.call("GET", "/readyz?verbose&exclude=shutdown&exclude=nothing")
    assert code == 200 and "[+]shutdown excluded: ok" in text
    assert "warn: some health checks cannot be excluded: no matches for nothing" in text


async def test_an_engine_that_stopped_is_dead_and_not_ready(api: Api) -> None:
    anybody = api.client()
    api.cluster.failure = RuntimeError("/a/path that is nobody's business")
    for path in ("/livez", "/readyz", "/healthz", "/livez/engine"):
        code, text = await anybody.call("GET", path)
        assert code == 500 and "[-]engine failed: it stopped by itself" in text and "/a/path" not in text
    api.cluster.failure = None


async def test_it_is_not_ready_before_the_rules_begin_and_the_nodes_report(api: Api) -> None:
    anybody = api.client()
    began, api.cluster._beginning = api.cluster._beginning, None
    api.cluster.runtimes["n1"] = None  # type: ignore[assignment]
    try:
        code, text = await anybody.call("GET", "/readyz")
        assert code == 500
        assert "[-]informer-sync failed: the rules have not begun" in text and "[-]nodes failed: 1 have not reported" in text
    finally:
        api.cluster._beginning = began
        del api.cluster.runtimes["n1"]


async def test_nodes_are_of_the_release_that_the_api_is_of() -> None:
    async with Cluster.open() as cluster:
        await cluster.wait(core_v1.Node, "node", until=lambda node: node.status.node_info.kubelet_version != "")
        simulated = cluster.get(core_v1.Node, "node").status.node_info
    assert f"{simulated.kubelet_version}+shipslog" == f"{simulated.kube_proxy_version}+shipslog" == GIT_VERSION
    assert KUBELET_VERSION == GIT_VERSION


async def test_who_asks_for_all_schemas_keeps_nobody_waiting(api: Api, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, answered = threading.Event(), threading.Event()

    def slow(_: object) -> dict[str, str]:
        begun.set()
        assert answered.wait(30), "nobody else was answered meanwhile"
        return {"swagger": "2.0"}

    monkeypatch.setattr(openapi, "v2", slow)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(api.client(certificate=True).call("GET", "/openapi/v2"))
        assert await asyncio.to_thread(begun.wait, 30), "nobody began"
        assert (await admin.call("GET", "/apis"))[0] == 200
        answered.set()
    assert asked.result() == (200, {"swagger": "2.0"})
