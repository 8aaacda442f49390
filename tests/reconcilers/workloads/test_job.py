"""A Job's pods: made, counted once, replaced later each time, and the end that they come to."""

import random
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog import testing
from shipslog.engine.kinds.batch.job_spec import default_job_spec
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.workloads.job import controller as rule
from shipslog.reconcilers.workloads.job import indexes, policies
from shipslog.reconcilers.workloads.job.census import FAILURES, TRACKING
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import batch_v1, core_v1, meta_v1
from shipslog.store.objects.values.times import parse_time
from tests.reconcilers.views import BORN, NOW, meta, pod, view_of, woken_by_end

UID = "uid-jobs-work"
OWNED = (meta_v1.OwnerReference(api_version="batch/v1", kind="Job", name="work", uid=UID, controller=True),)
LABELS = {"job": "work"}


def job(*, status: Any = None, deletion_timestamp: str = "", **spec: Any) -> batch_v1.Job:
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=LABELS), spec=pod("x").spec)
    template = replace(template, spec=replace(template.spec, restart_policy="Never"))
    given = batch_v1.JobSpec(template=template, selector=meta_v1.LabelSelector(match_labels=LABELS), **spec)
    return batch_v1.Job(
        metadata=meta("work", deletion_timestamp=deletion_timestamp), spec=default_job_spec(given),
        status=status or batch_v1.JobStatus(start_time=BORN),
    )  # fmt: skip


def mine(name: str, phase: str = "Running", *, index: int | None = None, code: int | None = None, **more: Any) -> core_v1.Pod:
    annotations = {indexes.INDEX: str(index)} if index is not None else {}
    annotations |= more.pop("annotations", {})
    finalizers = () if more.pop("counted", False) else (TRACKING,)
    made = pod(
        name, node=more.pop("node", "n"), phase=phase, labels=LABELS, owner_references=OWNED, finalizers=finalizers,
        annotations=annotations, **more,
    )  # fmt: skip
    if code is None:
        return made
    ended = core_v1.ContainerState(terminated=core_v1.ContainerStateTerminated(exit_code=code, finished_at=BORN))
    return replace(made, status=replace(made.status, container_statuses=(core_v1.ContainerStatus(name="c", state=ended),)))


def decide(*things: Any, now: int = NOW) -> Decision:
    return rule.decide(view_of(*things), "default/work", now=now)


def made(decision: Decision) -> list[core_v1.Pod]:
    return [c.object for c in decision.commands if isinstance(c, Create)]


def deleted(decision: Decision) -> list[str]:
    return [c.name for c in decision.commands if isinstance(c, Delete)]


def status(decision: Decision) -> batch_v1.JobStatus:
    (found,) = (c.object for c in decision.commands if isinstance(c, Update) and c.subresource == "status")
    assert isinstance(found, batch_v1.Job)
    return found.status


def freed(decision: Decision) -> list[str]:
    """Pods whose finalizer goes."""
    updates = (c.object for c in decision.commands if isinstance(c, Update) and isinstance(c.object, core_v1.Pod))
    return [p.metadata.name for p in updates if TRACKING not in p.metadata.finalizers]


def conditions(held: batch_v1.JobStatus) -> dict[str, str]:
    return {c.type: c.reason for c in held.conditions if c.status == "True"}


UNCOUNTED = batch_v1.UncountedTerminatedPods


@pytest.mark.parametrize(
    ("spec", "pods", "makes"),
    [
        ({}, [], 1),
        ({"completions": 5, "parallelism": 2}, [], 2),
        ({"completions": 5, "parallelism": 2}, ["Running"], 1),
        ({"completions": 2, "parallelism": 5}, ["Succeeded"], 1),
        ({"parallelism": 3}, [], 3),
        ({"parallelism": 3}, ["Succeeded", "Running"], 0),
        ({"parallelism": 0}, [], 0),
        ({"suspend": True}, [], 0),
        ({"managed_by": "example.com/queue"}, [], 0),
    ],
)
def test_as_many_pods_as_are_asked_for_and_still_wanted(spec: dict[str, Any], pods: list[str], makes: int) -> None:
    found = made(decide(job(**spec), *(mine(f"p{i}", phase) for i, phase in enumerate(pods))))
    assert len(found) == makes
    for new in found:
        assert (new.metadata.generate_name, new.metadata.finalizers) == ("work-", (TRACKING,))


