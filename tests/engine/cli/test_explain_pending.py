"""`shipslog explain-pending`: the tables of it, from a file and over HTTPS."""

import json
from pathlib import Path

import pytest

from shipslog import Cluster
from shipslog.store.objects.types import core_v1

from ...reconcilers.views import pod
from .test_reading import lines, shipslog


def is_well(node: core_v1.Node) -> bool:
    return not node.spec.taints and any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str], Path]:
    """(of a pod that runs over HTTPS, of one that waits over HTTPS, the log)"""
    path = tmp_path_factory.mktemp("placed") / "cluster.db"
    with Cluster.serving(path, nodes=2) as served:
        for name in ("node-0", "node-1"):
            served.run(lambda cluster, name=name: cluster.wait(core_v1.Node, name, until=is_well))  # type: ignore[misc]
        for made in (pod("runs", cpu="100m"), pod("waits", cpu="100")):
            served.run(lambda cluster, made=made: cluster.create(made))  # type: ignore[misc]
        served.run(lambda cluster: cluster.wait(core_v1.Pod, "runs", until=lambda p: p.spec.node_name))
        served.run(
            lambda cluster: cluster.wait(core_v1.Pod, "waits", until=lambda p: any(c.message for c in p.status.conditions))
        )
        over = "--kubeconfig", str(served.kubeconfig)
        return lines("explain-pending", "runs", *over), lines("explain-pending", "waits", "-n", "default", *over), path


def test_a_table_of_scores_for_one_that_runs(told: tuple[list[str], list[str], Path]) -> None:
    runs, _, _ = told
    assert runs[0].startswith("pod default/runs was given node-")
    head = next(line for line in runs if line.startswith("NODE"))
    assert head.endswith("TOTAL") and "RESOURCES" in head
    rows = [line for line in runs if line.startswith("node-")]
    assert len(rows) == 2 and all(len(row) == len(head) for row in rows), "the columns stand under their heads"


def test_a_table_of_filters_for_one_that_waits(told: tuple[list[str], list[str], Path]) -> None:
    _, waits, path = told
    assert waits[0].startswith("pod default/waits waits")
    assert waits[1] == "0/2 nodes are available: 2 Insufficient cpu."
    assert [line.split()[:2] for line in waits if line.startswith("node-")] == [["node-0", "-"], ["node-1", "-"]]
    assert any("ask for no more than 8 of cpu (it asks for 100)" in line for line in waits)
    assert lines("explain-pending", "waits", "--log", str(path))[1:] == waits[1:], (
        "the file tells the same, as it was at the end"
    )


def test_as_json_and_what_is_not_there(told: tuple[list[str], list[str], Path]) -> None:
    path = told[2]
    (found,) = (json.loads(line) for line in lines("explain-pending", "pod/waits", "--log", str(path), "-o", "json"))
    assert found["name"] == "waits" and len(found["nodes"]) == 2
    done = shipslog("explain-pending", "nobody", "--log", str(path))
    assert done.exit_code == 1 and "the log knows no pod 'nobody'" in done.output
