"""What a job's status may say, and what may become of it: other controllers than ours keep jobs too (`spec.managedBy`).

A rule is asked only where what it is about has changed, so that other writes go through on a job that breaks it already.
Source: ValidateJobStatusUpdate and getStatusValidationOptions, Kubernetes 1.32 and later.

Tests: tests/engine/kinds/batch/test_job_status.py
"""

from typing import NamedTuple

from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.workloads import check_counts
from shipslog.store.objects.types.batch_v1 import Job, JobStatus

from .index_text import overlap, spans

PATH = "status"
TERMINAL = ("Failed", "Complete", "FailureTarget")
# pairs of conditions that exclude one another, as Kubernetes words them
EXCLUSIVE = (
    ("Complete", "Failed"),
    ("Complete", "FailureTarget"),
    ("SuccessCriteriaMet", "Failed"),
    ("SuccessCriteriaMet", "FailureTarget"),
)
FIRST = (("Failed", "FailureTarget"), ("Complete", "SuccessCriteriaMet"))  # which is true before


class Shown(NamedTuple):
    """One status, as the rules ask of it."""

    status: JobStatus
    true: frozenset[str]

    @property
    def complete(self) -> bool:
        return "Complete" in self.true

    @property
    def finished(self) -> bool:
        return self.complete or "Failed" in self.true


def check_job_status(faults: Faults, old: Job, new: Job) -> None:
    status = new.status
    counts = ("active", status.active), ("succeeded", status.succeeded), ("failed", status.failed), ("ready", status.ready)
    check_counts(faults, PATH, (*counts, ("terminating", status.terminating)))
    _check_uncounted(faults, status)
    if old.status == status:
        return
    was, now = _shown(old.status), _shown(status)
    _check_conditions(faults, was, now)
    _check_times(faults, old, new, was, now)
    _check_counts(faults, new, was, now)
    _check_indexes(faults, old.status, new)


def _shown(status: JobStatus) -> Shown:
    return Shown(status, frozenset(c.type for c in status.conditions if c.status == "True"))


def _say(faults: Faults, detail: str) -> None:
    """A fault of the conditions: they are not shown whole."""
    faults.tell("FieldValueInvalid", f"Invalid value: {detail}", f"{PATH}.conditions")


def _check_uncounted(faults: Faults, status: JobStatus) -> None:
    pods, seen = status.uncounted_terminated_pods, set[str]()
    if pods is None:
        return
    for name, uids in (("succeeded", pods.succeeded), ("failed", pods.failed)):
        for at, uid in enumerate(uids):
            path = f"{PATH}.uncountedTerminatedPods.{name}[{at}]"
            if not uid:
                faults.invalid(path, uid, "must not be empty")
            elif uid in seen:
                faults.duplicate(path, uid)
            seen.add(uid)


