"""Brings a CronJob about: the job of the last moment that has come, the policy for those that still run, old ones let go of.

Source: Kubernetes' cronjob controller (v2). When a job was last made is read from the jobs themselves, so that nothing is made
twice, whatever happens between a job and the status that tells of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import owner_reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.reconcilers.workloads.adoption import controlled
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.types.batch_v1 import CronJob, CronJobStatus, Job
from shipslog.store.objects.values import cron
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time
from shipslog.store.view import View

from . import times

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MANY = 100  # missed moments
LOOK_S = 60  # it is looked at so often at least: a clock that is put forward, or a machine that slept, is noticed
TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
WAKES = rule(CronJob).owns(Job)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Let go of old jobs, make the one whose time has come, say in the status which run."""
    namespace, _, name = key.partition("/")
    owner = view.get(CronJob, name, namespace)
    if owner is None:
        return Decision(reason="there is no such cron job")
    jobs = controlled(view, owner, Job)
    status, says = _status(owner, jobs)
    commands: list[AnyObjectCommand] = []
    if status != owner.status:
        update = Update(object=replace(owner, status=status), subresource="status")
        commands.append(update)
        says = [replace(say, after=update) for say in says]
    reason, wait_s = "it is being deleted", None
    if not owner.metadata.deletion_timestamp:
        old = _history(owner, jobs)
        commands += old
        says += [_deleted(owner, delete) for delete in old]
        due, events, reason, wait_s = _due(owner, status, jobs, now)
        commands += due
        says += events
    return Decision(reason=reason, commands=tuple(commands), says=tuple(says), requeue_after=wait_s)


# --- jobs that are there ---


def outcome(job: Job) -> str:
    """Complete, Failed, or "" while it runs."""
    return next((c.type for c in job.status.conditions if c.type in ("Complete", "Failed") and c.status == "True"), "")


def _scheduled(job: Job) -> int:
    """For which moment the job was made; 0 for one that somebody made by hand."""
    text = job.metadata.annotations.get(SCHEDULED, "")
    try:
        return parse_time(text)
    except ValueError:
        return 0  # somebody wrote something else there


def _running(owner: CronJob, jobs: Iterable[Job]) -> list[Job]:
    """The jobs of its own that have not ended; not those that somebody made in its name."""
    known = {ref.uid for ref in owner.status.active}
    return [job for job in jobs if not outcome(job) and (job.metadata.uid in known or _scheduled(job))]


def _status(owner: CronJob, jobs: Sequence[Job]) -> tuple[CronJobStatus, list[Say]]:
    """The status as the jobs tell it, and what is said of those that came and went."""
    about, held = reference(owner), owner.status
    known = {ref.uid for ref in held.active}
    says: list[Say] = []
    active = [job for job in _running(owner, jobs) if not job.metadata.deletion_timestamp]
    for job in jobs:
        uid, name = job.metadata.uid, job.metadata.name
        if uid in known and (ended := outcome(job)):
            message = f"Saw completed job: {name}, condition: {ended}"
            says.append(Say(about=about, reason="SawCompletedJob", message=message))
        elif uid not in known and not outcome(job) and not _scheduled(job):
            message = f"Saw a job that the controller did not create or forgot: {name}"
            says.append(Say(about=about, type="Warning", reason="UnexpectedJob", message=message))
    there = {job.metadata.uid for job in jobs}
    for ref in held.active:
        if ref.uid not in there:
            says.append(Say(about=about, reason="MissingJob", message=f"Active job went missing: {ref.name}"))
    kept = {ref.uid: ref for ref in held.active}  # a reference stays as it was first written
    last = max([parse_time(held.last_schedule_time), *map(_scheduled, jobs)])
    good = [parse_time(job.status.completion_time) for job in jobs if outcome(job) == "Complete"]
    succeeded = max([parse_time(held.last_successful_time), *good])
    status = replace(
        held, active=tuple(kept.get(job.metadata.uid) or reference(job) for job in active),
        last_schedule_time=api_time(last), last_successful_time=api_time(succeeded),
    )  # fmt: skip
    return status, says


def _history(owner: CronJob, jobs: Sequence[Job]) -> list[Delete]:
    """The oldest finished jobs, where there are more of a kind than are kept."""
    spec, doomed = owner.spec, list[Delete]()
    for kind, limit in (("Complete", spec.successful_jobs_history_limit), ("Failed", spec.failed_jobs_history_limit)):
        ended = [job for job in jobs if outcome(job) == kind and not job.metadata.deletion_timestamp]
        ended.sort(key=lambda job: (parse_time(job.status.start_time), job.metadata.name))
        doomed += [_delete(job) for job in ended[: max(len(ended) - limit, 0)]] if limit is not None else []
    return doomed


