"""Brings a Job about: pods made and taken away, counted, its end told, and itself deleted when its time is over.

Source: Kubernetes' job and ttl-after-finished controllers.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import controller_of, is_active, is_ready
from shipslog.reconcilers.rule.wakes import rule
from shipslog.reconcilers.workloads.adoption import adopters, claimed
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.batch_v1 import Job, JobStatus, UncountedTerminatedPods
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time
from shipslog.store.projections import index
from shipslog.store.view import View
from shipslog.store.wording import counted

from . import census as counting
from . import ends
from . import pods as making
from .census import TRACKING, Census, is_indexed, is_tracked

BATCH = 500  # pods made or deleted by one decision
READY_WITHIN_S = 2.0  # at least one: the times of conditions are whole seconds
MANAGER = "kubernetes.io/job-controller"
JOB_NAME = "batch.kubernetes.io/job-name"


def _keys_of_tracked(pod: core_v1.Pod) -> tuple[str, ...]:
    """The job that is to count the pod, though it may be gone, or have let go of it."""
    if not is_tracked(pod):
        return ()
    owner = controller_of(pod)
    name = owner.name if owner is not None and owner.kind == "Job" else pod.metadata.labels.get(JOB_NAME, "")
    return (f"{pod.metadata.namespace}/{name}",)


TRACKED = index("pods that jobs count", ("pods",), _keys_of_tracked)


def _counted_by(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return _keys_of_tracked(pod)


def _selector_of(job: Job) -> Selector:
    return of_label_selector(job.spec.selector)


WAKES = (
    rule(Job)
    .owns(core_v1.Pod)
    .watches(core_v1.Pod, to=_counted_by, at_start=True)
    .watches(core_v1.Pod, to=adopters(Job, _selector_of))
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Count what ended, make or delete pods, say how far it is."""
    namespace, _, name = key.partition("/")
    job = view.get(Job, name, namespace)
    strays = [entry.object for entry in view.find(TRACKED, key) if not _is_of(job, entry.object)]
    if job is None:
        return Decision(reason="there is no such job: nobody counts its pods any more", commands=_released(strays))
    if job.spec.managed_by not in (None, MANAGER):
        return Decision(reason=f"{job.spec.managed_by} manages it")
    chosen = _selector_of(job)
    held, commands = claimed(view, job, chosen, core_v1.Pod, is_active, TRACKING)
    pods = list(held)
    if commands or strays:
        taken = {c.object.metadata.uid for c in commands if isinstance(c, Update)}
        freed = _released(pod for pod in strays if pod.metadata.uid not in taken)
        if commands or freed:
            return Decision(reason="taking on and letting go of pods", commands=(*commands, *freed))
    if ends.is_true(job, "Complete", "Failed"):
        return _finished(job, pods, now)
    return _progress(job, pods, now)


def _is_of(job: Job | None, pod: core_v1.Pod) -> bool:
    owner = controller_of(pod)
    return job is not None and owner is not None and owner.uid == job.metadata.uid


def _released(pods: Iterable[core_v1.Pod]) -> tuple[AnyObjectCommand, ...]:
    """Nobody counts them (any more): their finalizer goes."""
    return tuple(Update(object=replace(pod, metadata=replace(pod.metadata, finalizers=_without_tracking(pod)))) for pod in pods)


def _without_tracking(pod: core_v1.Pod) -> tuple[str, ...]:
    return tuple(f for f in pod.metadata.finalizers if f != TRACKING)


def _finished(job: Job, pods: list[core_v1.Pod], now: Instant) -> Decision:
    commands = _released([pod for pod in pods if is_tracked(pod)][:BATCH])  # what is freed wakes it for the next
    ttl_s, meta = job.spec.ttl_seconds_after_finished, job.metadata
    if ttl_s is None or meta.deletion_timestamp:
        return Decision(reason="it is finished", commands=commands)
    ended = next(c for c in job.status.conditions if c.type in ("Complete", "Failed") and c.status == "True")
    left_s = (parse_time(ended.last_transition_time) - now) / SECOND_NS + ttl_s
    if left_s > 0:
        return Decision(reason="it is finished, and kept for a while", commands=commands, requeue_after=left_s)
    delete = Delete(
        resource="jobs.batch", namespace=meta.namespace, name=meta.name, uid=meta.uid,
        resource_version=meta.resource_version, propagation="Foreground",
    )  # fmt: skip
    return Decision(reason=f"it has been finished for {counted(ttl_s, 'second', 'seconds')}", commands=(*commands, delete))


