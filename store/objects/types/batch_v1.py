"""The types of the API group-version batch.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, NullTime, Nullable, Object, Time, merge, null_list, null_text, to_nulls

from . import core_v1, meta_v1, scheduling_v1alpha3
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class JobSchedulingConfiguration(Object, frozen=True, kw_only=True):
    scheduling_policy: scheduling_v1alpha3.WorkloadPodGroupSchedulingPolicy | None = None
    scheduling_constraints: scheduling_v1alpha3.WorkloadPodGroupSchedulingConstraints | None = None
    disruption_mode: scheduling_v1alpha3.WorkloadPodGroupDisruptionMode | None = None
    resource_claims: Annotated[tuple[scheduling_v1alpha3.WorkloadPodGroupResourceClaim, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"disruption_mode": 3, "resource_claims": 4, "scheduling_constraints": 2, "scheduling_policy": 1}


class PodFailurePolicyOnExitCodesRequirement(Object, frozen=True, kw_only=True):
    container_name: str | None = None
    operator: str = field(default_factory=str)
    values: Annotated[Nullable[tuple[Int32, ...]], merge(list_type="set")] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("values",))

    __proto__: ClassVar[dict[str, int]] = {"container_name": 1, "operator": 2, "values": 3}
    __required__: ClassVar[tuple[str, ...]] = ('operator', 'values')


class PodFailurePolicyOnPodConditionsPattern(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class PodFailurePolicyRule(Object, frozen=True, kw_only=True):
    action: str = field(default_factory=str)
    on_exit_codes: PodFailurePolicyOnExitCodesRequirement | None = None
    on_pod_conditions: tuple[PodFailurePolicyOnPodConditionsPattern, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"action": 1, "on_exit_codes": 2, "on_pod_conditions": 3}
    __required__: ClassVar[tuple[str, ...]] = ('action',)


class PodFailurePolicy(Object, frozen=True, kw_only=True):
    rules: Nullable[tuple[PodFailurePolicyRule, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("rules",))

    __proto__: ClassVar[dict[str, int]] = {"rules": 1}
    __required__: ClassVar[tuple[str, ...]] = ('rules',)


class SuccessPolicyRule(Object, frozen=True, kw_only=True):
    succeeded_indexes: str | None = None
    succeeded_count: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"succeeded_count": 2, "succeeded_indexes": 1}


class SuccessPolicy(Object, frozen=True, kw_only=True):
    rules: Nullable[tuple[SuccessPolicyRule, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("rules",))

    __proto__: ClassVar[dict[str, int]] = {"rules": 1}
    __required__: ClassVar[tuple[str, ...]] = ('rules',)


class JobSpec(Object, frozen=True, kw_only=True):
    parallelism: Int32 | None = None
    completions: Int32 | None = None
    active_deadline_seconds: Int64 | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    backoff_limit: Int32 | None = None
    backoff_limit_per_index: Int32 | None = None
    max_failed_indexes: Int32 | None = None
    selector: meta_v1.LabelSelector | None = None
    manual_selector: bool | None = None
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)
    ttl_seconds_after_finished: Int32 | None = None
    completion_mode: str | None = None
    suspend: bool | None = None
    pod_replacement_policy: str | None = None
    managed_by: str | None = None
    scheduling: JobSchedulingConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"active_deadline_seconds": 3, "backoff_limit": 7, "backoff_limit_per_index": 12, "completion_mode": 9, "completions": 2, "managed_by": 15, "manual_selector": 5, "max_failed_indexes": 13, "parallelism": 1, "pod_failure_policy": 11, "pod_replacement_policy": 14, "scheduling": 17, "selector": 4, "success_policy": 16, "suspend": 10, "template": 6, "ttl_seconds_after_finished": 8}
    __required__: ClassVar[tuple[str, ...]] = ('template',)


class JobTemplateSpec(Object, frozen=True, kw_only=True):
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: JobSpec = field(default_factory=JobSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class CronJobSpec(Object, frozen=True, kw_only=True):
    schedule: str = field(default_factory=str)
    time_zone: str | None = None
    starting_deadline_seconds: Int64 | None = None
    concurrency_policy: str = ""
    suspend: bool | None = None
    job_template: JobTemplateSpec = field(default_factory=JobTemplateSpec)
    successful_jobs_history_limit: Int32 | None = None
    failed_jobs_history_limit: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"concurrency_policy": 3, "failed_jobs_history_limit": 7, "job_template": 5, "schedule": 1, "starting_deadline_seconds": 2, "successful_jobs_history_limit": 6, "suspend": 4, "time_zone": 8}
    __required__: ClassVar[tuple[str, ...]] = ('jobTemplate', 'schedule')


class CronJobStatus(Object, frozen=True, kw_only=True):
    active: tuple[core_v1.ObjectReference, ...] = ()
    last_schedule_time: Time = ""
    last_successful_time: Time = ""

    __proto__: ClassVar[dict[str, int]] = {"active": 1, "last_schedule_time": 4, "last_successful_time": 5}


class CronJob(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CronJob")
    api_version: str = field(default_factory=lambda: "batch/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: CronJobSpec = field(default_factory=CronJobSpec)
    status: CronJobStatus = field(default_factory=CronJobStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class JobCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_probe_time: NullTime = field(default_factory=null_text)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_probe_time", "last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_probe_time": 3, "last_transition_time": 4, "message": 6, "reason": 5, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class UncountedTerminatedPods(Object, frozen=True, kw_only=True):
    succeeded: Annotated[tuple[str, ...], merge(list_type="set")] = ()
    failed: Annotated[tuple[str, ...], merge(list_type="set")] = ()

    __proto__: ClassVar[dict[str, int]] = {"failed": 2, "succeeded": 1}


class JobStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[JobCondition, ...], merge(patch_merge_key='type', patch_strategy='merge')] = ()
    start_time: Time = ""
    completion_time: Time = ""
    active: Int32 = 0
    succeeded: Int32 = 0
    failed: Int32 = 0
    terminating: Int32 | None = None
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None
    ready: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"active": 4, "completed_indexes": 7, "completion_time": 3, "conditions": 1, "failed": 6, "failed_indexes": 10, "ready": 9, "start_time": 2, "succeeded": 5, "terminating": 11, "uncounted_terminated_pods": 8}


class Job(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Job")
    api_version: str = field(default_factory=lambda: "batch/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: JobSpec = field(default_factory=JobSpec)
    status: JobStatus = field(default_factory=JobStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}

