"""Bad input and faults, met by every controller of pods: templates that admission refuses, selectors that overlap, owners that
vanish, nodes that die in the middle of a rollout, and budgets that block for ever."""

import pytest

from shipslog.store.commands import Evict
from shipslog.store.objects.types import apps_v1, core_v1, policy_v1
from shipslog.store.refusals import TooManyRequests
from shipslog.testing import TestCluster

pytestmark = pytest.mark.shipslog(nodes=3, start="2026-11-01T12:00:00Z", flows=False)
TEMPLATE = "{metadata: {labels: {app: web}}, spec: {SPEC containers: [{name: c, image: IMAGE}]}}"
SELECTOR = "selector: {matchLabels: {app: web}}"
OF = {
    "ReplicationController": "apiVersion: v1\nspec: {replicas: 2, selector: {app: web}, template: TEMPLATE}",
    "ReplicaSet": f"apiVersion: apps/v1\nspec: {{replicas: 2, {SELECTOR}, template: TEMPLATE}}",
    "Deployment": f"apiVersion: apps/v1\nspec: {{replicas: 2, {SELECTOR}, template: TEMPLATE}}",
    "DaemonSet": f"apiVersion: apps/v1\nspec: {{{SELECTOR}, template: TEMPLATE}}",
    "StatefulSet": f"apiVersion: apps/v1\nspec: {{replicas: 2, serviceName: web, {SELECTOR}, template: TEMPLATE}}",
    "Job": "apiVersion: batch/v1\nspec: {parallelism: 2, completions: 2, template: TEMPLATE}",
}
NOBODY = "serviceAccountName: nobody,"
WITH_CONDITION = ("ReplicationController", "ReplicaSet", "Deployment")


def manifest(kind: str, name: str = "web", spec: str = "", image: str = "a") -> str:
    more = spec + (" restartPolicy: Never," if kind == "Job" else "")
    text = OF[kind].replace("TEMPLATE", TEMPLATE.replace("SPEC", more).replace("IMAGE", image))
    return f"kind: {kind}\nmetadata: {{name: {name}}}\n{text}"


def pods(cluster: TestCluster) -> list[core_v1.Pod]:
    return [pod for pod in cluster.list(core_v1.Pod) if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp]


@pytest.mark.parametrize("kind", OF)
async def test_a_template_that_is_refused_is_told_and_tried_again_later_each_time(cluster: TestCluster, kind: str) -> None:
    await cluster.apply(manifest(kind, spec=NOBODY))
    before = cluster.view.revision
    await cluster.advance(minutes=5)
    assert not pods(cluster)
    said = [event for event in cluster.list(core_v1.Event) if event.reason == "FailedCreate"]
    assert said and all("nobody" in event.message for event in said), [e.message for e in cluster.list(core_v1.Event)]
    assert sum(event.count or 0 for event in said) < 75, "it waits longer each time"
    assert cluster.view.revision - before < 400, "and the log does not grow for nothing"
    if kind in WITH_CONDITION:
        resource = {"ReplicationController": "replicationcontrollers"}.get(kind, f"{kind.lower()}s.apps")
        entry = cluster.view.entry(resource, "web", "default")
        assert entry is not None
        held = {c.type: (c.status, c.reason) for c in entry.object.status.conditions}
        assert held["ReplicaFailure"] == ("True", "FailedCreate")
    await cluster.apply("{apiVersion: v1, kind: ServiceAccount, metadata: {name: nobody}}")
    await cluster.advance(minutes=7)
    assert len(pods(cluster)) == (3 if kind == "DaemonSet" else 2), "as soon as it can be, it is"
    if kind in WITH_CONDITION:
        entry = cluster.view.entry(resource, "web", "default")
        assert entry is not None and "ReplicaFailure" not in {c.type for c in entry.object.status.conditions}


@pytest.mark.parametrize("kind", WITH_CONDITION)
async def test_a_quota_for_some_of_the_pods_is_told_at_once(cluster: TestCluster, kind: str) -> None:
    await cluster.apply("{apiVersion: v1, kind: ResourceQuota, metadata: {name: one}, spec: {hard: {pods: 1}}}")
    await cluster.advance(seconds=1)
    await cluster.apply(manifest(kind))
    await cluster.advance(seconds=1)
    resource = "replicationcontrollers" if kind == "ReplicationController" else f"{kind.lower()}s.apps"
    entry = cluster.view.entry(resource, "web", "default")
    assert entry is not None and len(pods(cluster)) == 1
    (held,) = (c for c in entry.object.status.conditions if c.type == "ReplicaFailure")
    assert held.reason == "FailedCreate" and "exceeded quota: one" in held.message