def _progress(job: Job, pods: list[core_v1.Pod], now: Instant) -> Decision:
    reported = ends.reported(job)
    census = counting.take(job, pods, over=reported is not None, fails=reported is not None and reported.fails)
    end = reported or (None if job.metadata.deletion_timestamp and not census.why_failed else ends.found(job, census, now))
    if end is not None and reported is None:
        census = counting.take(job, pods, over=True, fails=end.fails)
    commands: list[AnyObjectCommand] = []
    says: list[Say] = []
    waits = [ends.deadline_s(job, now)]
    reason = end.message if end is not None else "its pods are being deleted with it"
    if end is not None:
        commands += _deletes(census.active[:BATCH])
    elif not job.metadata.deletion_timestamp:
        made, reason, wait = _pods(job, pods, census, now)
        commands += made
        waits.append(wait)
    says += _events_of(job, commands)
    free = counting.may_let_go(job, pods, census, over=reported is not None)[:BATCH]
    released = _released(free)
    if reported is not None and _are_the_last(
        pods, free, census
    ):  # in one transaction: what is refused of it, `_finished` does
        census = replace(
            census, counted_succeeded=census.succeeded, counted_failed=census.failed, uncounted=UncountedTerminatedPods()
        )
        commands += released
        released = ()
    first = 0 if job.status.start_time else sum(isinstance(command, Create) for command in commands)
    status, events = _status(job, census, end, now, first)
    only_ready = status != job.status and replace(status, ready=job.status.ready) == job.status
    if only_ready and (settles_s := _settles_s(census.active, now)) > 0:
        waits.append(settles_s)
    elif status != job.status:
        update = Update(object=replace(job, status=status), subresource="status")
        commands.append(update)
        says += [replace(say, after=update) for say in events]
    commands += released
    soonest = min((wait for wait in waits if wait is not None and wait > 0), default=None)
    return Decision(reason=reason, commands=tuple(commands), says=tuple(says), requeue_after=soonest if end is None else None)


def _pods(job: Job, pods: list[core_v1.Pod], census: Census, now: Instant) -> tuple[list[AnyObjectCommand], str, float | None]:
    """What brings the number of active pods about, why, and seconds to wait before more may be made."""
    active = census.active
    if job.spec.suspend:
        return _taken_away(active[:BATCH]), "it is suspended", None
    parallelism = 1 if job.spec.parallelism is None else job.spec.parallelism
    if job.spec.completions is None:
        wanted = len(active) if census.succeeded else parallelism
    else:
        wanted = max(min(parallelism, job.spec.completions - census.succeeded), 0)
    doomed = making.surplus(job, active, max(len(active) - wanted, 0))
    if doomed:
        return _taken_away(doomed[:BATCH]), f"{counted(len(doomed), 'pod is', 'pods are')} more than {wanted}", None
    missing = wanted - len(active) - (census.terminating if counting.waits_for_the_end(job) else 0)
    if missing <= 0:
        good = counted(census.succeeded, "has", "have")
        return [], f"{counted(len(active), 'pod is', 'pods are')} active, {good} ended well", None
    per_index = job.spec.backoff_limit_per_index is not None
    if not per_index and (wait_s := making.wait_s(job, pods, now)) > 0:
        return [], f"{counted(missing, 'pod is', 'pods are')} missing: to be made later, since some have failed", wait_s
    missing = min(missing, BATCH)
    if not is_indexed(job):
        create = Create(object=making.make(job, None, None))
        return [create] * missing, f"{counted(missing, 'pod is', 'pods are')} missing of {wanted}", None
    found, wait = making.pending(job, census, pods, missing, now)
    made = [Create(object=making.make(job, i, census.last_failures.get(i))) for i in found]
    return [*made], f"{counted(len(made), 'index has', 'indexes have')} no pod", wait


