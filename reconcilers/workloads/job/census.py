"""The pods of a Job, counted: each that ended once, however often it is looked at and whoever deletes it.

A pod carries a finalizer until it is counted. Its uid goes into the status first (`uncountedTerminatedPods`), then the
finalizer goes, then the uid becomes a number: whatever happens in between, the status tells how far that had come.

Source: Kubernetes' job controller, KEP-2307, KEP-3850 (back-off per index), KEP-3939 (replacement policy).
"""

from collections.abc import Sequence

from msgspec import Struct

from shipslog.reconcilers.rule.pods import is_active
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.batch_v1 import Job, UncountedTerminatedPods
from shipslog.store.objects.values.times import parse_time

from . import indexes
from .policies import judge

TRACKING = "batch.kubernetes.io/job-tracking"
FAILURES, IGNORED = "batch.kubernetes.io/job-index-failure-count", "batch.kubernetes.io/job-index-ignored-failure-count"


class Census(Struct, frozen=True, kw_only=True):
    """What a Job's pods come to. `succeeded` and `failed` hold what is counted already and what is yet to be."""

    active: tuple[core_v1.Pod, ...]
    terminating: int  # being deleted, and not ended yet
    succeeded: int
    failed: int
    counted_succeeded: int  # the numbers for the status; what follows is on its way into them
    counted_failed: int
    uncounted: UncountedTerminatedPods
    done: indexes.Indexes = indexes.NONE
    given_up: indexes.Indexes = indexes.NONE
    last_failures: dict[int, core_v1.Pod] = {}  # of indexes to be tried again: the pod that tells how often they failed
    why_failed: str = ""  # by the pod failure policy


def is_indexed(job: Job) -> bool:
    return job.spec.completion_mode == "Indexed"


def waits_for_the_end(job: Job) -> bool:
    """Whether a pod is replaced only when it has failed, not as soon as it is being deleted."""
    return job.spec.pod_replacement_policy == "Failed" or job.spec.pod_failure_policy is not None


def is_tracked(pod: core_v1.Pod) -> bool:
    return TRACKING in pod.metadata.finalizers


def has_failed(job: Job, pod: core_v1.Pod) -> bool:
    """A pod that is deleted and that no node has (any more) does not come to another end; nor does one that goes, where that is
    enough."""
    if pod.status.phase in TERMINAL:
        return pod.status.phase == "Failed"
    left = not pod.spec.node_name or pod.metadata.deletion_grace_period_seconds == 0  # its node has let go of it
    return bool(pod.metadata.deletion_timestamp) and (left or not waits_for_the_end(job))


def number_in(pod: core_v1.Pod, annotation: str) -> int:
    return indexes.number(pod.metadata.annotations.get(annotation, "")) or 0


def ended_at(pod: core_v1.Pod) -> int:
    """When a pod came to its end, in ns UTC, as well as it tells."""
    statuses = (*pod.status.container_statuses, *pod.status.init_container_statuses)
    ends = [parse_time(s.state.terminated.finished_at) for s in statuses if s.state.terminated is not None]
    if last := max(ends, default=0):
        return last
    since = next((c.last_transition_time for c in pod.status.conditions if c.type == "Ready"), "")
    return parse_time(since or pod.metadata.deletion_timestamp or pod.metadata.creation_timestamp)


