"""Pods that a taint drives out: when, and what is said of them."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.cluster import node_lifecycle as rule
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.types import coordination_v1, core_v1
from tests.reconcilers.views import BORN, NOW, meta, node, pod, view_of, woken, woken_by_end

SECOND = 1_000_000_000
LATER = "2027-01-15T08:05:00Z"  # 300 s after BORN, which is NOW


def toleration(seconds: int | None) -> core_v1.PodSpec:
    return core_v1.PodSpec(tolerations=(core_v1.Toleration(key="k", operator="Exists", toleration_seconds=seconds),))


def decide(now: int, *pods: core_v1.Pod, time_added: str = BORN) -> Any:
    taint = core_v1.Taint(key="k", effect="NoExecute", time_added=time_added)
    renewed = coordination_v1.LeaseSpec(renew_time="2027-01-15T08:20:00.000000Z")
    lease = coordination_v1.Lease(metadata=meta("n", namespace="kube-node-lease"), spec=renewed)
    return rule.decide(view_of(node("n", taints=(taint,)), lease, *pods), "n", now=now)


def test_a_pod_that_tolerates_nothing_goes_and_says_why() -> None:
    decision = decide(NOW, pod("p", node="n"))
    said, gone = decision.commands
    (told,) = decision.says
    assert (told.type, told.reason, told.after) == ("Normal", "TaintManagerEviction", gone)
    assert told.message == "Marking for deletion Pod default/p"
    assert isinstance(said, Update) and said.subresource == "status" and isinstance(gone, Delete)
    condition = next(c for c in said.object.status.conditions if c.type == "DisruptionTarget")
    assert (condition.status, condition.reason, condition.last_transition_time) == ("True", "DeletionByTaintManager", BORN)
    assert condition.message == "Taint manager: deleting due to NoExecute taint"


def test_a_taint_that_does_not_say_since_when_begins_when_it_is_seen() -> None:
    decision = decide(NOW + 300 * SECOND, pod("p", node="n", spec=toleration(600)), time_added="")
    (stamped,) = decision.commands
    assert isinstance(stamped, Update) and [t.time_added for t in stamped.object.spec.taints] == [LATER]
    assert decision.requeue_after <= 600


@pytest.mark.parametrize(("after_s", "stays"), [(599, True), (601, False)])
def test_a_pod_stays_for_as_long_as_it_tolerates(after_s: int, stays: bool) -> None:
    decision = decide(NOW + after_s * SECOND, pod("p", node="n", spec=toleration(600)))
    assert (decision.commands == ()) is stays
    assert not stays or decision.requeue_after == 1.0


def test_a_pod_that_came_later_stays_as_long() -> None:
    late = pod("p", node="n", spec=toleration(600), creation_timestamp=LATER)
    assert decide(NOW + 601 * SECOND, late).commands == ()
    assert decide(NOW + 901 * SECOND, late).commands != ()


def test_a_taint_that_goes_drives_nobody_out() -> None:
    view = view_of(node("n", taints=(core_v1.Taint(key="k", effect="NoExecute"),)), pod("p", node="n", spec=toleration(1)))
    assert woken(rule.WAKES, view, node("n")) == ["n"]
    assert not [c for c in rule.decide(view, "n", now=NOW + 2 * SECOND).commands if isinstance(c, Delete)]


def test_pods_of_a_node_that_is_not_there_say_so() -> None:
    said, gone = rule.decide(view_of(pod("p", node="lost")), "lost", now=NOW + 40 * SECOND).commands
    assert [c.reason for c in said.object.status.conditions] == ["DeletionByPodGC"] and gone.grace_period_s == 0


def test_who_is_woken() -> None:
    view = view_of(node("n", taints=(core_v1.Taint(key="k", effect="NoExecute"),)), node("m"))
    assert woken(rule.WAKES, view, pod("p", node="n")) == ["n"]
    assert woken(rule.WAKES, view, pod("q", node="m")) == []
    assert woken(rule.WAKES, view, pod("r", node="lost")) == ["lost"]
    assert woken_by_end(rule.WAKES, view, node("m")) == ["m"]


def test_a_node_that_runs_short_is_tainted_until_it_does_no_more() -> None:
    def with_memory(status: str, *taints: core_v1.Taint) -> core_v1.Node:
        made = node("n", taints=taints)
        held = (*made.status.conditions, core_v1.NodeCondition(type="MemoryPressure", status=status))
        return replace(made, status=replace(made.status, conditions=held))

    renewed = coordination_v1.LeaseSpec(renew_time="2027-01-15T08:20:00.000000Z")
    lease = coordination_v1.Lease(metadata=meta("n", namespace="kube-node-lease"), spec=renewed)
    (update,) = rule.decide(view_of(with_memory("True"), lease), "n", now=NOW).commands
    assert isinstance(update, Update)
    (taint,) = update.object.spec.taints
    assert (taint.key, taint.effect) == ("node.kubernetes.io/memory-pressure", "NoSchedule")
    assert not rule.decide(view_of(with_memory("Unknown", taint), lease), "n", now=NOW).commands
    (update,) = rule.decide(view_of(with_memory("False", taint), lease), "n", now=NOW).commands
    assert isinstance(update, Update) and update.object.spec.taints == ()
