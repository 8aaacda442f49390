"""kr8s: created, patched, paged, watched, execs and logs."""

import io
from typing import Any

import pytest

from .conftest import POD, SAID, Shore
from .test_kubernetes import config_map

kr8s = pytest.importorskip("kr8s")
pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own


@pytest.fixture
def api(shore: Shore) -> Any:
    return kr8s.api(kubeconfig=str(shore.kubeconfig))


def test_a_pod_runs_answers_and_goes(api: Any) -> None:
    from kr8s.objects import Pod

    pod = Pod(POD | {"metadata": POD["metadata"] | {"namespace": "default"}}, api=api)  # type: ignore[operator]
    pod.create()
    pod.wait("condition=Ready", timeout=20)
    assert "\n".join(pod.logs()) + "\n" == SAID
    out = io.BytesIO()
    assert pod.exec(["date"], stdout=out, capture_output=False).returncode == 0
    assert out.getvalue() == b"noon\n"
    assert pod.exec(["false"], check=False).returncode == 3
    pod.delete()
    pod.wait("delete", timeout=20)


def test_patched_and_listed(api: Any) -> None:
    from kr8s.objects import ConfigMap

    for i in range(10):
        value = config_map(f"c{i}", n=str(i))
        value["metadata"] |= {"namespace": "default", "labels": {"kind": "ours"}}
        ConfigMap(value, api=api).create()
    found = list(api.get("configmaps", namespace="default", label_selector="kind=ours"))
    assert [c.name for c in found] == [f"c{i}" for i in range(10)]
    found[3].patch({"data": {"n": "three"}})
    found[4].patch([{"op": "replace", "path": "/data/n", "value": "four"}], type="json")
    assert [c.data["n"] for c in api.get("configmaps", "c3", "c4", namespace="default")] == ["three", "four"]
    found[3].label({"colour": "red"})
    assert [c.name for c in api.get("configmaps", namespace="default", label_selector="colour=red")] == ["c3"]


def test_a_watch_tells_what_happens(api: Any, shore: Shore) -> None:
    shore.run(lambda cluster: cluster.apply(config_map("c0")))
    names = []
    for number, (kind, found) in enumerate(api.watch("configmaps", namespace="default")):
        names.append((kind, found.name))
        if number < 4:
            shore.run(lambda cluster, n=number: cluster.apply(config_map(f"c{n + 1}")))
        if len(names) == 6:
            break
    assert [name for _, name in names if name.startswith("c")] == [f"c{i}" for i in range(5)]
