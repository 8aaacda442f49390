"""What a Deployment's status says of its rollout, in Kubernetes' words, and when."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.workloads import deployment as rule
from shipslog.store.objects.types.apps_v1 import DeploymentStatus, ReplicaSetCondition
from tests.reconcilers.views import NOW, pod, view_of, woken, woken_by_end

from .made import NOW_TEXT, condition, decide, deployment, of, pod_of, says, status, written

SECOND = 10**9
STATUS = DeploymentStatus(observed_generation=1, replicas=10, updated_replicas=10, terminating_replicas=0)


def words(found: Any) -> tuple[str, str, str]:
    return found.status, found.reason, found.message


def name(image: str) -> str:
    return of(image, 0).metadata.name


def test_it_begins_with_a_new_replica_set() -> None:
    decision = decide(deployment(10))
    assert words(condition(decision, "Progressing")) == (
        "True",
        "NewReplicaSetCreated",
        f'Created new replica set "{name("v1")}"',
    )
    assert words(condition(decision, "Available")) == (
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
    )
    assert decision.requeue_after == 601


def test_one_that_is_found_is_told_too() -> None:
    found = status(decide(deployment(10), of("v1", 10, 0, running=0))).conditions
    assert words(found[0]) == ("True", "FoundNewReplicaSet", f'Found new replica set "{name("v1")}"')


def test_it_counts() -> None:
    sets = (of("v1", 8, 6), of("v2", 3, 2, revision=2))
    counted = status(decide(deployment(10, "v2"), *sets))
    assert (counted.replicas, counted.updated_replicas, counted.ready_replicas) == (11, 3, 8)
    assert (counted.available_replicas, counted.unavailable_replicas, counted.terminating_replicas) == (8, 5, 0), (
        "the new one grows to five"
    )
    assert words(next(c for c in counted.conditions if c.type == "Available")) == (
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
    )


def test_what_moves_progresses_and_what_is_there_is_complete() -> None:
    moving = replace(STATUS, conditions=(says("Progressing", "True", "NewReplicaSetCreated", "2027-01-15T07:59:00Z"),))
    decision = decide(deployment(10, status=moving), of("v1", 10, 4))
    progressing = condition(decision, "Progressing")
    assert words(progressing) == ("True", "ReplicaSetUpdated", f'ReplicaSet "{name("v1")}" is progressing.')
    assert progressing is not None
    assert (progressing.last_update_time, progressing.last_transition_time) == (NOW_TEXT, "2027-01-15T07:59:00Z")
    decision = decide(deployment(10, status=moving), of("v1", 10))
    assert words(condition(decision, "Progressing")) == (
        "True",
        "NewReplicaSetAvailable",
        f'ReplicaSet "{name("v1")}" has successfully progressed.',
    )
    assert decision.requeue_after is None


def test_what_does_not_move_is_late_in_the_end() -> None:
    stuck = replace(STATUS, conditions=(says("Progressing", "True", "ReplicaSetUpdated"),), unavailable_replicas=10)
    stuck = replace(stuck, conditions=(*stuck.conditions, says("Available", "False", "MinimumReplicasUnavailable")))
    sets, asked = of("v1", 10, 0), deployment(10, status=stuck, annotations={"deployment.kubernetes.io/revision": "1"})
    waits = decide(asked, sets, now=NOW + 600 * SECOND)
    assert waits.commands == () and waits.requeue_after == 1
    late = decide(asked, sets, now=NOW + 601 * SECOND)
    assert words(condition(late, "Progressing")) == (
        "False",
        "ProgressDeadlineExceeded",
        f'ReplicaSet "{name("v1")}" has timed out progressing.',
    )
    assert late.requeue_after is None
    moves = decide(replace(asked, status=status(late)), of("v1", 10, 1), now=NOW + 700 * SECOND)
    assert words(condition(moves, "Progressing"))[:2] == ("True", "ReplicaSetUpdated")


def test_one_that_was_complete_is_not_late_when_pods_fail_later() -> None:
    done = replace(STATUS, conditions=(says("Progressing", "True", "NewReplicaSetAvailable"),))
    late = decide(deployment(10, status=done), of("v1", 10, 0), now=NOW + 9999 * SECOND)
    assert words(condition(late, "Progressing"))[1] == "NewReplicaSetAvailable"


def test_without_a_deadline_nothing_is_said_of_progress() -> None:
    held = replace(STATUS, conditions=(says("Progressing", "True", "ReplicaSetUpdated"),))
    endless = deployment(10, spec={"progress_deadline_seconds": 2**31 - 1}, status=held)
    decision = decide(endless, of("v1", 10, 0))
    assert condition(decision, "Progressing") is None and decision.requeue_after is None


def test_a_pause_is_told_and_starts_the_clock_anew() -> None:
    held = replace(STATUS, conditions=(says("Progressing", "True", "ReplicaSetUpdated"),))
    paused = decide(deployment(10, spec={"paused": True}, status=held), of("v1", 10, 0))
    assert words(condition(paused, "Progressing")) == ("Unknown", "DeploymentPaused", "Deployment is paused")
    later = NOW + 5000 * SECOND
    resumed = decide(deployment(10, status=status(paused)), of("v1", 10, 0), now=later)
    assert words(condition(resumed, "Progressing")) == ("Unknown", "DeploymentResumed", "Deployment is resumed")
    assert resumed.requeue_after == 601
    late = replace(STATUS, conditions=(says("Progressing", "False", "ProgressDeadlineExceeded"),))
    kept = decide(deployment(10, spec={"paused": True}, status=late), of("v1", 10, 0))
    assert words(condition(kept, "Progressing"))[1] == "ProgressDeadlineExceeded"


def test_what_keeps_a_replica_set_from_making_pods_is_told_and_taken_back() -> None:
    failed = ReplicaSetCondition(
        type="ReplicaFailure", status="True", reason="FailedCreate", message="pods are dear", last_transition_time=NOW_TEXT
    )
    decision = decide(deployment(10), of("v1", 10, 0, running=0, conditions=(failed,)))
    assert words(condition(decision, "ReplicaFailure")) == ("True", "FailedCreate", "pods are dear")
    assert condition(decide(deployment(10, status=status(decision)), of("v1", 10)), "ReplicaFailure") is None


def test_a_deployment_that_is_as_asked_for_is_left_alone() -> None:
    asked, sets = deployment(10), of("v1", 10)
    for _ in range(2):
        decision = decide(asked, sets)
        (asked,) = written(decision, type(asked)) or (asked,)
    assert decide(asked, sets, now=NOW + 10**15).commands == ()


def test_which_events_wake_it() -> None:
    old = of("v1", 1)
    view = view_of(deployment(1), old)
    assert rule.WAKES.all_keys(view) == ["default/web"]
    assert woken(rule.WAKES, view, of("v2", 1)) == ["default/web"]
    assert woken(rule.WAKES, view, of("v3", 1, owner_references=())) == ["default/web"]
    one = pod_of(old, "p", node="n")
    assert woken(rule.WAKES, view, one) == [], "pods that come are the replica set's matter"
    assert woken(rule.WAKES, view, replace(one, status=replace(one.status, phase="Failed"))) == ["default/web"]
    assert woken_by_end(rule.WAKES, view, one) == ["default/web"]
    assert woken_by_end(rule.WAKES, view, pod("stranger")) == []