def _delete(job: Job) -> Delete:
    meta = job.metadata
    return Delete(resource="jobs.batch", namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background")


def _deleted(owner: CronJob, delete: Delete) -> Say:
    message = f"Deleted job {delete.name}"
    return Say(about=reference(owner), reason="SuccessfulDelete", message=message, after=delete)


# --- the job whose time has come ---


def _due(
    owner: CronJob, status: CronJobStatus, jobs: Sequence[Job], now: Instant
) -> tuple[list[AnyObjectCommand], list[Say], str, float | None]:
    """What makes the job of now, what is said, why, and the seconds until the next moment."""
    spec, about = owner.spec, reference(owner)

    def warning(reason: str, message: str) -> Say:
        return Say(about=about, type="Warning", reason=reason, message=message)

    if spec.suspend:
        return [], [], "it is suspended", None
    if (zone := times.zone_of(spec.time_zone or "")) is None:
        message = f'invalid timeZone: "{spec.time_zone}": unknown time zone {spec.time_zone}'
        return [], [warning("UnknownTimeZone", message)], "its time zone is not known", None
    try:
        schedule = cron.parse(spec.schedule)
    except cron.ScheduleError as error:
        message = f'unparseable schedule: "{spec.schedule}" : {error}'
        return [], [warning("UnparseableSchedule", message)], "its schedule cannot be read", None
    coming = times.following(schedule, now, zone)
    wait_s = min((coming - now) / SECOND_NS, LOOK_S) if coming is not None else None
    since, deadline_s = _since(owner, status), spec.starting_deadline_seconds
    if deadline_s is not None:
        since = max(since, now - deadline_s * SECOND_NS)
    at, count = times.missed(schedule, since, now, zone)
    if at is None or any(_scheduled(job) == at for job in jobs):
        return [], [], "its time has not come", wait_s
    says = [warning("TooManyMissedTimes", TOO_MANY)] if count > MANY else []
    due, events, reason = _start(owner, jobs, at, zone)
    return due, says + events, reason, wait_s


def _since(owner: CronJob, status: CronJobStatus) -> int:
    """Moments up to this are done with: it was made then, or has made its last job."""
    return parse_time(status.last_schedule_time) or parse_time(owner.metadata.creation_timestamp)


def _start(owner: CronJob, jobs: Iterable[Job], at: int, zone: tzinfo) -> tuple[list[AnyObjectCommand], list[Say], str]:
    about, policy = reference(owner), owner.spec.concurrency_policy
    running = _running(owner, jobs)
    if policy == "Forbid" and running:
        message = "Not starting job because prior execution is running and concurrency policy is Forbid"
        return [], [Say(about=about, reason="JobAlreadyActive", message=message)], "a job of it still runs"
    commands: list[AnyObjectCommand] = []
    says: list[Say] = []
    for job in running if policy == "Replace" else ():
        if not job.metadata.deletion_timestamp:
            delete = _delete(job)
            commands.append(delete)
            says.append(_deleted(owner, delete))
    create = Create(object=job_of(owner, at, zone))
    commands.append(create)
    says.append(Say(about=about, reason="SuccessfulCreate", message="Created job {name}", after=create))
    failed = "Error creating job: {why}"
    says.append(Say(about=about, type="Warning", reason="FailedCreate", message=failed, after=create, refused=True))
    return commands, says, f"its time has come: {api_time(at)}"


def job_of(owner: CronJob, at: int, zone: tzinfo) -> Job:
    """The job of a moment. Its name tells the moment in minutes, so that no two are made for one."""
    template, seconds = owner.spec.job_template, at // SECOND_NS
    scheduled = datetime.fromtimestamp(seconds, zone).isoformat().replace("+00:00", "Z")
    meta = meta_v1.ObjectMeta(
        name=f"{owner.metadata.name}-{seconds // 60}", namespace=owner.metadata.namespace,
        labels=template.metadata.labels, annotations={**template.metadata.annotations, SCHEDULED: scheduled},
        owner_references=(owner_reference(owner),),
    )  # fmt: skip
    return Job(metadata=meta, spec=template.spec)


RECONCILER = Reconciler(
    name="cron-job", actor="system:controller:cronjob-controller", wakes=WAKES, decide=decide,
    component="cronjob-controller", version=2,
)  # fmt: skip
