"""ReplicaSets: pods by a selector of any form, made, adopted, released, deleted in the right order, counted; failures told."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog import testing
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.workloads import replica_set as rule
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import Deployment, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus
from tests.reconcilers.views import NOW, controlled_by, meta, pod, rs, view_of, woken, woken_by_end

WEB = rs("web", 1)
MINE: dict[str, Any] = {"labels": {"app": "web"}, "owner_references": controlled_by(WEB)}


def decide(*things: object, now: int = NOW) -> Decision:
    return rule.decide(view_of(*things), "default/web", now=now)


def deleted(*things: object) -> list[str]:
    return [c.name for c in decide(*things).commands if isinstance(c, Delete)]


def status_of(decision: Decision) -> ReplicaSetStatus:
    (update,) = [c for c in decision.commands if isinstance(c, Update)]
    status = update.object.status
    assert isinstance(status, ReplicaSetStatus)
    return status


def failed(at: str, message: str = "Error creating: pods are dear", uid: str = "uid-replicasets-web") -> core_v1.Event:
    about = core_v1.ObjectReference(kind="ReplicaSet", namespace="default", name="web", uid=uid)
    source = core_v1.EventSource(component="replicaset-controller")
    return core_v1.Event(
        metadata=meta("web.1"), involved_object=about, reason="FailedCreate", message=message, source=source, last_timestamp=at
    )


def test_missing_pods_are_made_from_the_template() -> None:
    decision = decide(rs("web", 3), pod("web-1", **MINE))
    made = [c.object for c in decision.commands if isinstance(c, Create)]
    assert len(made) == 2
    assert (made[0].metadata.generate_name, made[0].metadata.labels) == ("web-", {"app": "web"})
    (owner,) = made[0].metadata.owner_references
    assert (owner.api_version, owner.kind, owner.controller) == ("apps/v1", "ReplicaSet", True)
    assert [(s.reason, s.message) for s in decision.says] == [
        ("SuccessfulCreate", "Created pod: {name}"),
        ("FailedCreate", "Error creating: {why}"),
    ]


def test_a_selector_of_expressions_adopts_and_releases() -> None:
    expressions = (
        meta_v1.LabelSelectorRequirement(key="app", operator="In", values=("web", "www")),
        meta_v1.LabelSelectorRequirement(key="debug", operator="DoesNotExist"),
    )
    decision = decide(
        rs("web", 2, selector=meta_v1.LabelSelector(match_expressions=expressions)),
        pod("orphan", labels={"app": "www"}), pod("stranger", labels={"app": "db"}),
        pod("ends", labels={"app": "www"}, deletion_timestamp="2027-01-15T08:00:00Z"),
        pod("out", labels={"app": "web", "debug": ""}, owner_references=controlled_by(WEB)),
    )  # fmt: skip
    changed = {c.object.metadata.name: c.object.metadata.owner_references for c in decision.commands if isinstance(c, Update)}
    assert changed.keys() == {"orphan", "out"} and changed["out"] == () and changed["orphan"][0].name == "web"


COST = "controller.kubernetes.io/pod-deletion-cost"
ON = {"node": "n", "ready": True}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"node": ""}, {"node": "n"}),
        ({"node": "n", "phase": "Pending"}, {"node": "n"}),
        ({"node": "n"}, ON),
        ({**ON, "annotations": {COST: "-5"}}, ON),
        (ON, {**ON, "annotations": {COST: "7"}}),
        (ON, {**ON, "annotations": {COST: "7"}, "creation_timestamp": "2027-01-16T08:00:00Z"}),
        ({**ON, "creation_timestamp": "2027-01-16T08:00:00Z"}, {**ON, "annotations": {COST: "²"}}),
    ],
    ids=["unassigned", "pending", "not ready", "cheap", "dear", "dear and young", "no number costs nothing"],
)
def test_pods_that_are_missed_least_go_first(first: dict[str, Any], then: dict[str, Any]) -> None:
    assert deleted(rs("web", 1), pod("a", **then, **MINE), pod("z", **first, **MINE)) == ["z"]


def test_a_node_is_crowded_by_all_replica_sets_of_the_deployment() -> None:
    deployment = Deployment(metadata=meta("d"))
    owners = {"owner_references": controlled_by(deployment)}
    other = rs("other", 1, **owners)
    theirs = pod("o", node="full", labels={"app": "other"}, owner_references=controlled_by(other))
    mine = (pod("a", node="empty", ready=True, **MINE), pod("z", node="full", ready=True, **MINE))
    assert deleted(deployment, rs("web", 1, **owners), other, theirs, *mine) == ["z"]
    assert deleted(rs("web", 1), other, theirs, *mine) == ["a"], "of others' pods it is nobody's concern"


def test_the_status_counts_and_waits_for_min_ready_seconds() -> None:
    ending = pod("e", node="n", deletion_timestamp="2027-01-15T08:00:00Z", **MINE)
    decision = decide(rs("web", 1, min_ready_seconds=10), pod("a", **ON, **MINE), ending, now=NOW + 4 * 10**9)
    assert status_of(decision) == ReplicaSetStatus(
        replicas=1,
        fully_labeled_replicas=1,
        ready_replicas=1,
        available_replicas=0,
        terminating_replicas=1,
        observed_generation=1,
    )
    assert decision.requeue_after == 6.0


def test_a_set_that_goes_makes_and_adopts_nothing_and_counts() -> None:
    going = rs("web", 3, deletion_timestamp="2027-01-15T08:00:00Z", finalizers=("foregroundDeletion",))
    decision = decide(going, pod("a", node="n", **MINE), pod("o", labels={"app": "web"}))
    assert status_of(decision).replicas == 1 and len(decision.commands) == 1


def test_a_failure_is_a_condition_until_pods_can_be_made_again() -> None:
    said = failed("2027-01-15T08:00:01Z")
    decision = decide(rs("web", 3), said)
    (condition,) = status_of(decision).conditions
    assert (condition.type, condition.status, condition.reason, condition.message) == (
        "ReplicaFailure",
        "True",
        "FailedCreate",
        "pods are dear",
    )
    assert sum(isinstance(c, Create) for c in decision.commands) == 1, "it tries with one"
    known = ReplicaSetStatus(terminating_replicas=0, observed_generation=1, conditions=(condition,))
    again = decide(rs("web", 3, status=known), failed("2027-01-15T08:05:00Z", "Error creating: another name"))
    assert not [c for c in again.commands if isinstance(c, Update)], "the first word stands"
    later = pod("p", creation_timestamp="2027-01-15T08:00:02Z", **MINE)
    healed = decide(rs("web", 3, status=known), said, later)
    assert status_of(healed).conditions == () and sum(isinstance(c, Create) for c in healed.commands) == 2
    assert status_of(decide(rs("web", 1, status=known), failed("2027-01-15T09:00:00Z"), later)).conditions == ()


def test_conditions_of_others_are_kept() -> None:
    theirs = ReplicaSetCondition(type="Mine", status="True")
    held = rs("web", 1, status=ReplicaSetStatus(conditions=(theirs,)))
    assert status_of(decide(held, failed("2027-01-15T08:00:01Z"))).conditions[0] == theirs


def test_which_events_wake_it() -> None:
    view = view_of(WEB, rs("other", 1))
    assert rule.WAKES.all_keys(view) == ["default/other", "default/web"]
    assert woken(rule.WAKES, view, pod("p", **MINE)) == ["default/web"]
    assert woken(rule.WAKES, view, pod("o", labels={"app": "other"})) == ["default/other"]
    assert woken(rule.WAKES, view, pod("s", labels={"app": "stranger"})) == []
    assert woken_by_end(rule.WAKES, view, pod("p", **MINE)) == ["default/web"]
    said = failed("2027-01-15T08:00:01Z")
    assert woken(rule.WAKES, view, said) == ["default/web"]
    assert woken(rule.WAKES, view, replace(said, count=2)) == [], "or each attempt would bring the next"


async def test_a_template_that_is_refused_is_told_and_tried_again_when_it_can_be() -> None:
    async with testing.cluster(flows=False) as cluster:
        await cluster.create(core_v1.Namespace(metadata=meta("team", namespace="")))
        container = core_v1.Container(name="c", image="i", volume_mounts=())
        wrong = rs("web", 3, namespace="team")
        spec = replace(wrong.spec.template.spec, containers=(container,), priority_class_name="nobody-has-this")
        wrong = replace(wrong, spec=replace(wrong.spec, template=replace(wrong.spec.template, spec=spec)))
        await cluster.create(wrong)
        await cluster.advance(seconds=30)
        held = cluster.get(ReplicaSet, "web", "team")
        assert [(c.type, c.reason) for c in held.status.conditions] == [("ReplicaFailure", "FailedCreate")]
        assert "nobody-has-this" in held.status.conditions[0].message
        assert cluster.events(ReplicaSet, "web", "team")[0].count < 20
        right = replace(wrong.spec, template=replace(wrong.spec.template, spec=replace(spec, priority_class_name="")))
        await cluster.update(replace(held, spec=right))
        await cluster.advance(seconds=30)
        held = cluster.get(ReplicaSet, "web", "team")
        assert (held.status.ready_replicas, held.status.conditions) == (3, ())
