"""Cron jobs: jobs of a template, made by the clock.

Tests: tests/engine/kinds/batch/test_jobs.py
"""

import re
import zoneinfo
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import PODS_COLUMNS, check_counts, pods_cells
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.batch_v1 import CronJob, CronJobSpec
from shipslog.store.objects.values import cron

from .job_spec import check_job_spec, default_job_spec

POLICIES = ("Allow", "Forbid", "Replace")
SUCCESSFUL_KEPT, FAILED_KEPT = 3, 1
NAME_LENGTH = 52  # a job's name has eleven characters more
ZONE_WORDS = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"


class CronJobRules(WithSpec):
    about = "Makes jobs of one template at the times of a schedule."
    columns = (
        NAME,
        Column("Schedule", "When jobs are made, in cron's form."),
        Column("Timezone", "The time zone of the schedule."),
        Column("Suspend", "Whether no job is made for now.", "boolean"),
        Column("Active", "How many jobs are running.", "integer"),
        Column("Last Schedule", "How long ago a job was made by the clock."),
        AGE,
        *PODS_COLUMNS,
    )

    def cells(self, obj: CronJob, now_ns: int) -> list[Any]:
        spec, status = obj.spec, obj.status
        last = age(status.last_schedule_time, now_ns) if status.last_schedule_time else NONE
        job = spec.job_template.spec
        return [
            obj.metadata.name,
            spec.schedule,
            spec.time_zone or NONE,
            bool(spec.suspend),
            len(status.active),
            last,
            age(obj.metadata.creation_timestamp, now_ns),
            *pods_cells(job.template, job.selector),
        ]

    def default(self, obj: CronJob) -> CronJob:
        spec = obj.spec
        good, bad = spec.successful_jobs_history_limit, spec.failed_jobs_history_limit
        template = replace(spec.job_template, spec=default_job_spec(spec.job_template.spec))
        spec = replace(
            spec,
            job_template=template,
            concurrency_policy=spec.concurrency_policy or "Allow",
            suspend=bool(spec.suspend),
            successful_jobs_history_limit=SUCCESSFUL_KEPT if good is None else good,
            failed_jobs_history_limit=FAILED_KEPT if bad is None else bad,
        )
        return replace(obj, spec=spec)

    def create(self, kind: Kind, obj: CronJob, ctx: Admission) -> Any:
        template = obj.spec.job_template.spec.template
        warn_of_pod_spec(ctx.warnings, template.spec, "spec.jobTemplate.spec.template.spec")
        return super().create(kind, obj, ctx)

    def check(self, faults: Faults, obj: CronJob) -> None:
        if len(obj.metadata.name) > NAME_LENGTH:
            faults.invalid("metadata.name", obj.metadata.name, f"must be no more than {NAME_LENGTH} characters")
        check_cron_job_spec(faults, obj.spec, old=None)

    def check_change(self, faults: Faults, old: CronJob, new: CronJob) -> None:
        check_cron_job_spec(faults, new.spec, old=old.spec)


def check_cron_job_spec(faults: Faults, spec: CronJobSpec, *, old: CronJobSpec | None) -> None:
    path = "spec"
    if not spec.schedule:
        faults.required(f"{path}.schedule")
    elif old is None or old.schedule != spec.schedule or old.time_zone != spec.time_zone:
        _check_schedule(faults, spec, f"{path}.schedule")
    check_counts(faults, path, (("startingDeadlineSeconds", spec.starting_deadline_seconds),))
    if spec.concurrency_policy not in POLICIES:
        faults.not_supported(f"{path}.concurrencyPolicy", spec.concurrency_policy, POLICIES)
    if spec.time_zone is not None and (old is None or old.time_zone != spec.time_zone):
        _check_zone(faults, spec.time_zone, f"{path}.timeZone")
    limits = (
        ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
        ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
    )
    check_counts(faults, path, limits)
    job, at = spec.job_template.spec, f"{path}.jobTemplate.spec"
    check_job_spec(faults, job, at)
    if job.selector is not None:
        faults.invalid(f"{at}.selector", job.selector, "`selector` will be auto-generated")
    if job.manual_selector:
        faults.not_supported(f"{at}.manualSelector", job.manual_selector, ("nil", "false"))


def _check_schedule(faults: Faults, spec: CronJobSpec, path: str) -> None:
    if "TZ" in spec.schedule:
        if spec.time_zone is not None:
            words = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        else:
            words = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        faults.invalid(path, spec.schedule, words)
        return
    try:
        cron.parse(spec.schedule)
    except cron.ScheduleError as error:
        faults.invalid(path, spec.schedule, str(error))


def _check_zone(faults: Faults, zone: str, path: str) -> None:
    if not zone:
        faults.invalid(path, zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local" or re.fullmatch(r"[A-Za-z0-9/_+\-]+", zone) is None:
        faults.invalid(path, zone, ZONE_WORDS if zone.lower() == "local" else f"unknown time zone {zone}")
    else:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            faults.invalid(path, zone, f"unknown time zone {zone}")


STRATEGY = CronJobRules()
