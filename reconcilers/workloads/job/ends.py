"""How a Job ends: the condition that says it first, the one that follows when its pods are gone, and the reasons for both.

Source: Kubernetes' job controller. `FailureTarget` and `SuccessCriteriaMet` come first, `Failed` and `Complete` when no pod
is left; the reason and the message are the same.
"""

from collections.abc import Sequence

from msgspec import Struct

from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.batch_v1 import Job, JobCondition
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time

from .census import Census, is_indexed
from .policies import succeeds_early

FIRST = {"FailureTarget": "Failed", "SuccessCriteriaMet": "Complete"}  # the interim condition, and the last one


class End(Struct, frozen=True, kw_only=True):
    """What a Job comes to, though pods may be left."""

    interim: str
    reason: str
    message: str

    @property
    def fails(self) -> bool:
        return self.interim == "FailureTarget"


REACHED = End(interim="SuccessCriteriaMet", reason="CompletionsReached", message="Reached expected number of succeeded pods")


def is_true(job: Job, *types: str) -> bool:
    return any(c.type in types and c.status == "True" for c in job.status.conditions)


def reported(job: Job) -> End | None:
    """The end that the committed status tells of."""
    for kind in ("SuccessCriteriaMet", "FailureTarget"):
        found = find_condition(job.status.conditions, kind)
        if found is not None and found.status == "True":
            return End(interim=kind, reason=found.reason, message=found.message)
    return None


def found(job: Job, census: Census, now: int) -> End | None:
    """The end that the job has met by now."""
    reason, message = _failure(job, census, now)
    if reason:
        return End(interim="FailureTarget", reason=reason, message=message)
    if is_indexed(job) and (why := succeeds_early(job.spec.success_policy, census.done, job.spec.completions or 0)):
        return End(interim="SuccessCriteriaMet", reason="SuccessPolicy", message=why)
    wanted = job.spec.completions
    enough = census.succeeded > 0 if wanted is None else census.succeeded >= wanted
    return REACHED if enough and not census.active else None


def _failure(job: Job, census: Census, now: int) -> tuple[str, str]:
    spec = job.spec
    if census.why_failed:
        return "PodFailurePolicy", census.why_failed
    if census.failed > _limit(job) or _restarts(job, census.active) > _limit(job):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    if (left_s := deadline_s(job, now)) is not None and left_s <= 0:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    if census.given_up:
        if spec.max_failed_indexes is not None and len(census.given_up) > spec.max_failed_indexes:
            return "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
        if len(census.given_up) + len(census.done) >= (spec.completions or 0):
            return "FailedIndexes", "Job has failed indexes"
    return "", ""


def _limit(job: Job) -> int:
    return 6 if job.spec.backoff_limit is None else job.spec.backoff_limit


def _restarts(job: Job, active: Sequence[core_v1.Pod]) -> int:
    """How often containers were started again in place, in such words that more than the limit is too often."""
    if job.spec.template.spec.restart_policy != "OnFailure":
        return 0
    statuses = (s for pod in active for s in (*pod.status.container_statuses, *pod.status.init_container_statuses))
    restarts = sum(status.restart_count for status in statuses)
    return restarts + 1 if restarts and _limit(job) else restarts  # as many as the limit are too many; with none, the first


def deadline_s(job: Job, now: int) -> float | None:
    """Seconds until the job has been active for too long; None if that never comes."""
    limit, since = job.spec.active_deadline_seconds, job.status.start_time
    if limit is None or job.spec.suspend or not since:
        return None
    return (parse_time(since) - now) / SECOND_NS + limit


def condition(kind: str, end: End, now: int) -> JobCondition:
    at = api_time(now)
    return JobCondition(
        type=kind, status="True", last_probe_time=at, last_transition_time=at, reason=end.reason, message=end.message
    )


def suspension(job: Job, now: int) -> tuple[tuple[JobCondition, ...], str]:
    """The conditions with that of suspension as it is, and the event that a change of it is: Suspended, Resumed or ""."""
    conditions, wanted = job.status.conditions, bool(job.spec.suspend)
    held = find_condition(conditions, "Suspended")
    if (held is not None and held.status == "True") == wanted:
        return conditions, ""
    word, at = ("Suspended" if wanted else "Resumed"), api_time(now)
    new = JobCondition(
        type="Suspended", status=str(wanted), last_probe_time=at, last_transition_time=at, reason=f"Job{word}",
        message=f"Job {word.lower()}",
    )  # fmt: skip
    if held is None:
        return (*conditions, new), word
    return tuple(new if c is held else c for c in conditions), word