def test_a_pod_is_counted_once_by_way_of_its_uid() -> None:
    good = mine("a", "Succeeded")
    first = decide(job(), good)
    assert status(first).uncounted_terminated_pods == UNCOUNTED(succeeded=("uid-pods-a",)) and not freed(first)
    second = decide(job(status=status(first)), good)
    assert freed(second) == ["a"] and status(second).succeeded == 1
    assert conditions(status(second)).keys() == {"SuccessCriteriaMet", "Complete"}, "the last pod, and that was all, at once"
    refused = decide(job(status=status(second)), good)
    assert freed(refused) == ["a"] and not status_changes(refused), "what was refused of it is done later, and counts nothing"
    third = decide(job(status=status(first)), mine("a", "Succeeded", counted=True))
    assert (status(third).succeeded, status(third).uncounted_terminated_pods) == (1, UNCOUNTED())
    assert conditions(status(third)) == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    assert [(s.reason, s.message) for s in third.says] == [("Completed", "Job completed")]
    gone = decide(job(status=status(first)))
    assert status(gone).succeeded == 1, "somebody deleted it meanwhile"
    assert not decide(job(status=status(third)), mine("a", "Succeeded", counted=True)).commands


def test_others_are_waited_for_before_it_is_complete() -> None:
    pods = mine("a", "Succeeded"), mine("b", "Succeeded")
    told = status(decide(job(completions=2), *pods))
    half = replace(told, uncounted_terminated_pods=UNCOUNTED(succeeded=("uid-pods-a",)))
    found = decide(job(completions=2, status=half), *pods)
    assert freed(found) == ["a"] and conditions(status(found)).keys() == {"SuccessCriteriaMet"}
    assert status(found).uncounted_terminated_pods == UNCOUNTED(succeeded=("uid-pods-a", "uid-pods-b"))


def test_its_first_pods_are_counted_with_the_decision_that_makes_them() -> None:
    first = decide(job(completions=3, parallelism=2, status=batch_v1.JobStatus()))
    assert len(made(first)) == 2 and (status(first).active, bool(status(first).start_time)) == (2, True)
    again = decide(job(completions=3, parallelism=2, status=status(first)))  # both were refused
    assert len(made(again)) == 2 and status(again).active == 0


def test_how_many_are_ready_is_said_a_little_later() -> None:
    at = parse_time("2027-01-15T08:00:00Z")
    ready = core_v1.PodCondition(type="Ready", status="True", last_transition_time="2027-01-15T08:00:00Z")
    running = replace(mine("a"), status=core_v1.PodStatus(phase="Running", conditions=(ready,)))
    held = status(decide(job(), mine("a", "Pending"), now=at))
    soon = decide(job(status=held), running, now=at)
    assert not soon.commands and soon.requeue_after == 2.0
    assert status(decide(job(status=held), running, now=at + 2 * 10**9)).ready == 1


def status_changes(decision: Decision) -> list[Any]:
    return [c for c in decision.commands if isinstance(c, Update) and c.subresource == "status"]


def test_a_pod_that_is_deleted_has_failed_and_is_replaced_as_the_policy_says() -> None:
    going = mine("a", deletion_timestamp=BORN, deletion_grace_period_seconds=30)
    at_once = decide(job(), going, now=NOW + 11 * 10**9)
    assert len(made(at_once)) == 1 and status(at_once).uncounted_terminated_pods == UNCOUNTED(failed=("uid-pods-a",))
    later = decide(job(pod_replacement_policy="Failed"), going, now=NOW + 11 * 10**9)
    assert not made(later) and status(later).terminating == 1
    assert status(later).uncounted_terminated_pods == UNCOUNTED()
    for how in ({"node": ""}, {"deletion_grace_period_seconds": 0}):
        left = mine("a", "Pending", **{"deletion_timestamp": BORN, "deletion_grace_period_seconds": 30, **how})
        never = decide(job(pod_replacement_policy="Failed"), left)
        assert status(never).uncounted_terminated_pods == UNCOUNTED(failed=("uid-pods-a",)), "it comes to no other end"


