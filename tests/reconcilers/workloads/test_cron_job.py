"""When a cron job's time has come, also where the clock is put forward and back; what becomes of its jobs."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from shipslog import testing
from shipslog.engine.kinds.batch.cron_job import STRATEGY
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.workloads.cron_job import controller as rule
from shipslog.reconcilers.workloads.cron_job import times
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import batch_v1, core_v1, meta_v1
from shipslog.store.objects.values import cron
from shipslog.store.objects.values.times import api_time, parse_time
from tests.reconcilers.views import meta, pod, view_of

BORN = "2027-01-15T08:00:00Z"
OWNED = (
    meta_v1.OwnerReference(api_version="batch/v1", kind="CronJob", name="backup", uid="uid-cronjobs-backup", controller=True),
)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "comes"),
    [
        ("*/15 * * * *", "UTC", "2027-01-15T08:00:00Z", "2027-01-15T08:15:00Z"),
        ("0 0 1 * *", "UTC", "2027-12-15T08:00:00Z", "2028-01-01T00:00:00Z"),
        ("0 9 29 2 *", "UTC", "2027-01-01T00:00:00Z", "2028-02-29T09:00:00Z"),
        ("0 9 31 2 *", "UTC", "2027-01-01T00:00:00Z", ""),
        ("0 12 13 * fri", "UTC", "2027-01-01T12:00:00Z", "2027-01-08T12:00:00Z"),
        ("0 12 13 * *", "UTC", "2027-01-01T12:00:00Z", "2027-01-13T12:00:00Z"),
        ("@every 90m", "UTC", "2027-01-15T08:00:00Z", "2027-01-15T09:30:00Z"),
        ("0 9 * * *", "Asia/Kolkata", "2027-01-15T08:00:00Z", "2027-01-16T03:30:00Z"),
        ("30 2 * * *", "America/New_York", "2027-03-14T05:00:00Z", "2027-03-15T06:30:00Z"),  # no 2:30 on the 14th
        ("30 1 * * *", "America/New_York", "2027-11-07T04:00:00Z", "2027-11-07T05:30:00Z"),  # 1:30 comes...
        ("30 1 * * *", "America/New_York", "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"),  # ...twice
        ("0 4 * * *", "America/New_York", "2027-03-14T05:00:00Z", "2027-03-14T08:00:00Z"),
        ("0 3 * * *", "Australia/Lord_Howe", "2027-10-02T10:00:00Z", "2027-10-02T16:00:00Z"),  # half an hour forward
    ],
)
def test_which_moment_comes_next(schedule: str, zone: str, after: str, comes: str) -> None:
    found = times.following(cron.parse(schedule), parse_time(after), ZoneInfo(zone))
    assert api_time(found or 0) == comes


@pytest.mark.parametrize(
    ("schedule", "now", "last", "count"),
    [
        ("0 * * * *", "2027-01-15T08:59:59Z", "", 0),
        ("0 * * * *", "2027-01-15T09:00:00Z", "2027-01-15T09:00:00Z", 1),
        ("0 * * * *", "2027-01-15T11:30:00Z", "2027-01-15T11:00:00Z", 3),
        ("* * * * *", "2028-01-15T11:30:30Z", "2028-01-15T11:30:00Z", 101),
        ("@every 90m", "2027-01-15T12:00:00Z", "2027-01-15T11:00:00Z", 2),
    ],
)
def test_which_moments_were_missed(schedule: str, now: str, last: str, count: int) -> None:
    found, missed = times.missed(cron.parse(schedule), parse_time(BORN), parse_time(now))
    assert (api_time(found or 0), missed) == (last, count)


def cron_job(*, status: Any = None, schedule: str = "0 * * * *", **spec: Any) -> batch_v1.CronJob:
    template = core_v1.PodTemplateSpec(spec=replace(pod("x").spec, restart_policy="Never"))
    asked = batch_v1.JobTemplateSpec(metadata=meta_v1.ObjectMeta(labels={"a": "b"}), spec=batch_v1.JobSpec(template=template))
    given = batch_v1.CronJobSpec(schedule=schedule, job_template=asked, **spec)
    made = STRATEGY.default(batch_v1.CronJob(metadata=meta("backup"), spec=given))
    return replace(made, status=status or batch_v1.CronJobStatus())


def job(at: str, ended: str = "", *, name: str = "") -> batch_v1.Job:
    conditions = (batch_v1.JobCondition(type=ended, status="True"),) if ended else ()
    held = batch_v1.JobStatus(conditions=conditions, start_time=at, completion_time=at if ended == "Complete" else "")
    told = {} if name else {rule.SCHEDULED: at}
    name = name or f"backup-{parse_time(at) // 60_000_000_000}"
    return batch_v1.Job(metadata=meta(name, annotations=told, owner_references=OWNED), status=held)


def decide(now: str, *things: Any) -> Decision:
    return rule.decide(view_of(*things), "default/backup", now=parse_time(now))


def made(decision: Decision) -> list[str]:
    return [c.object.metadata.name for c in decision.commands if isinstance(c, Create)]


def deleted(decision: Decision) -> list[str]:
    return [c.name for c in decision.commands if isinstance(c, Delete)]


def status(decision: Decision) -> batch_v1.CronJobStatus:
    (found,) = (c.object.status for c in decision.commands if isinstance(c, Update))
    assert isinstance(found, batch_v1.CronJobStatus)
    return found


def reasons(decision: Decision) -> list[str]:
    return [say.reason for say in decision.says if not say.refused]


def test_a_job_is_made_when_its_time_has_come() -> None:
    assert decide("2027-01-15T08:59:30Z", cron_job()).requeue_after == 30
    decision = decide("2027-01-15T09:00:00Z", cron_job(time_zone="Asia/Kolkata", schedule="30 14 * * *"))
    (create,) = decision.commands
    assert isinstance(create, Create)
    new = create.object
    assert new.metadata.name == "backup-30000060" and new.metadata.labels == {"a": "b"}
    assert new.metadata.annotations[rule.SCHEDULED] == "2027-01-15T14:30:00+05:30"
    assert (new.metadata.owner_references[0].kind, reasons(decision)) == ("CronJob", ["SuccessfulCreate"])


def test_a_job_that_is_made_is_told_of_and_not_made_twice() -> None:
    decision = decide("2027-01-15T09:00:30Z", cron_job(), job("2027-01-15T09:00:00Z"))
    assert not made(decision)
    held = status(decision)
    assert held.last_schedule_time == "2027-01-15T09:00:00Z" and held.active[0].kind == "Job"
    gone = decide("2027-01-15T09:00:40Z", cron_job(status=held))
    assert not made(gone) and status(gone).active == () and reasons(gone) == ["MissingJob"]
    ended = decide("2027-01-15T09:10:00Z", cron_job(status=held), job("2027-01-15T09:00:00Z", "Complete"))
    assert status(ended).last_successful_time == "2027-01-15T09:00:00Z" and reasons(ended) == ["SawCompletedJob"]
    by_hand = decide("2027-01-15T08:10:00Z", cron_job(), job("2027-01-15T08:05:00Z", name="by-hand"))
    assert reasons(by_hand) == ["UnexpectedJob"] and not by_hand.commands, "it is none of those that run"


@pytest.mark.parametrize(
    ("policy", "makes", "deletes", "says"),
    [
        ("Allow", 1, 0, ["SuccessfulCreate"]),
        ("Forbid", 0, 0, ["JobAlreadyActive"]),
        ("Replace", 1, 1, ["SuccessfulDelete", "SuccessfulCreate"]),
    ],
)
def test_what_a_job_that_still_runs_means(policy: str, makes: int, deletes: int, says: list[str]) -> None:
    running = job("2027-01-15T09:00:00Z")
    first = status(decide("2027-01-15T09:00:01Z", cron_job(concurrency_policy=policy), running))
    decision = decide("2027-01-15T10:00:00Z", cron_job(concurrency_policy=policy, status=first), running)
    assert (len(made(decision)), len(deleted(decision)), reasons(decision)) == (makes, deletes, says)


def test_moments_that_were_missed() -> None:
    late = "2027-01-15T11:30:00Z"
    assert made(decide(late, cron_job())) == ["backup-30000180"], "only the last of them"
    assert made(decide(late, cron_job(starting_deadline_seconds=1799))) == []
    assert made(decide(late, cron_job(starting_deadline_seconds=1801))) == ["backup-30000180"]
    many = decide("2027-01-25T11:30:00Z", cron_job())
    assert reasons(many) == ["TooManyMissedTimes", "SuccessfulCreate"]


def test_a_clock_that_went_back_makes_nothing_twice() -> None:
    held = batch_v1.CronJobStatus(last_schedule_time="2027-01-15T12:00:00Z")
    decision = decide("2027-01-15T09:30:00Z", cron_job(status=held))
    assert not decision.commands and decision.requeue_after == rule.LOOK_S
    assert made(decide("2027-01-15T13:00:00Z", cron_job(status=held)))


@pytest.mark.parametrize(
    ("policy", "makes", "deletes"), [("Allow", 1, 0), ("Forbid", 0, 0), ("Replace", 1, 1)], ids=["allow", "forbid", "replace"]
)
def test_a_clock_that_jumps_while_a_job_runs(policy: str, makes: int, deletes: int) -> None:
    running = job("2027-01-15T12:00:00Z")
    asked = cron_job(concurrency_policy=policy)
    held = status(decide("2027-01-15T12:00:01Z", asked, running))
    asked = cron_job(concurrency_policy=policy, status=held)
    back = decide("2027-01-15T09:00:30Z", asked, running)
    assert not made(back) and not deleted(back), "what has been made stays, and nothing is made before its time comes again"
    on = decide("2027-01-15T18:30:00Z", asked, running)
    assert (len(made(on)), len(deleted(on))) == (makes, deletes), "of six moments that were passed over the last counts"
    assert made(on) in ([], ["backup-30000600"])
    far = decide("2027-02-15T18:30:00Z", asked, running)
    assert (len(made(far)), len(deleted(far)), "TooManyMissedTimes" in reasons(far)) == (makes, deletes, True)
    late = cron_job(concurrency_policy=policy, status=held, starting_deadline_seconds=60)
    missed = decide("2027-01-15T18:30:00Z", late, running)
    assert not made(missed) and not deleted(missed), "it is too late for each of them"


def test_what_is_suspended_or_cannot_be_read_makes_nothing() -> None:
    for asked, says in (
        (cron_job(suspend=True), []),
        (cron_job(time_zone="Mars/Olympus"), ["UnknownTimeZone"]),
        (cron_job(schedule="every day"), ["UnparseableSchedule"]),
    ):
        decision = decide("2027-01-15T11:30:00Z", asked)
        assert not decision.commands and reasons(decision) == says


def test_only_so_many_old_jobs_are_kept() -> None:
    good = [job(f"2027-01-15T0{hour}:00:00Z", "Complete") for hour in range(1, 6)]
    bad = [job(f"2027-01-15T0{hour}:30:00Z", "Failed") for hour in range(1, 4)]
    held = batch_v1.CronJobStatus(last_schedule_time="2027-01-15T08:00:00Z")
    asked = cron_job(status=held, successful_jobs_history_limit=3, failed_jobs_history_limit=0)
    gone = deleted(decide("2027-01-15T08:10:00Z", asked, *good, *bad))
    assert gone == [j.metadata.name for j in (*good[:2], *bad)]


MANIFEST = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: "30 1 * * *"
  timeZone: America/New_York
  successfulJobsHistoryLimit: 1
  jobTemplate:
    spec:
      template:
        metadata: {labels: {sim.shipslog/runs-for-s: "60"}}
        spec: {restartPolicy: Never, containers: [{name: c, image: img}]}
"""


