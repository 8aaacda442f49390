"""Rows as Kubernetes prints them: object in, cells out."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import MODULES, strategy_of
from shipslog.engine.kinds.columns import duration
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.wire import codec

NOW_NS = 1_800_000_000 * 1_000_000_000
BORN = "2027-01-15T07:55:00Z"  # five minutes before


def cells(kind: type[Any], **fields: Any) -> list[Any]:
    value = {"metadata": {"name": "x", "namespace": "ns", "creationTimestamp": BORN}, **fields}
    obj, _ = codec.from_builtins(kind, value, validation="Strict")
    strategy = strategy_of(BUILTIN.of(kind).resource)
    row = strategy.cells(obj, NOW_NS)
    assert len(row) == len(strategy.columns)
    return row


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (10860, "3h1m"),
        (28800, "8h"),
        (172799, "47h"),
        (172800, "2d"),
        (176400, "2d1h"),
        (691200, "8d"),
        (86400 * 729, "729d"),
        (86400 * 730, "2y"),
        (86400 * 731, "2y1d"),
        (86400 * 365 * 8, "8y"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_small_kinds() -> None:
    assert cells(core_v1.ConfigMap, data={"a": "1"}, binaryData={"b": "AA=="}) == ["x", 2, "5m"]
    assert cells(core_v1.Secret, type="Opaque", data={"a": "AA=="}) == ["x", "Opaque", 1, "5m"]
    assert cells(core_v1.ServiceAccount) == ["x", 0, "5m"]
    assert cells(core_v1.Namespace, status={"phase": "Active"}) == ["x", "Active", "5m"]


def container(ready: bool = False, restarts: int = 0, last: str = "", **state: Any) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": "c",
        "ready": ready,
        "restartCount": restarts,
        "image": "i",
        "imageID": "",
        "state": state,
    }
    if last:
        status["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": last}}
    return status


def pod(phase: str, *containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **more: Any) -> list[Any]:
    spec: dict[str, Any] = {"containers": [{"name": "c"}], "initContainers": [{"name": "c"} for _ in init]}
    status = {"phase": phase, "containerStatuses": list(containers), "initContainerStatuses": list(init), **more}
    return cells(core_v1.Pod, spec=spec, status=status)


@pytest.mark.parametrize(
    ("row", "ready", "status", "restarts"),
    [
        (pod("Pending"), "0/1", "Pending", "0"),
        (pod("Pending", container(waiting={"reason": "ContainerCreating"})), "0/1", "ContainerCreating", "0"),
        (pod("Running", container(True, running={})), "1/1", "Running", "0"),
        (pod("Running", container(True, 2, "2027-01-15T07:59:00Z", running={})), "1/1", "Running", "2 (60s ago)"),
        (pod("Running", container(waiting={"reason": "CrashLoopBackOff"}, restarts=3)), "0/1", "CrashLoopBackOff", "3"),
        (pod("Succeeded", container(terminated={"exitCode": 0, "reason": "Completed"})), "0/1", "Completed", "0"),
        (pod("Failed", container(terminated={"exitCode": 3})), "0/1", "ExitCode:3", "0"),
        (pod("Failed", container(terminated={"exitCode": 137, "signal": 9})), "0/1", "Signal:9", "0"),
        (pod("Pending", init=(container(running={}),)), "0/1", "Init:0/1", "0"),
        (pod("Pending", init=(container(terminated={"exitCode": 2, "reason": "Error"}),)), "0/1", "Init:Error", "0"),
        (pod("Failed", reason="Evicted"), "0/1", "Evicted", "0"),
    ],
)
def test_pods(row: list[Any], ready: str, status: str, restarts: str) -> None:
    assert row[1:4] == [ready, status, restarts]
    assert row[4:] == ["5m", "<none>", "<none>", "<none>", "<none>"]


def test_a_pod_that_is_going_says_so() -> None:
    metadata = {"name": "x", "namespace": "ns", "deletionTimestamp": BORN}
    assert cells(core_v1.Pod, metadata=metadata, status={"phase": "Running"})[2] == "Terminating"


def test_nodes() -> None:
    row = cells(
        core_v1.Node,
        metadata={"name": "n", "labels": {"node-role.kubernetes.io/control-plane": ""}, "creationTimestamp": BORN},
        spec={"unschedulable": True},
        status={
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {
                "kubeletVersion": "v1",
                "osImage": "Debian",
                "kernelVersion": "6",
                "containerRuntimeVersion": "crun://1",
            },
        },
    )
    expected = ["n", "Ready,SchedulingDisabled", "control-plane", "5m", "v1", "10.0.0.1", "<none>", "Debian", "6", "crun://1"]
    assert row == expected
    assert cells(core_v1.Node)[1:3] == ["Unknown", "<none>"]


def test_services() -> None:
    ports = [{"port": 80, "nodePort": 30001, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    spec = {
        "type": "NodePort",
        "clusterIP": "10.96.0.9",
        "clusterIPs": ["10.96.0.9"],
        "ports": ports,
        "selector": {"b": "2", "a": "1"},
    }
    assert cells(core_v1.Service, spec=spec) == ["x", "NodePort", "10.96.0.9", "<none>", "80:30001/TCP,53/UDP", "5m", "a=1,b=2"]
    named = cells(core_v1.Service, spec={"type": "ExternalName", "externalName": "example.test"})
    assert named[1:5] == ["ExternalName", "<none>", "example.test", "<none>"]
    assert cells(core_v1.Service, spec={"type": "LoadBalancer", "clusterIP": "10.96.0.9"})[3] == "<pending>"


def test_endpoints_are_cut_after_three() -> None:
    addresses = [{"ip": f"10.0.0.{i}"} for i in range(1, 6)]
    row = cells(core_v1.Endpoints, subsets=[{"addresses": addresses, "ports": [{"port": 80}]}])
    assert row[1] == "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more..."
    assert cells(core_v1.Endpoints)[1] == "<none>"


def test_events() -> None:
    involved = {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"}
    row = cells(
        core_v1.Event, involvedObject=involved, reason="Pulled", type="Normal", message=" done\n", count=3,
        firstTimestamp=BORN, lastTimestamp="2027-01-15T07:59:30Z", source={"component": "kubelet", "host": "n"},
    )  # fmt: skip
    assert row == ["30s", "Normal", "Pulled", "pod/p", "spec.containers{c}", "kubelet, n", "done", "5m", 3, "x"]


def test_replication_controllers() -> None:
    template = {"spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "i:2"}]}}
    row = cells(
        core_v1.ReplicationController,
        spec={"replicas": 3, "selector": {"app": "w"}, "template": template},
        status={"replicas": 2},
    )
    assert row == ["x", 3, 2, 0, "5m", "a,b", "i:1,i:2", "app=w"]


def test_every_definition_is_complete() -> None:
    for resource in MODULES:
        for definition in (c.definition() for c in strategy_of(resource).columns):
            assert set(definition) == {"name", "type", "format", "description", "priority"}, resource
            assert definition["description"]
