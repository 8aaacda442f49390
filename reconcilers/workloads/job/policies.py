"""What a Job's pod failure policy makes of a failed pod, and its success policy of the indexes that ended well.

Source: Kubernetes' job controller, KEP-3329 and KEP-3998; messages are in its words.
"""

from typing import Literal

from msgspec import Struct

from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.batch_v1 import (
    PodFailurePolicy,
    PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern,
    SuccessPolicy,
)

from . import indexes


class Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of a failed pod. `action` is that of the rule that matches, "" if none does."""

    action: Literal["", "Count", "Ignore", "FailIndex", "FailJob"] = ""
    message: str = ""  # why the whole job fails

    @property
    def counts(self) -> bool:
        return self.action != "Ignore"


def judge(policy: PodFailurePolicy | None, pod: core_v1.Pod) -> Verdict:
    """By the first rule that matches; a pod that none matches counts."""
    where = f"{pod.metadata.namespace}/{pod.metadata.name}"
    for number, rule in enumerate(policy.rules if policy is not None else ()):
        rest = f"matching {rule.action} rule at index {number}"
        if rule.on_exit_codes is not None:
            status = _exited(pod, rule.on_exit_codes)
            if status is None or status.state.terminated is None:
                continue
            code = status.state.terminated.exit_code
            message = f"Container {status.name} for pod {where} failed with exit code {code} {rest}"
        else:
            found = _condition(pod, rule.on_pod_conditions)
            if found is None:
                continue
            message = f"Pod {where} has condition {found.type} {rest}"
        match rule.action:
            case "Ignore" | "FailIndex" | "Count" as action:
                return Verdict(action=action)
            case "FailJob":
                return Verdict(action="FailJob", message=message)
    return Verdict()


def _exited(pod: core_v1.Pod, asked: PodFailurePolicyOnExitCodesRequirement) -> core_v1.ContainerStatus | None:
    for status in (*pod.status.container_statuses, *pod.status.init_container_statuses):
        ended = status.state.terminated
        if ended is None or not ended.exit_code or asked.container_name not in (None, status.name):
            continue
        if (ended.exit_code in asked.values) == (asked.operator == "In"):
            return status
    return None


def _condition(pod: core_v1.Pod, patterns: tuple[PodFailurePolicyOnPodConditionsPattern, ...]) -> core_v1.PodCondition | None:
    wanted = {(p.type, p.status) for p in patterns}
    return next((c for c in pod.status.conditions if (c.type, c.status) in wanted), None)


def succeeds_early(policy: SuccessPolicy | None, succeeded: indexes.Indexes, completions: int) -> str:
    """Why the indexes that ended well are enough; "" while they are not."""
    for number, rule in enumerate(policy.rules if policy is not None else ()):
        asked = indexes.parse(rule.succeeded_indexes, completions)
        found = succeeded if rule.succeeded_indexes is None else succeeded & asked
        if len(found) >= (len(asked) if rule.succeeded_count is None else rule.succeeded_count):
            return f"Matched rules at index {number}"
    return ""
