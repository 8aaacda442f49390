"""What a disruption budget counts."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.workloads import disruption
from shipslog.store.commands import Update
from shipslog.store.objects.types import batch_v1, core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentSpec
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from shipslog.testing import TestCluster
from tests.reconcilers.views import NOW, controlled_by, meta, owned_by, pod, rs, view_of, woken


def budget(**spec: Any) -> PodDisruptionBudget:
    chosen = meta_v1.LabelSelector(match_labels={"app": "x"})
    return PodDisruptionBudget(metadata=meta("b", generation=1), spec=PodDisruptionBudgetSpec(selector=chosen, **spec))


def member(name: str, *, ready: bool = True, **more: Any) -> core_v1.Pod:
    return pod(name, node="n", ready=ready, labels={"app": "x"}, **more)


def rc(replicas: int) -> core_v1.ReplicationController:
    return core_v1.ReplicationController(metadata=meta("rc"), spec=core_v1.ReplicationControllerSpec(replicas=replicas))


def status(view: MemoryView) -> PodDisruptionBudgetStatus:
    (update,) = disruption.decide(view, "default/b", now=NOW).commands
    assert isinstance(update, Update) and update.subresource == "status"
    found: PodDisruptionBudgetStatus = update.object.status
    return found


def numbers(view: MemoryView) -> tuple[int, int, int, int]:
    """(expected, desired healthy, current healthy, allowed)"""
    found = status(view)
    return found.expected_pods, found.desired_healthy, found.current_healthy, found.disruptions_allowed


def test_a_number_of_pods_that_must_stay() -> None:
    pods = [member("a"), member("b"), member("c", ready=False), pod("other", node="n", ready=True)]
    assert numbers(view_of(budget(min_available=1), *pods)) == (3, 1, 2, 1)
    assert numbers(view_of(budget(min_available=2), *pods)) == (3, 2, 2, 0)


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"min_available": "50%"}, (5, 3, 4, 1)),
        ({"max_unavailable": 2}, (5, 3, 4, 1)),
        ({"max_unavailable": "30%"}, (5, 3, 4, 1)),
        ({"max_unavailable": 9}, (5, 0, 4, 4)),
        ({"max_unavailable": 0}, (5, 5, 4, 0)),
    ],
)
def test_a_share_of_what_the_controllers_are_asked_for(spec: dict[str, Any], wanted: tuple[int, ...]) -> None:
    pods = [member(f"p{i}", owner_references=owned_by("rc")) for i in range(4)]
    assert numbers(view_of(rc(5), budget(**spec), *pods, member("alone", ready=False))) == wanted


def test_what_ends_is_not_healthy() -> None:
    ending = member("b")
    ending = replace(ending, metadata=replace(ending.metadata, deletion_timestamp="2027-01-15T08:00:00Z"))
    assert numbers(view_of(budget(min_available=1), member("a"), ending)) == (2, 1, 1, 0)


def test_the_condition_keeps_the_time_of_its_change() -> None:
    view = view_of(budget(min_available=1), member("a"), member("b"))
    first = status(view)
    (condition,) = first.conditions
    assert (condition.status, condition.reason, first.observed_generation) == ("True", "SufficientPods", 1)
    settled = view_of(replace(budget(min_available=1), status=first), member("a"), member("b"))
    assert not disruption.decide(settled, "default/b", now=NOW + 10**12).commands


def test_an_empty_budget_allows_nothing() -> None:
    assert numbers(view_of(budget(max_unavailable=1))) == (0, 0, 0, 0)
    assert not disruption.decide(view_of(), "default/none", now=NOW).commands


def test_the_pods_of_a_deployment_count_once_whatever_replica_sets_it_has() -> None:
    deployment = Deployment(metadata=meta("web"), spec=DeploymentSpec(replicas=4))
    new, old = (rs(name, 3, owner_references=controlled_by(deployment)) for name in ("new", "old"))
    pods = [member(f"p{i}", owner_references=controlled_by(owner)) for i, owner in enumerate((new, new, new, old))]
    view = view_of(deployment, new, old, budget(max_unavailable=1), *pods)
    assert numbers(view) == (4, 3, 4, 1)
    alone = view_of(rs("new", 3), budget(max_unavailable=1), *pods[:3])
    assert numbers(alone) == (3, 2, 3, 1), "of a replica set without one, what it asks for itself"
    scaled = replace(deployment, spec=replace(deployment.spec, replicas=5))
    assert woken(disruption.WAKES, view, scaled) == ["default/b"]


def failed(view: MemoryView) -> tuple[str, str]:
    """(reason and message of the condition, the event's)"""
    decision = disruption.decide(view, "default/b", now=NOW)
    (update,), (said,) = decision.commands, decision.says
    assert isinstance(update, Update)
    found = update.object.status
    (condition,) = found.conditions
    assert (condition.status, found.disruptions_allowed, found.observed_generation, decision.requeue_after) == (
        "False",
        0,
        1,
        60,
    )
    assert said.type == "Warning" and said.message.endswith(condition.message)
    return f"{condition.reason}: {condition.message}", said.reason


def test_where_nobody_says_how_many_none_may_go() -> None:
    known = PodDisruptionBudgetStatus(disruptions_allowed=3, current_healthy=3)
    held = replace(budget(max_unavailable=1), status=known)
    orphans = [member("a", owner_references=owned_by("gone"))]
    counted = ('SyncFailed: found no controllers for pod "a"', "CalculateExpectedPodCountFailed")
    assert failed(view_of(held, *orphans)) == counted
    job = batch_v1.Job(metadata=meta("j"))
    workers = [member("a", owner_references=controlled_by(job))]
    words = "SyncFailed: jobs.batch does not implement the scale subresource"
    assert failed(view_of(held, job, *workers)) == (words, counted[1])
    assert numbers(view_of(budget(min_available=1), job, *workers)) == (1, 1, 1, 0), "a number needs nobody who says"


def test_pods_of_nobody_are_told_of() -> None:
    pods = [member("a", owner_references=owned_by("rc")), member("alone")]
    (said,) = disruption.decide(view_of(rc(1), budget(min_available="50%"), *pods), "default/b", now=NOW).says
    assert said.reason == "UnmanagedPods"
    assert said.message.startswith(
        "Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: x,}"
    )
    (said,) = disruption.decide(view_of(budget(min_available=1)), "default/b", now=NOW).says
    assert (said.reason, said.message) == ("NoPods", "No matching pods found")


FLEETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: fleets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: fleets, singular: fleet, kind: Fleet, listKind: FleetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    subresources: {scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: b}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: x}}}
"""


async def test_what_a_custom_controller_is_asked_for(cluster: TestCluster) -> None:
    await cluster.apply(FLEETS)
    await cluster.settled()
    await cluster.apply("{apiVersion: example.com/v1, kind: Fleet, metadata: {name: f}, spec: {size: 4}}")
    fleet = cluster.get("fleets.example.com", "f")
    owner = {"apiVersion": "example.com/v1", "kind": "Fleet", "name": "f", "uid": fleet.metadata.uid, "controller": True}
    for i in range(4):
        about = {"name": f"p{i}", "labels": {"app": "x"}, "ownerReferences": [owner]}
        spec = {"containers": [{"name": "c", "image": "i"}]}
        await cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec})
    told = await cluster.wait(PodDisruptionBudget, "b", until=lambda one: one.status.current_healthy == 4)
    assert (told.status.expected_pods, told.status.disruptions_allowed) == (4, 1)