def test_the_next_pod_waits_twice_as_long_after_each_failure() -> None:
    for failures, waits in ((1, 10), (2, 20), (3, 40), (6, 320)):
        failed = [mine(f"p{i}", "Failed", code=1) for i in range(failures)]
        decision = decide(job(), *failed)
        assert (decision.requeue_after, made(decision)) == (waits, [])
        assert len(made(decide(job(), *failed, now=NOW + waits * 10**9))) == 1


def test_too_many_failures_are_its_end() -> None:
    held = batch_v1.JobStatus(start_time=BORN, failed=1)
    running, failed = mine("run"), mine("bad", "Failed", code=1)
    first = decide(job(status=held, backoff_limit=1, parallelism=2, completions=2), running, failed)
    assert conditions(status(first)) == {"FailureTarget": "BackoffLimitExceeded"} and deleted(first) == ["run"]
    assert set(status(first).uncounted_terminated_pods.failed) == {"uid-pods-run", "uid-pods-bad"}  # type: ignore[union-attr]
    last = decide(job(status=replace(status(first), active=0), backoff_limit=1))
    assert conditions(status(last))["Failed"] == "BackoffLimitExceeded" and status(last).failed == 3
    assert [(s.type, s.reason) for s in last.says] == [("Warning", "BackoffLimitExceeded")]


@pytest.mark.parametrize(("limit", "restarts", "ends"), [(3, 2, False), (3, 3, True), (0, 0, False), (0, 1, True)])
def test_restarts_in_place_count_too(limit: int, restarts: int, ends: bool) -> None:
    asked = job(backoff_limit=limit)
    template = replace(asked.spec.template, spec=replace(asked.spec.template.spec, restart_policy="OnFailure"))
    running = mine("a")
    counted = core_v1.ContainerStatus(name="c", restart_count=restarts)
    running = replace(running, status=replace(running.status, container_statuses=(counted,)))
    decision = decide(replace(asked, spec=replace(asked.spec, template=template)), running)
    assert ("FailureTarget" in conditions(status(decision))) == ends


def test_a_deadline() -> None:
    asked = job(active_deadline_seconds=60)
    assert decide(asked, mine("a"), now=NOW + 20 * 10**9).requeue_after == 40
    over = decide(asked, mine("a"), now=NOW + 60 * 10**9)
    assert conditions(status(over)) == {"FailureTarget": "DeadlineExceeded"} and deleted(over) == ["a"]


def test_it_is_suspended_and_resumed() -> None:
    held = decide(job(suspend=True), mine("a"))
    assert deleted(held) == ["a"] and conditions(status(held)) == {"Suspended": "JobSuspended"}
    assert [s.reason for s in held.says] == ["SuccessfulDelete", "Suspended"]
    on = decide(job(status=status(held)), now=NOW + 60 * 10**9)
    assert len(made(on)) == 1 and conditions(status(on)) == {} and status(on).start_time == "2027-01-15T08:01:00Z"


@pytest.mark.parametrize("more", [{"suspend": True}, {"parallelism": 0}], ids=["suspended", "shrunk"])
def test_pods_that_it_takes_away_itself_have_not_failed(more: dict[str, Any]) -> None:
    first = decide(job(**more), mine("a"))
    assert freed(first) == deleted(first) == ["a"]
    going = mine("a", deletion_timestamp=BORN, deletion_grace_period_seconds=30, counted=True)
    then = decide(job(status=status(first), **more), going)
    assert (status(then).failed, status(then).uncounted_terminated_pods) == (0, UNCOUNTED())
    ended = mine("a", "Failed", deletion_timestamp=BORN, deletion_grace_period_seconds=30, counted=True)
    again = decide(job(status=status(then)), ended)
    assert len(made(again)) == 1, "and the next waits for nothing"


