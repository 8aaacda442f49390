"""The official client's asynchronous kin: created, applied, patched, paged, watched over a cut wire, execs and logs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .conftest import POD, SAID, Shore
from .test_kubernetes import config_map

kubernetes_asyncio = pytest.importorskip("kubernetes_asyncio")
pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own


@pytest.fixture
async def api(shore_in_a_thread: Shore) -> AsyncIterator[Any]:
    from kubernetes_asyncio import client, config

    configuration = client.Configuration()
    await config.load_kube_config(str(shore_in_a_thread.kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as made:
        yield client.CoreV1Api(made)


async def test_a_pod_runs_answers_and_goes(api: Any) -> None:
    from kubernetes_asyncio import client, watch
    from kubernetes_asyncio.stream import WsApiClient

    await api.create_namespaced_pod("default", POD)
    async with watch.Watch().stream(api.list_namespaced_pod, "default", label_selector="app=web", timeout_seconds=20) as events:
        async for event in events:
            if event["object"].status.phase == "Running":
                break
    assert await api.read_namespaced_pod_log("web", "default") == SAID
    async with WsApiClient(api.api_client.configuration) as over:
        exec_ = client.CoreV1Api(over).connect_get_namespaced_pod_exec
        assert await exec_("web", "default", command=["date"], stdout=True, stderr=True) == "noon\n"
    await api.delete_namespaced_pod("web", "default", grace_period_seconds=0)


async def test_applied_and_patched(api: Any) -> None:
    async def apply(manager: str, **data: str) -> Any:
        return await api.patch_namespaced_config_map(
            "mine", "default", config_map("mine", **data), field_manager=manager, force=True,
            _content_type="application/apply-patch+yaml",
        )  # fmt: skip

    assert (await apply("one", a="1", b="1")).data == {"a": "1", "b": "1"}
    assert (await apply("two", a="2")).data == {"a": "2", "b": "1"}
    for media in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
        patched = await api.patch_namespaced_config_map("mine", "default", {"data": {"a": media}}, _content_type=media)
        assert patched.data["a"] == media


async def test_pages_are_of_one_moment(api: Any) -> None:
    for i in range(10):
        await api.create_namespaced_config_map("default", config_map(f"c{i}"))
    names, token = [], None
    while True:
        page = await api.list_namespaced_config_map("default", limit=4, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert [n for n in names if n.startswith("c")] == [f"c{i}" for i in range(10)]


async def test_a_watch_goes_on_where_the_wire_was_cut(api: Any, shore_in_a_thread: Shore) -> None:
    import aiohttp
    from kubernetes_asyncio import watch

    at = (await api.list_namespaced_config_map("default")).metadata.resource_version
    seen: list[str] = []

    async def follow() -> None:
        nonlocal at
        while len(seen) < 10:
            try:
                stream = watch.Watch().stream(
                    api.list_namespaced_config_map, "default", resource_version=at, timeout_seconds=20
                )
                async with stream as events:
                    async for event in events:
                        seen.append(event["object"].metadata.name)
                        at = event["object"].metadata.resource_version
                        if len(seen) == 10:
                            return
            except aiohttp.ClientError:
                continue

    following = asyncio.create_task(follow())
    for i in range(10):
        if i == 3:
            while len(seen) < 3:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(shore_in_a_thread.cut)
        await api.create_namespaced_config_map("default", config_map(f"c{i}"))
    await asyncio.wait_for(following, 20)
    assert seen == [f"c{i}" for i in range(10)]