def take(job: Job, pods: Sequence[core_v1.Pod], *, over: bool, fails: bool) -> Census:
    """`over`: the job has met its end, and no pod of it is waited for; `fails`: badly, so that those which run have failed."""
    held = job.status.uncounted_terminated_pods or UncountedTerminatedPods()
    tracked = {pod.metadata.uid for pod in pods if is_tracked(pod)}
    active = tuple(pod for pod in pods if is_active(pod))
    completions = job.spec.completions or 0
    done, given_up, last = _by_index(job, pods, active, completions) if is_indexed(job) else (indexes.NONE, indexes.NONE, {})
    good: list[str] = []
    bad: list[str] = []
    counted, why = {*held.succeeded, *held.failed}, ""
    for pod in pods:
        uid = pod.metadata.uid
        failed = has_failed(job, pod)
        if failed and is_tracked(pod):
            why = why or judge(job.spec.pod_failure_policy, pod).message
        if not is_tracked(pod) or uid in counted:
            continue
        index = indexes.index_of(pod, completions) if is_indexed(job) else 0
        if pod.status.phase == "Succeeded":
            good += [] if is_indexed(job) else [uid]
        elif (failed or fails) and index is not None and judge(job.spec.pod_failure_policy, pod).counts:
            bad += [uid] if over or last.get(index) is not pod else []
    left_good, left_bad = _left(held.succeeded, tracked), _left(held.failed, tracked)
    counted_good = len(done) if is_indexed(job) else job.status.succeeded + len(held.succeeded) - len(left_good)
    counted_bad = job.status.failed + len(held.failed) - len(left_bad)
    uncounted = UncountedTerminatedPods(succeeded=(*left_good, *good), failed=(*left_bad, *bad))
    return Census(
        active=active,
        terminating=sum(bool(p.metadata.deletion_timestamp) and p.status.phase not in TERMINAL for p in pods),
        succeeded=counted_good + len(uncounted.succeeded),
        failed=counted_bad + len(uncounted.failed),
        counted_succeeded=counted_good,
        counted_failed=counted_bad,
        uncounted=uncounted,
        done=done,
        given_up=given_up,
        last_failures=last,
        why_failed=why,
    )


def _left(uids: Sequence[str], tracked: set[str]) -> list[str]:
    """Those whose pods still carry the finalizer: only then may they become a number."""
    return [uid for uid in uids if uid in tracked]


def _by_index(
    job: Job, pods: Sequence[core_v1.Pod], active: Sequence[core_v1.Pod], completions: int
) -> tuple[indexes.Indexes, indexes.Indexes, dict[int, core_v1.Pod]]:
    """The indexes that ended well, those that are given up, and of those to be tried again the pod that failed last."""
    limit = job.spec.backoff_limit_per_index
    well, badly = set[int](), set[int]()
    last: dict[int, core_v1.Pod] = {}
    for pod in pods:
        index = indexes.index_of(pod, completions)
        if index is None or not is_tracked(pod):
            continue
        if pod.status.phase == "Succeeded":
            well.add(index)
        elif limit is not None and has_failed(job, pod):
            verdict = judge(job.spec.pod_failure_policy, pod)
            if verdict.action == "FailIndex" or (verdict.counts and number_in(pod, FAILURES) >= limit):
                badly.add(index)
            if index not in last or _tries(pod) > _tries(last[index]):
                last[index] = pod
    done = indexes.parse(job.status.completed_indexes, completions) | indexes.of(well)
    given_up = (indexes.parse(job.status.failed_indexes, completions) | indexes.of(badly)) - done
    running = {indexes.index_of(pod, completions) for pod in active}
    last = {i: pod for i, pod in last.items() if i not in done and i not in given_up and i not in running}
    return done, given_up, last


def _tries(pod: core_v1.Pod) -> int:
    return number_in(pod, FAILURES) + number_in(pod, IGNORED)


def may_let_go(job: Job, pods: Sequence[core_v1.Pod], census: Census, *, over: bool) -> list[core_v1.Pod]:
    """Those whose finalizers may go: what is to be known of them stands in the committed status."""
    held = job.status.uncounted_terminated_pods or UncountedTerminatedPods()
    told = {*held.succeeded, *held.failed}
    untold = {*census.uncounted.succeeded, *census.uncounted.failed} - told
    completions, indexed = job.spec.completions or 0, is_indexed(job)
    done = indexes.parse(job.status.completed_indexes, completions) if indexed else indexes.NONE

    def may_go(pod: core_v1.Pod) -> bool:
        if not is_tracked(pod):
            return False
        if job.metadata.deletion_timestamp or pod.metadata.uid in told:
            return True
        index = indexes.index_of(pod, completions) if indexed else 0
        if pod.status.phase == "Succeeded" and indexed:
            return index is None or index in done
        if pod.metadata.uid in untold:
            return False
        return over or (has_failed(job, pod) and (index is None or census.last_failures.get(index) is not pod))

    return [pod for pod in pods if may_go(pod)]