def _check_conditions(faults: Faults, was: Shown, now: Shown) -> None:
    turned = was.true ^ now.true
    for one, other in EXCLUSIVE:
        if one in now.true and other in now.true and {one, other} & turned:
            _say(faults, f"cannot set {one}=True and {other}=true conditions")
    for one, first in FIRST:
        if one in now.true and first not in now.true and {one, first} & turned:
            _say(faults, f"cannot set {one}=True condition without the {first}=true condition")
    for one in TERMINAL:
        if one in was.true and one not in now.true:
            _say(faults, f"cannot disable the terminal {one}=True condition")
    if "SuccessCriteriaMet" in was.true - now.true:
        _say(faults, "cannot disable the SuccessCriteriaMet=True condition")
    if was.complete and "SuccessCriteriaMet" in now.true - was.true:
        _say(faults, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")


def _check_times(faults: Faults, old: Job, new: Job, was: Shown, now: Shown) -> None:
    before, status = old.status, new.status
    begun, ended = before.start_time != status.start_time, before.completion_time != status.completion_time
    completion, start = f"{PATH}.completionTime", f"{PATH}.startTime"
    if was.complete != now.complete or ended:
        if status.completion_time and not now.complete:
            words = "cannot set completionTime when there is no Complete=True condition"
            faults.invalid(completion, status.completion_time, words)
        elif now.complete and not status.completion_time:
            faults.required(completion, "completionTime is required for Complete jobs")
    if (begun or ended) and status.start_time and status.completion_time < status.start_time and status.completion_time:
        faults.invalid(completion, status.completion_time, "completionTime cannot be set before startTime")
    if (was.finished != now.finished or begun) and now.finished and not status.start_time:
        faults.required(start, "startTime is required for finished job")
    if ended and before.completion_time and status.completion_time:
        faults.invalid(completion, status.completion_time, "completionTime cannot be mutated")
    if begun and before.start_time and not new.spec.suspend:
        faults.required(start, "startTime cannot be removed for unsuspended job")


def _check_counts(faults: Faults, new: Job, was: Shown, now: Shown) -> None:
    before, status, spec = was.status, now.status, new.spec
    ends = now.finished and not was.finished
    if now.finished and status.active and (ends or before.active != status.active):
        faults.invalid(f"{PATH}.active", status.active, "active>0 is invalid for finished job")
    if now.finished and status.terminating and (ends or before.terminating != status.terminating):
        faults.invalid(f"{PATH}.terminating", status.terminating, "terminating>0 is invalid for finished job")
    pods = status.uncounted_terminated_pods
    if now.finished and pods and (pods.failed or pods.succeeded) and (ends or before.uncounted_terminated_pods != pods):
        words = "uncountedTerminatedPods needs to be empty for finished job"
        faults.invalid(f"{PATH}.uncountedTerminatedPods", pods, words)
    changed = (before.ready, before.active) != (status.ready, status.active)
    if changed and status.ready is not None and status.ready > status.active:
        faults.invalid(f"{PATH}.ready", status.ready, "cannot set more ready pods than active")
    if status.failed < before.failed:
        faults.invalid(f"{PATH}.failed", status.failed, "cannot decrease the failed counter")
    shrinks = spec.completion_mode == "Indexed" and spec.completions == spec.parallelism
    if status.succeeded < before.succeeded and not shrinks:
        faults.invalid(f"{PATH}.succeeded", status.succeeded, "cannot decrease the succeeded counter")


def _check_indexes(faults: Faults, before: JobStatus, new: Job) -> None:
    spec, status = new.spec, new.status
    ended, failed = before.completed_indexes != status.completed_indexes, before.failed_indexes != status.failed_indexes
    if not ended and not failed:
        return
    done = _read(faults, "completedIndexes", status.completed_indexes, spec.completions, tell=ended)
    broken = _read(faults, "failedIndexes", status.failed_indexes, spec.completions, tell=failed)
    if ended and status.completed_indexes and spec.completion_mode != "Indexed":
        words = "cannot set non-empty completedIndexes when non-indexed completion mode"
        faults.invalid(f"{PATH}.completedIndexes", status.completed_indexes, words)
    if failed and status.failed_indexes is not None and spec.backoff_limit_per_index is None:
        words = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        faults.invalid(f"{PATH}.failedIndexes", status.failed_indexes, words)
    if (both := overlap(done, broken)) is not None:
        words = f"failedIndexes and completedIndexes overlap at index: {both}"
        faults.invalid(f"{PATH}.failedIndexes", status.failed_indexes, words)


def _read(faults: Faults, name: str, text: str | None, completions: int | None, *, tell: bool) -> list[tuple[int, int]]:
    """What the text names; nothing, and told where `tell`, if it is not written as such a text is."""
    if not text or completions is None:
        return []
    try:
        return spans(text, completions)
    except ValueError as error:
        if tell:
            faults.invalid(f"{PATH}.{name}", text, f"error parsing {name}: {error}")
        return []