def test_indexes_get_a_pod_each() -> None:
    asked = job(completion_mode="Indexed", completions=4, parallelism=3)
    done = mine("a", "Succeeded", index=0)
    found = made(decide(asked, done, mine("b", index=1)))
    assert [p.metadata.annotations[indexes.INDEX] for p in found] == ["2", "3"]
    new = found[0]
    assert (new.metadata.generate_name, new.spec.hostname, new.metadata.labels[indexes.INDEX]) == ("work-2-", "work-2", "2")
    (env,) = new.spec.containers[0].env
    assert (env.name, env.value_from.field_ref.field_path) == ("JOB_COMPLETION_INDEX", f"metadata.labels['{indexes.INDEX}']")  # type: ignore[union-attr]
    first = decide(asked, done, mine("b", index=1))
    assert status(first).completed_indexes == "0" and not freed(first)
    assert freed(decide(replace(asked, status=status(first)), done, mine("b", index=1))) == ["a"]
    assert deleted(decide(asked, *(mine(n, index=i) for n, i in (("a", 0), ("b", 1), ("c", 1))))) != []
    assert deleted(decide(asked, mine("a", index=0), mine("far", index=9))) == ["far"]


def test_an_index_is_given_up_by_itself() -> None:
    asked = job(completion_mode="Indexed", completions=2, parallelism=2, backoff_limit_per_index=1)
    once = mine("a", "Failed", index=0, code=1, annotations={FAILURES: "0"})
    waits = decide(asked, once, mine("b", index=1))
    assert (waits.requeue_after, made(waits), freed(waits)) == (10, [], []), "its failures are remembered by the pod"
    (again,) = made(decide(asked, once, mine("b", index=1), now=NOW + 10 * 10**9))
    assert again.metadata.annotations[FAILURES] == "1"
    twice = decide(asked, mine("a", "Failed", index=0, code=1, annotations={FAILURES: "1"}), mine("b", index=1))
    assert status(twice).failed_indexes == "0" and not conditions(status(twice))
    end = decide(replace(asked, status=status(twice)), mine("b", "Succeeded", index=1))
    assert conditions(status(end))["FailureTarget"] == "FailedIndexes"


CODES = batch_v1.PodFailurePolicyOnExitCodesRequirement
DISRUPTED = batch_v1.PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")


def policy(*rules: batch_v1.PodFailurePolicyRule) -> batch_v1.PodFailurePolicy:
    return batch_v1.PodFailurePolicy(rules=rules)


def test_what_a_failure_means_by_policy() -> None:
    fatal = batch_v1.PodFailurePolicyRule(action="FailJob", on_exit_codes=CODES(operator="In", values=(42,)))
    spared = batch_v1.PodFailurePolicyRule(action="Ignore", on_pod_conditions=(DISRUPTED,))
    failed = mine("a", "Failed", code=42)
    ends = decide(job(pod_failure_policy=policy(spared, fatal)), failed)
    (condition,) = status(ends).conditions
    assert (condition.type, condition.reason) == ("FailureTarget", "PodFailurePolicy")
    assert condition.message == "Container c for pod default/a failed with exit code 42 matching FailJob rule at index 1"
    lost = mine("a", "Failed")
    lost = replace(
        lost, status=replace(lost.status, conditions=(core_v1.PodCondition(type="DisruptionTarget", status="True"),))
    )
    ignored = decide(job(pod_failure_policy=policy(spared, fatal), backoff_limit=0), lost)
    assert len(made(ignored)) == 1 and freed(ignored) == ["a"]
    assert status(ignored).uncounted_terminated_pods == UNCOUNTED()
    other = batch_v1.PodFailurePolicyRule(action="Count", on_exit_codes=CODES(operator="NotIn", values=(1,)))
    for code, action in ((42, "Count"), (1, ""), (0, "")):
        assert policies.judge(policy(other), mine("a", "Failed", code=code)).action == action


@pytest.mark.parametrize(
    ("indexes_", "count", "done", "met"),
    [
        ("0-1", None, {0, 1}, True),
        ("0-1", None, {0, 2}, False),
        ("0-3", 2, {1, 3}, True),
        (None, 2, {7, 9}, True),
        (None, 2, {7}, False),
    ],
)
def test_enough_is_enough(indexes_: str | None, count: int | None, done: set[int], met: bool) -> None:
    rules = (batch_v1.SuccessPolicyRule(succeeded_indexes=indexes_, succeeded_count=count),)
    found = policies.succeeds_early(batch_v1.SuccessPolicy(rules=rules), indexes.of(done), 10)
    assert found == ("Matched rules at index 0" if met else "")


