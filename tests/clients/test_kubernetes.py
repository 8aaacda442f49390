"""The official client of Python: created, applied, patched, paged, watched over a cut wire, execs and logs."""

import threading
from typing import Any

import pytest

from .conftest import POD, SAID, Shore

kubernetes = pytest.importorskip("kubernetes")
pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own


@pytest.fixture
def api(shore: Shore) -> Any:
    from kubernetes import client, config

    made = config.new_client_from_config(str(shore.kubeconfig))
    yield client.CoreV1Api(made)
    made.close()


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_a_pod_runs_answers_and_goes(api: Any, shore: Shore) -> None:
    from kubernetes import stream, watch

    api.create_namespaced_pod("default", POD)
    for event in watch.Watch().stream(api.list_namespaced_pod, "default", label_selector="app=web", timeout_seconds=20):
        if event["object"].status.phase == "Running":
            break
    assert api.read_namespaced_pod_log("web", "default") == SAID
    assert api.read_namespaced_pod_log("web", "default", tail_lines=1) == "serving\n"
    connect = api.connect_get_namespaced_pod_exec
    assert stream.stream(connect, "web", "default", command=["date"], stdout=True, stderr=True) == "noon\n"
    opened = stream.stream(connect, "web", "default", command=["false"], stderr=True, stdout=True, _preload_content=False)
    opened.run_forever(timeout=10)
    assert (opened.read_stderr(), opened.returncode) == ("no\n", 3)
    api.delete_namespaced_pod("web", "default", grace_period_seconds=0)


def test_applied_and_patched(api: Any) -> None:
    from kubernetes.client.exceptions import ApiException

    def apply(manager: str, force: bool | None = None, **data: str) -> Any:
        return api.patch_namespaced_config_map(
            "mine", "default", config_map("mine", **data), field_manager=manager, force=force,
            _content_type="application/apply-patch+yaml",
        )  # fmt: skip

    assert apply("one", a="1", b="1").data == {"a": "1", "b": "1"}
    with pytest.raises(ApiException) as refused:
        apply("two", a="2")
    assert refused.value.status == 409 and r"conflict with \"one\": .data.a" in refused.value.body
    assert apply("two", force=True, a="2").data == {"a": "2", "b": "1"}
    assert apply("one", a="2").data == {"a": "2"}
    assert [m.manager for m in api.read_namespaced_config_map("mine", "default").metadata.managed_fields] == ["one", "two"]
    for media, body in (
        ("application/json-patch+json", [{"op": "replace", "path": "/data/a", "value": "3"}]),
        ("application/merge-patch+json", {"data": {"a": "3"}}),
        ("application/strategic-merge-patch+json", {"data": {"a": "3"}}),
    ):
        patched = api.patch_namespaced_config_map("mine", "default", body, _content_type=media)
        assert patched.data == {"a": "3"}


def test_pages_are_of_one_moment(api: Any) -> None:
    for i in range(10):
        api.create_namespaced_config_map("default", config_map(f"c{i}", n="0"))
    names, token, revisions = [], None, set()
    while True:
        page = api.list_namespaced_config_map("default", limit=3, _continue=token)
        names += [item.metadata.name for item in page.items]
        revisions.add(page.metadata.resource_version)
        api.create_namespaced_config_map("default", config_map(f"later-{len(names)}"))
        token = page.metadata._continue
        if not token:
            break
    assert [n for n in names if n.startswith("c")] == [f"c{i}" for i in range(10)]
    assert not [n for n in names if n.startswith("later")]
    assert len(revisions) == 1


def test_a_watch_goes_on_where_the_wire_was_cut(api: Any, shore: Shore) -> None:
    import urllib3
    from kubernetes import watch

    since = api.list_namespaced_config_map("default").metadata.resource_version
    seen: list[str] = []
    third, done = threading.Event(), threading.Event()

    def follow() -> None:
        watching, at = watch.Watch(), since
        while len(seen) < 10:
            try:
                for event in watching.stream(
                    api.list_namespaced_config_map, "default", resource_version=at, timeout_seconds=20
                ):
                    seen.append(event["object"].metadata.name)
                    at = event["object"].metadata.resource_version
                    if len(seen) == 3:
                        third.set()
                    if len(seen) == 10:
                        break
            except urllib3.exceptions.HTTPError:
                continue
        done.set()

    thread = threading.Thread(target=follow)
    thread.start()
    for i in range(10):
        if i == 3:
            assert third.wait(20)
            shore.cut()
        shore.run(lambda cluster, i=i: cluster.apply(config_map(f"c{i}")))
    assert done.wait(20)
    thread.join()
    assert seen == [f"c{i}" for i in range(10)]
