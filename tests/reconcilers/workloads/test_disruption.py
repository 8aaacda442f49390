"""What a disruption budget counts."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.workloads import disruption
from shipslog.store.commands import Update
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.objects.apps_v1 import Deployment, DeploymentSpec
from shipslog.store.objects.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
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