def test_a_success_policy_ends_what_still_runs() -> None:
    rules = (batch_v1.SuccessPolicyRule(succeeded_count=1),)
    asked = job(completion_mode="Indexed", completions=2, parallelism=2, success_policy=batch_v1.SuccessPolicy(rules=rules))
    decision = decide(asked, mine("a", "Succeeded", index=0), mine("b", index=1))
    assert conditions(status(decision)) == {"SuccessCriteriaMet": "SuccessPolicy"} and deleted(decision) == ["b"]


@pytest.mark.parametrize(
    ("found", "text"), [([], ""), ([1], "1"), ([1, 2], "1,2"), ([7, 1, 3, 4, 5], "1,3-5,7"), (range(100), "0-99")]
)
def test_indexes_as_text(found: Iterable[int], text: str) -> None:
    assert indexes.of(found).text() == text and indexes.parse(text) == indexes.of(found)


@pytest.mark.parametrize("seed", range(5))
def test_indexes_are_sets(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        a, b = ({rng.randrange(20) for _ in range(rng.randrange(15))} for _ in range(2))
        one, other = indexes.of(a), indexes.of(b)
        assert (one | other, one & other, one - other) == (indexes.of(a | b), indexes.of(a & b), indexes.of(a - b))
        assert [i in one for i in range(20)] == [i in a for i in range(20)] and len(one) == len(a) and bool(one) == bool(a)
        assert list(one.missing(17)) == sorted(set(range(17)) - a) and indexes.parse(one.text(), 9) == indexes.of(
            a & set(range(9))
        )


def test_few_characters_name_all_indexes_and_cost_no_more() -> None:
    most = 2**31 - 1
    rules = (batch_v1.SuccessPolicyRule(succeeded_indexes=f"0-{most - 1}"),)
    asked = {"completion_mode": "Indexed", "completions": most, "parallelism": 2}
    policy = batch_v1.SuccessPolicy(rules=rules)
    decision = decide(job(**asked, success_policy=policy), mine("a", "Succeeded", index=3))
    assert [p.metadata.annotations[indexes.INDEX] for p in made(decision)] == ["0", "1"]
    held = batch_v1.JobStatus(start_time=BORN, completed_indexes=f"0-{most - 2}", failed_indexes="9" * 5000)
    assert deleted(decide(job(**asked, status=held), mine("b", annotations={indexes.INDEX: "9" * 5000}))) == ["b"]
    decision = decide(job(**asked, status=held))
    assert [p.metadata.annotations[indexes.INDEX] for p in made(decision)] == [str(most - 1)]
    assert status(decide(job(**asked, success_policy=policy, status=held))).completed_indexes == f"0-{most - 2}"


def test_a_finished_job_goes_when_its_time_is_over() -> None:
    ended = batch_v1.JobCondition(type="Complete", status="True", last_transition_time=BORN)
    asked = job(ttl_seconds_after_finished=60, status=batch_v1.JobStatus(conditions=(ended,)))
    assert decide(asked, now=NOW + 10**9).requeue_after == 59
    (delete,) = decide(asked, now=NOW + 60 * 10**9).commands
    assert isinstance(delete, Delete) and (delete.resource, delete.propagation) == ("jobs.batch", "Foreground")


def test_nobody_counts_the_pods_of_a_job_that_is_gone() -> None:
    view = view_of(job(), mine("a", "Succeeded"), pod("left", labels={rule.JOB_NAME: "work"}, finalizers=(TRACKING,)))
    assert woken_by_end(rule.WAKES, view, job()) == ["default/work"]
    assert freed(rule.decide(view, "default/work", now=NOW)) == ["a", "left"]
    assert rule.WAKES.all_keys(view) == ["default/work"], "also after a start"


BATCH = """
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  completions: 3
  parallelism: 2
  completionMode: Indexed
  backoffLimit: 1
  ttlSecondsAfterFinished: 600
  template:
    metadata: {labels: {sim.shipslog/runs-for-s: "30", sim.shipslog/exit-code: "CODE"}}
    spec: {restartPolicy: Never, containers: [{name: c, image: img}]}
"""


async def test_on_a_cluster_one_completes_and_one_fails_and_both_go() -> None:
    async with testing.cluster(start="2027-01-15T08:00:00Z", flows=False) as cluster:
        await cluster.apply(BATCH.replace("NAME", "good").replace("CODE", "0"))
        await cluster.apply(BATCH.replace("NAME", "bad").replace("CODE", "3"))
        await cluster.advance(minutes=2)
        good, bad = (cluster.get(batch_v1.Job, name) for name in ("good", "bad"))
        assert good.status.succeeded == 3 and good.status.completed_indexes == "0-2"
        assert conditions(good.status)["Complete"] == "CompletionsReached" and good.status.completion_time
        assert conditions(bad.status)["Failed"] == "BackoffLimitExceeded" and bad.status.failed == 2
        assert not any(p.metadata.finalizers for p in cluster.list(core_v1.Pod))
        said = {(e.involved_object.name, e.reason) for e in cluster.list(core_v1.Event)}
        assert {("good", "Completed"), ("good", "SuccessfulCreate"), ("bad", "BackoffLimitExceeded")} <= said
        await cluster.advance(minutes=11)
        assert not cluster.list(batch_v1.Job) and not cluster.list(core_v1.Pod)


async def test_on_a_cluster_a_pod_that_somebody_deletes_is_counted_once() -> None:
    async with testing.cluster(start="2027-01-15T08:00:00Z", flows=False) as cluster:
        await cluster.apply(BATCH.replace("NAME", "work").replace("CODE", "0").replace("backoffLimit: 1", "backoffLimit: 6"))
        await cluster.advance(seconds=5)
        await cluster.delete(core_v1.Pod, cluster.list(core_v1.Pod)[0].metadata.name)
        await cluster.advance(minutes=3)
        work = cluster.get(batch_v1.Job, "work")
        assert (work.status.succeeded, work.status.failed) == (3, 1) and "Complete" in conditions(work.status)
        await cluster.delete(batch_v1.Job, "work")
        await cluster.advance(minutes=1)
        assert not cluster.list(batch_v1.Job) and not cluster.list(core_v1.Pod)


def lines(spec: dict[str, Any], pods: list[core_v1.Pod], held: batch_v1.JobStatus) -> int:
    """How many lines a decision executes: what it costs, on every machine the same."""
    view, executed, before = view_of(job(status=held, **spec), *pods), 0, sys.gettrace()

    def count(*_: object) -> Any:
        nonlocal executed
        executed += 1
        return count

    sys.settrace(count)
    try:
        rule.decide(view, "default/work", now=NOW)
    finally:
        sys.settrace(before)
    return executed


@pytest.mark.parametrize("mode", ["Indexed", "NonIndexed"])
@pytest.mark.parametrize("more", [{}, {"suspend": True}, {"parallelism": 10}], ids=["on", "suspended", "shrunk"])
def test_twice_as_many_pods_cost_twice_as_much(mode: str, more: dict[str, Any]) -> None:
    costs = []
    for size in (150, 300):
        spec: dict[str, Any] = {"completion_mode": mode, "completions": size, "parallelism": size, "backoff_limit": size}
        spec |= more
        phases = ["Running", "Succeeded", "Failed", "Running"]
        pods = [mine(f"p{i}", phases[i % 4], index=i) for i in range(size)]
        held = batch_v1.JobStatus(start_time=BORN, uncounted_terminated_pods=UNCOUNTED(failed=("uid-pods-p2",)))
        costs.append(lines(spec, pods, held))
    assert costs[1] < 2.2 * costs[0], costs


def test_what_is_over_is_let_go_of_in_parts() -> None:
    ended = batch_v1.JobCondition(type="Complete", status="True", last_transition_time=BORN)
    held = batch_v1.JobStatus(start_time=BORN, conditions=(ended,))
    pods = [mine(f"p{i}", "Succeeded") for i in range(rule.BATCH + 1)]
    assert len(freed(decide(job(status=held), *pods))) == rule.BATCH
