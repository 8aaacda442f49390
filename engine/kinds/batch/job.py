"""Jobs: pods that are to end well, so many times.

Tests: tests/engine/kinds/batch/test_jobs.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age, duration, seconds_between
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import MISMATCH, PODS_COLUMNS, check_same, pods_cells, selector_of
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.batch_v1 import Job, JobSpec
from shipslog.store.objects.types.core_v1 import PodTemplateSpec
from shipslog.store.objects.types.meta_v1 import LabelSelector

from .job_spec import check_job_spec, default_job_spec
from .job_status import check_job_status

UID, NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
OLD_UID, OLD_NAME = "controller-uid", "job-name"
NEVER_CHANGE = (
    ("completionMode", "completion_mode"),
    ("podFailurePolicy", "pod_failure_policy"),
    ("backoffLimitPerIndex", "backoff_limit_per_index"),
    ("managedBy", "managed_by"),
    ("successPolicy", "success_policy"),
)


class JobRules(WithSpec):
    about = "Runs pods until so many of them have ended well."
    propagation = "Background"
    columns = (
        NAME,
        Column("Status", "What has become of it."),
        Column("Completions", "How many pods have ended well, of how many shall."),
        Column("Duration", "How long it took, or has been running."),
        AGE,
        *PODS_COLUMNS,
    )
    selectable = {"status.successful": lambda o: str(o.status.succeeded)}

    def cells(self, obj: Job, now_ns: int) -> list[Any]:
        meta, spec = obj.metadata, obj.spec
        return [
            meta.name,
            state_of(obj),
            _completions(obj),
            _duration(obj, now_ns),
            age(meta.creation_timestamp, now_ns),
            *pods_cells(spec.template, spec.selector),
        ]

    def default(self, obj: Job) -> Job:
        labels, meta = obj.spec.template.metadata.labels, obj.metadata
        if labels and not meta.labels:
            meta = replace(meta, labels=dict(labels))
        return replace(obj, metadata=meta, spec=default_job_spec(obj.spec))

    def create(self, kind: Kind, obj: Job, ctx: Admission) -> Any:
        warn_of_pod_spec(ctx.warnings, obj.spec.template.spec, "spec.template.spec")
        made: Job = super().create(kind, obj, ctx)
        if made.spec.manual_selector:
            return made
        meta, labels = made.metadata, made.spec.template.metadata.labels
        spec = with_own_selector(made)
        if meta.labels == labels:  # given or not, they are those of its pods
            meta = replace(meta, labels=dict(spec.template.metadata.labels))
        return replace(made, metadata=meta, spec=spec)

    def check(self, faults: Faults, obj: Job) -> None:
        _check_generated(faults, obj)
        check_selected_job(faults, obj.spec)

    def check_change(self, faults: Faults, old: Job, new: Job) -> None:
        check_selected_job(faults, new.spec)
        _check_changed(faults, old, new)

    def check_status(self, faults: Faults, old: Job, new: Job) -> None:
        check_job_status(faults, old, new)


def with_own_selector(job: Job) -> JobSpec:
    """The spec with a selector that no other job's pods match, and a template that has its labels."""
    spec, template = job.spec, job.spec.template
    uid, name = job.metadata.uid, job.metadata.name
    labels = {**template.metadata.labels}
    for key, value in ((OLD_UID, uid), (UID, uid), (OLD_NAME, name), (NAME_LABEL, name)):
        labels.setdefault(key, value)
    chosen = spec.selector or LabelSelector()
    matched = dict(chosen.match_labels)
    if UID not in matched:
        matched[UID] = uid
    template = replace(template, metadata=replace(template.metadata, labels=labels))
    return replace(spec, selector=replace(chosen, match_labels=matched), template=template)


def _check_generated(faults: Faults, job: Job) -> None:
    """Labels that are the job's to give are not given otherwise."""
    if job.spec.manual_selector or job.spec.selector is None:
        return
    labels, path = job.spec.template.metadata.labels, "spec.template.metadata.labels"
    meta = job.metadata
    for key, value in ((UID, meta.uid), (NAME_LABEL, meta.name), (OLD_UID, meta.uid), (OLD_NAME, meta.name)):
        if labels.get(key, value) != value:
            faults.invalid(path, labels, f"must be '{value}'")
    chosen = selector_of(job.spec.selector)
    given = {UID: meta.uid, NAME_LABEL: meta.name, OLD_UID: meta.uid, OLD_NAME: meta.name}
    if chosen is not None and not chosen.matches(given):
        faults.invalid("spec.selector", job.spec.selector, "`selector` not auto-generated")


def check_selected_job(faults: Faults, spec: JobSpec) -> None:
    check_job_spec(faults, spec, "spec")
    if spec.selector is None:
        faults.required("spec.selector")
    else:
        check_label_selector(faults, spec.selector, "spec.selector")
    chosen = selector_of(spec.selector)
    if chosen is not None and not chosen.matches(spec.template.metadata.labels):
        faults.invalid("spec.template.metadata.labels", spec.template.metadata.labels, MISMATCH)


def _check_changed(faults: Faults, old: Job, new: Job) -> None:
    before, spec = old.spec, new.spec
    if before.completions != spec.completions:
        grows = spec.completion_mode == "Indexed" and spec.completions is not None and spec.parallelism is not None
        if not grows:
            faults.invalid("spec.completions", spec.completions, IMMUTABLE)
        elif spec.completions != spec.parallelism:
            words = "can only be modified in tandem with spec.parallelism"
            faults.invalid("spec.completions", spec.completions, words)
    check_same(faults, "spec.selector", before.selector, spec.selector)
    held = before.suspend and not old.status.start_time
    was, now = (_without_placement(s.template) if held else s.template for s in (before, spec))
    if was != now:
        faults.invalid("spec.template", spec.template, IMMUTABLE)
    for name, attribute in NEVER_CHANGE:
        check_same(faults, f"spec.{name}", getattr(before, attribute), getattr(spec, attribute))


def _without_placement(template: PodTemplateSpec) -> PodTemplateSpec:
    """The template without what may change of a job that is held and has not begun: where its pods go."""
    spec = replace(template.spec, affinity=None, node_selector={}, tolerations=(), scheduling_gates=())
    return replace(template, spec=spec, metadata=replace(template.metadata, labels={}, annotations={}))


# --- its table ---


def state_of(job: Job) -> str:
    true = {c.type for c in job.status.conditions if c.status == "True"}
    if "Complete" in true or "Failed" in true:
        return "Complete" if "Complete" in true else "Failed"
    if job.metadata.deletion_timestamp:
        return "Terminating"
    return next((state for state in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if state in true), "Running")


def _completions(job: Job) -> str:
    wanted, done = job.spec.completions, job.status.succeeded
    if wanted is not None:
        return f"{done}/{wanted}"
    parallelism = job.spec.parallelism or 0
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _duration(job: Job, now_ns: int) -> str:
    status = job.status
    since = seconds_between(status.start_time, now_ns)
    if since is None:
        return ""
    after = seconds_between(status.completion_time, now_ns)
    if after is None:
        ended = (c.last_transition_time for c in status.conditions if c.type == "Failed" and c.status == "True")
        after = seconds_between(next(ended, ""), now_ns)
    return duration(since - (after or 0))


STRATEGY = JobRules()