@pytest.mark.parametrize("kind", ["ReplicationController", "ReplicaSet", "Deployment", "StatefulSet"])
async def test_selectors_that_overlap(cluster: TestCluster, kind: str) -> None:
    """Each has its own pods, takes none of the other's, and neither deletes and makes for ever."""
    await cluster.apply(manifest(kind, "one"))
    await cluster.apply(manifest(kind, "two", image="b"))
    await cluster.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: stray, labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}"
    )
    await cluster.advance(minutes=2)
    uids = {pod.metadata.uid for pod in pods(cluster)}
    owners = [pod.metadata.owner_references[0].name.partition("-")[0] for pod in pods(cluster) if pod.metadata.owner_references]
    if kind == "StatefulSet" or kind == "Deployment":
        assert sorted(owners) == ["one", "one", "two", "two"] and len(uids) in (4, 5)
    else:
        assert sorted(owners) == ["one", "one", "two", "two"] and len(uids) == 4, "the stray was taken in, and one went"
    revision = cluster.view.revision
    await cluster.advance(minutes=1)
    assert {pod.metadata.uid for pod in pods(cluster)} == uids
    assert cluster.view.revision - revision < 60, "heartbeats, and nothing else"


@pytest.mark.parametrize("kind", OF)
async def test_an_owner_that_vanishes_takes_its_pods_and_nobody_makes_them_anew(cluster: TestCluster, kind: str) -> None:
    await cluster.apply(manifest(kind))
    await cluster.advance(seconds=30)
    assert pods(cluster)
    resource = {"ReplicationController": "replicationcontrollers", "Job": "jobs.batch"}.get(kind, f"{kind.lower()}s.apps")
    entry = cluster.view.entry(resource, "web", "default")
    assert entry is not None
    await cluster.delete(type(entry.object), "web", propagation="Background")
    await cluster.advance(minutes=2)
    assert not cluster.list(core_v1.Pod) and not cluster.list(apps_v1.ReplicaSet)


async def test_a_node_that_dies_in_the_middle_of_a_rollout(cluster: TestCluster) -> None:
    text = manifest("Deployment").replace("replicas: 2", "replicas: 6, minReadySeconds: 10")
    await cluster.apply(text)
    await cluster.advance(minutes=1)
    await cluster.apply(text.replace("image: a", "image: b"))
    await cluster.advance(seconds=15)
    rolling = {pod.spec.containers[0].image for pod in pods(cluster)}
    assert rolling == {"a", "b"}, "it is in the middle"
    cluster.node("node-1").lose()
    await cluster.advance(minutes=12)
    held = cluster.get(apps_v1.Deployment, "web").status
    assert (held.updated_replicas, held.available_replicas) == (6, 6), held
    assert {pod.spec.node_name for pod in pods(cluster) if not pod.metadata.deletion_timestamp} == {"node-0", "node-2"}
    cluster.node("node-1").find()
    await cluster.advance(minutes=2)
    assert len(cluster.list(core_v1.Pod)) == 6 and {p.spec.containers[0].image for p in cluster.list(core_v1.Pod)} == {"b"}


async def test_a_budget_that_blocks_for_ever(cluster: TestCluster) -> None:
    """It keeps evictions away, and nothing else: rollouts go by their own fences, and who deletes deletes."""
    await cluster.apply(manifest("Deployment"))
    budget = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: never}, spec: {maxUnavailable: 0, SELECTOR}}"
    await cluster.apply(budget.replace("SELECTOR", SELECTOR))
    await cluster.advance(minutes=1)
    assert cluster.get(policy_v1.PodDisruptionBudget, "never").status.disruptions_allowed == 0
    for _ in range(3):
        for pod in pods(cluster):
            with pytest.raises(TooManyRequests) as refused:
                await cluster.submit(Evict(namespace="default", name=pod.metadata.name))
            assert "disruption budget" in refused.value.message
        await cluster.advance(minutes=10)
    assert len(pods(cluster)) == 2
    await cluster.apply(manifest("Deployment", image="b"))
    await cluster.advance(minutes=1)
    assert {pod.spec.containers[0].image for pod in pods(cluster)} == {"b"}
    await cluster.delete(core_v1.Pod, pods(cluster)[0].metadata.name)
    await cluster.advance(minutes=1)
    assert len(pods(cluster)) == 2


NO_SETS = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-sets}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: ["*"], operations: [CREATE], resources: [replicasets]}]}
  validations: [{expression: "false", message: no more sets}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-sets}
spec: {policyName: no-sets, validationActions: [Deny]}
"""


async def test_a_replica_set_that_is_refused_is_what_the_deployment_says(cluster: TestCluster) -> None:
    await cluster.apply(NO_SETS)
    await cluster.settled()
    await cluster.apply(manifest("Deployment"))
    await cluster.advance(seconds=30)

    def progress() -> tuple[str, str, str]:
        conditions = cluster.get(apps_v1.Deployment, "web").status.conditions
        return next((c.status, c.reason, c.message) for c in conditions if c.type == "Progressing")

    status, reason, message = progress()
    assert (status, reason) == ("False", "ReplicaSetCreateError")
    assert message.startswith('Failed to create new replica set "web-') and message.endswith("denied request: no more sets")
    before = cluster.view.revision
    await cluster.advance(minutes=30)
    assert progress() == (status, reason, message), "and it is not late besides"
    assert cluster.view.revision - before < 1200, "most of it heartbeats"
    await cluster.delete("validatingadmissionpolicybindings.admissionregistration.k8s.io", "no-sets")
    await cluster.advance(minutes=7)
    assert progress()[:2] == ("True", "NewReplicaSetAvailable") and len(pods(cluster)) == 2
