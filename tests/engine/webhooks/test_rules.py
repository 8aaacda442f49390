"""Rules go through webhooks as clients do: their pods are changed, or refused, and a replay decides the same alone."""

from pathlib import Path
from typing import Any

from shipslog.engine.cluster import Cluster, all_reconcilers
from shipslog.engine.past.replay import verify
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1

from .harbour import Harbour, denied, patch

HOOKS = "admissionregistration.k8s.io/v1"
LABEL = {"op": "add", "path": "/metadata/labels/pilot", "value": "aboard"}


def configuration(hooks: Harbour, mutating: bool, **more: Any) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    hook = {
        "name": "pilot.example.com",
        "clientConfig": {"url": hooks.url("/a"), "caBundle": hooks.authority},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **more,
    }
    kind = "MutatingWebhookConfiguration" if mutating else "ValidatingWebhookConfiguration"
    return {"apiVersion": HOOKS, "kind": kind, "metadata": {"name": "pilots"}, "webhooks": [hook]}


def replica_set(replicas: int = 3) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "namespace": "default"}, "spec": spec}


async def test_pods_of_a_replica_set_are_changed_and_a_replay_asks_nobody(tmp_path: Path, hooks: Harbour) -> None:
    hooks.answers["/a"] = lambda request: patch(request, LABEL)
    path = tmp_path / "cluster.db"
    async with Cluster.open(path) as cluster:
        await cluster.create(configuration(hooks, mutating=True))
        await cluster.create(replica_set())
        await cluster.wait("replicasets", "r", until=lambda r: r.status.ready_replicas == 3)
        pods = cluster.list(core_v1.Pod, "default")
        assert [pod.metadata.labels.get("pilot") for pod in pods] == ["aboard"] * 3
    asked = len(hooks.asked)
    assert asked == 3
    log = await SqliteLog.open(path)
    try:
        verified = await verify(log, all_reconcilers())
        assert verified.decisions and verified.difference is None
    finally:
        await log.close()
    assert len(hooks.asked) == asked


async def test_pods_that_are_refused_are_told_and_tried_again(hooks: Harbour) -> None:
    hooks.answers["/a"] = lambda request: denied(request, message="no pilot")
    async with Cluster.open(None) as cluster:
        await cluster.create(configuration(hooks, mutating=False))
        await cluster.create(replica_set(1))
        held = await cluster.wait("replicasets", "r", until=lambda r: bool(cluster.events("replicasets", "r")))
        assert held.status.replicas == 0
        told = [e.message for e in cluster.events("replicasets", "r")]
        assert any("no pilot" in message for message in told), told
        hooks.answers["/a"] = lambda request: {"uid": request["uid"], "allowed": True}
        await cluster.wait("replicasets", "r", until=lambda r: r.status.ready_replicas == 1)
