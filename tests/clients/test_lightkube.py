"""lightkube: created, applied, patched, paged, watched over a cut wire, execs and logs."""

import threading
from typing import Any

import pytest

from .conftest import POD, SAID, Shore

lightkube = pytest.importorskip("lightkube")
pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own


@pytest.fixture
def client(shore: Shore) -> Any:
    from lightkube import Client, KubeConfig

    return Client(KubeConfig.from_file(str(shore.kubeconfig)), namespace="default", field_manager="one")


def config_map(name: str, **data: str) -> Any:
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.core_v1 import ConfigMap

    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"), data=data)


def test_a_pod_runs_answers_and_goes(client: Any) -> None:
    from lightkube.resources.core_v1 import Pod

    client.create(Pod.from_dict(POD))
    client.wait(Pod, "web", for_conditions=["Ready"])
    assert "".join(line if line.endswith("\n") else line + "\n" for line in client.log("web")) == SAID
    assert client.exec("web", command=["date"], stdout=True).stdout == "noon\n"
    client.delete(Pod, "web", grace_period=0)


def test_applied_and_patched(client: Any) -> None:
    from lightkube import ApiError
    from lightkube.resources.core_v1 import ConfigMap
    from lightkube.types import PatchType

    assert client.apply(config_map("mine", a="1", b="1")).data == {"a": "1", "b": "1"}
    with pytest.raises(ApiError, match='conflict with "one"'):
        client.apply(config_map("mine", a="2"), field_manager="two")
    assert client.apply(config_map("mine", a="2"), field_manager="two", force=True).data == {"a": "2", "b": "1"}
    for how, body in (
        (PatchType.JSON, [{"op": "replace", "path": "/data/a", "value": "3"}]),
        (PatchType.MERGE, {"data": {"a": "3"}}),
        (PatchType.STRATEGIC, {"data": {"a": "3"}}),
    ):
        assert client.patch(ConfigMap, "mine", body, patch_type=how).data["a"] == "3"


def test_pages_are_of_one_moment(client: Any) -> None:
    from lightkube.resources.core_v1 import ConfigMap

    for i in range(10):
        client.create(config_map(f"c{i}"))
    names = [c.metadata.name for c in client.list(ConfigMap, chunk_size=3)]
    assert [n for n in names if n.startswith("c")] == [f"c{i}" for i in range(10)]


def test_a_watch_goes_on_where_the_wire_was_cut(client: Any, shore: Shore) -> None:
    from lightkube.resources.core_v1 import ConfigMap
    from lightkube.types import OnErrorAction, OnErrorResult

    since = str(shore.served.run(revision))
    seen: list[str] = []
    third, done = threading.Event(), threading.Event()

    def follow() -> None:
        watching = client.watch(ConfigMap, resource_version=since, on_error=lambda e, count: OnErrorResult(OnErrorAction.RETRY))
        for _, found in watching:
            seen.append(found.metadata.name)
            if len(seen) == 3:
                third.set()
            if len(seen) == 10:
                break
        done.set()

    thread = threading.Thread(target=follow)
    thread.start()
    for i in range(10):
        if i == 3:
            assert third.wait(20)
            shore.cut()
        shore.run(lambda cluster, i=i: cluster.apply(config_map(f"c{i}").to_dict() | {"apiVersion": "v1", "kind": "ConfigMap"}))
    assert done.wait(20)
    thread.join()
    assert seen == [f"c{i}" for i in range(10)]


async def revision(cluster: Any) -> int:
    found: int = cluster.view.revision
    return found
