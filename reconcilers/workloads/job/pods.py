"""The pods that a Job makes and takes away, and how long it waits before the next after some have failed.

Source: Kubernetes' job controller: ten seconds, doubled with each failure since the last success, ten minutes at most.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import owner_reference, pod_from_template
from shipslog.reconcilers.workloads.replicas import choose_to_delete, crowds_of
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.batch_v1 import Job
from shipslog.store.objects.values.times import SECOND_NS

from . import indexes
from .census import (
    FAILURES,
    IGNORED,
    TRACKING,
    Census,
    ended_at,
    has_failed,
    is_indexed,
    is_tracked,
    number_in,
    waits_for_the_end,
)
from .policies import judge

BACKOFF_S, BACKOFF_MAX_S = 10, 600
GENERATED_LENGTH = 58  # of a name before its five random characters
ENV = "JOB_COMPLETION_INDEX"


def wait_s(job: Job, pods: Iterable[core_v1.Pod], now: int) -> float:
    """Seconds until a pod may be made again; 0 or less: now."""
    good = max((ended_at(pod) for pod in pods if pod.status.phase == "Succeeded"), default=0)
    mine = (pod for pod in pods if is_tracked(pod) or not pod.metadata.deletion_timestamp)  # others were taken away
    failed = [pod for pod in mine if has_failed(job, pod) and judge(job.spec.pod_failure_policy, pod).counts]
    bad = [at for at in map(ended_at, failed) if at > good]
    return _after(len(bad), max(bad), now) if bad else 0.0


def _after(failures: int, last_ns: int, now: int) -> float:
    backoff_s = min(BACKOFF_S * 2.0 ** min(failures - 1, 16), BACKOFF_MAX_S)
    return (last_ns - now) / SECOND_NS + backoff_s


def pending(job: Job, census: Census, pods: Sequence[core_v1.Pod], count: int, now: int) -> tuple[list[int], float | None]:
    """The first indexes that want a pod, and the seconds until the next of those that have to wait."""
    completions = job.spec.completions or 0
    busy = {indexes.index_of(pod, completions) for pod in census.active}
    if waits_for_the_end(job):
        going = (p for p in pods if p.metadata.deletion_timestamp and p.status.phase not in TERMINAL)
        busy |= {indexes.index_of(pod, completions) for pod in going}
    found: list[int] = []
    waits: list[float] = []
    for index in (census.done | census.given_up).missing(completions):
        if len(found) >= count:
            break
        if index in busy:
            continue
        last = census.last_failures.get(index)
        left_s = 0.0 if last is None else _after(failures_after(job, last)[0] or 1, ended_at(last), now)
        if left_s > 0:
            waits.append(left_s)
        else:
            found.append(index)
    return found, min(waits, default=None)


def failures_after(job: Job, last: core_v1.Pod) -> tuple[int, int]:
    """How often an index has failed with this pod: so that it counts, and besides."""
    counts = judge(job.spec.pod_failure_policy, last).counts
    return number_in(last, FAILURES) + counts, number_in(last, IGNORED) + (not counts)


def make(job: Job, index: int | None, last: core_v1.Pod | None) -> core_v1.Pod:
    """A pod of the job, for one index where it has such; `last`: the pod of the index that failed before."""
    pod = pod_from_template(job, job.spec.template, owner_reference(job))
    meta, spec = pod.metadata, pod.spec
    meta = replace(meta, finalizers=(*(f for f in meta.finalizers if f != TRACKING), TRACKING))
    if index is None:
        return replace(pod, metadata=meta)
    name, suffix = job.metadata.name, f"-{index}-"
    annotations = {**meta.annotations, indexes.INDEX: str(index)}
    if job.spec.backoff_limit_per_index is not None:
        counted, ignored = failures_after(job, last) if last is not None else (0, 0)
        annotations |= {FAILURES: str(counted)} | ({IGNORED: str(ignored)} if ignored else {})
    meta = replace(
        meta, generate_name=f"{name[: GENERATED_LENGTH - len(suffix)]}{suffix}", annotations=annotations,
        labels={**meta.labels, indexes.INDEX: str(index)},
    )  # fmt: skip
    spec = replace(
        spec, hostname=f"{name}-{index}", containers=tuple(map(_with_index, spec.containers)),
        init_containers=tuple(map(_with_index, spec.init_containers)),
    )  # fmt: skip
    return replace(pod, metadata=meta, spec=spec)


def _with_index(container: core_v1.Container) -> core_v1.Container:
    if any(env.name == ENV for env in container.env):
        return container
    field = core_v1.ObjectFieldSelector(api_version="v1", field_path=f"metadata.labels['{indexes.INDEX}']")
    env = core_v1.EnvVar(name=ENV, value_from=core_v1.EnvVarSource(field_ref=field))
    return replace(container, env=(*container.env, env))


def surplus(job: Job, active: Sequence[core_v1.Pod], at_least: int) -> list[core_v1.Pod]:
    """The active pods to take away: those whose index is not wanted or doubled, and so many in all."""
    doomed: list[core_v1.Pod] = []
    crowds = crowds_of(active)
    if is_indexed(job):
        groups: dict[int | None, list[core_v1.Pod]] = {}
        for pod in active:
            groups.setdefault(indexes.index_of(pod, job.spec.completions or 0), []).append(pod)
        for index, group in groups.items():
            doomed += choose_to_delete(group, len(group) - (index is not None), crowds)
    gone = {pod.metadata.uid for pod in doomed}
    rest = [pod for pod in active if pod.metadata.uid not in gone]
    return doomed + choose_to_delete(rest, max(at_least - len(doomed), 0), crowds)