async def test_on_a_cluster_over_the_hour_that_comes_twice() -> None:
    async with testing.cluster(start="2027-11-07T05:29:00Z", flows=False) as cluster:
        await cluster.apply(MANIFEST)
        await cluster.advance(minutes=2, seconds=30)
        (first,) = cluster.list(batch_v1.Job)
        assert first.metadata.annotations[rule.SCHEDULED] == "2027-11-07T01:30:00-04:00" and rule.outcome(first)
        await cluster.advance(hours=1)
        held = cluster.get(batch_v1.CronJob, "backup").status
        assert held.last_schedule_time == "2027-11-07T06:30:00Z" and not held.active
        assert held.last_successful_time.startswith("2027-11-07T06:31:")
        (kept,) = cluster.list(batch_v1.Job)
        assert kept.metadata.annotations[rule.SCHEDULED] == "2027-11-07T01:30:00-05:00", "and one is kept"
        said = [e.message for e in cluster.list(core_v1.Event) if e.involved_object.kind == "CronJob"]
        assert f"Saw completed job: {first.metadata.name}, condition: Complete" in said
        assert f"Deleted job {first.metadata.name}" in said


async def test_on_a_cluster_over_the_hour_that_is_left_out() -> None:
    async with testing.cluster(start="2027-03-14T06:58:00Z", flows=False) as cluster:
        await cluster.apply(MANIFEST.replace("30 1 * * *", "30 2,3 * * *"))
        await cluster.advance(minutes=35)
        kept = [j.metadata.annotations[rule.SCHEDULED] for j in cluster.list(batch_v1.Job)]
        assert kept == ["2027-03-14T03:30:00-04:00"], "two o'clock is three: there is no half past two"