def _taken_away(pods: Sequence[core_v1.Pod]) -> list[AnyObjectCommand]:
    """Delete pods that the job does not want now: they have not failed, and nobody counts them."""
    return [*_released([pod for pod in pods if is_tracked(pod)]), *_deletes(pods)]


def _deletes(pods: Iterable[core_v1.Pod]) -> list[AnyObjectCommand]:
    return [_delete(pod.metadata) for pod in pods]


def _delete(meta: meta_v1.ObjectMeta) -> Delete:
    return Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background")


def _events_of(job: Job, commands: Iterable[AnyObjectCommand]) -> list[Say]:
    """What people hear of pods that are made and deleted."""
    about = reference(job)
    says: list[Say] = []
    seen: set[int] = set()
    for command in commands:
        if isinstance(command, Delete):
            says.append(Say(about=about, reason="SuccessfulDelete", message=f"Deleted pod: {command.name}", after=command))
        elif isinstance(command, Create) and id(command) not in seen:
            seen.add(id(command))
            refused: dict[str, Any] = {"type": "Warning", "reason": "FailedCreate", "message": "Error creating: {why}"}
            says.append(Say(about=about, reason="SuccessfulCreate", message="Created pod: {name}", after=command))
            says.append(Say(about=about, after=command, refused=True, **refused))
    return says


def _are_the_last(pods: Iterable[core_v1.Pod], free: Iterable[core_v1.Pod], census: Census) -> bool:
    """Whether nothing is left to be waited for once these are let go of."""
    going = {pod.metadata.uid for pod in free}
    return not census.active and not census.terminating and going >= {p.metadata.uid for p in pods if is_tracked(p)}


def _settles_s(active: Iterable[core_v1.Pod], now: Instant) -> float:
    """Until how many are ready may be written: Kubernetes looks at a job's pods once a second, and many end before."""
    changed = (c.last_transition_time for pod in active for c in pod.status.conditions if c.type == "Ready")
    return (max(map(parse_time, changed), default=0) - now) / SECOND_NS + READY_WITHIN_S


def _status(job: Job, census: Census, end: ends.End | None, now: Instant, made: int) -> tuple[JobStatus, list[Say]]:
    """The status as it should be, and what is said when it has become so. `made`: pods that are made with it; should they be
    refused, the next look counts those that there are."""
    about, held = reference(job), job.status
    conditions, says = held.conditions, list[Say]()
    start = held.start_time or ("" if job.spec.suspend else api_time(now))
    completion = held.completion_time
    if end is None:
        conditions, changed = ends.suspension(job, now)
        if changed:
            says.append(Say(about=about, reason=changed, message=f"Job {changed.lower()}"))
            start = start if job.spec.suspend else api_time(now)
    elif not ends.is_true(job, end.interim):
        conditions = (*conditions, ends.condition(end.interim, end, now))
    left = census.uncounted.succeeded or census.uncounted.failed or census.active or census.terminating
    if end is not None and not left:
        conditions = (*conditions, ends.condition(ends.FIRST[end.interim], end, now))
        if end.fails:
            says.append(Say(about=about, type="Warning", reason=end.reason, message=end.message))
        else:
            completion = api_time(now)
            says.append(Say(about=about, reason="Completed", message="Job completed"))
    done = census.done.text() if is_indexed(job) else held.completed_indexes
    given_up = census.given_up.text() if job.spec.backoff_limit_per_index is not None else held.failed_indexes
    status = replace(
        held, conditions=conditions, start_time=start, completion_time=completion, completed_indexes=done,
        failed_indexes=given_up, uncounted_terminated_pods=census.uncounted, active=len(census.active) + made,
        ready=sum(map(is_ready, census.active)), terminating=census.terminating,
        succeeded=census.counted_succeeded, failed=census.counted_failed,
    )  # fmt: skip
    return status, says


RECONCILER = Reconciler(
    name="job", actor="system:controller:job-controller", wakes=WAKES, decide=decide, projections=(TRACKED,),
    component="job-controller", version=3,
)  # fmt: skip
