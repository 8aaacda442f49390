"""What a Job is to do: defaults and checks that jobs and the templates of cron jobs share.

Tests: tests/engine/kinds/batch/test_jobs.py
"""

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks.spec import check_template
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.workloads import check_counts
from shipslog.store.objects.types.batch_v1 import JobSpec, PodFailurePolicy, PodFailurePolicyRule, SuccessPolicy

from .index_text import spans

BACKOFF_LIMIT, NO_BACKOFF_LIMIT = 6, 2**31 - 1
MODES = ("NonIndexed", "Indexed")
REPLACED = ("Failed", "TerminatingOrFailed")
ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
MOST_INDEXED, MOST_RULES, MOST_CODES, MOST_PATTERNS = 100_000, 20, 255, 20
MANAGED_BY_LENGTH = 63
INDEXES_LENGTH = 64 * 1024  # of text that names indexes
MOST_FAILED, MANY, MOST_OF_MANY = 100_000, 100_000, 10_000  # where completions are many, parallelism and failed indexes are few
FEW_INDEXES = "when completion mode is Indexed"


def default_job_spec(spec: JobSpec) -> JobSpec:
    """One pod that ends well, tried again six times."""
    parallelism, completions = spec.parallelism, spec.completions
    if parallelism is None and completions is None:
        completions = 1
    limit = NO_BACKOFF_LIMIT if spec.backoff_limit_per_index is not None else BACKOFF_LIMIT
    replaced = "TerminatingOrFailed" if spec.pod_failure_policy is None else "Failed"
    return replace(
        spec,
        template=default_template(spec.template),
        completions=completions,
        parallelism=1 if parallelism is None else parallelism,
        backoff_limit=limit if spec.backoff_limit is None else spec.backoff_limit,
        completion_mode=spec.completion_mode or "NonIndexed",
        suspend=bool(spec.suspend),
        pod_replacement_policy=spec.pod_replacement_policy or replaced,
        pod_failure_policy=_default_failure_policy(spec.pod_failure_policy),
    )


def _default_failure_policy(policy: PodFailurePolicy | None) -> PodFailurePolicy | None:
    if policy is None:
        return None
    rules = tuple(
        replace(
            rule,
            on_pod_conditions=tuple(replace(c, status=c.status or "True") for c in rule.on_pod_conditions),
        )
        for rule in policy.rules
    )
    return replace(policy, rules=rules)


def check_job_spec(faults: Faults, spec: JobSpec, path: str) -> None:
    """All but the selector."""
    counts = (
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    )
    check_counts(faults, path, counts)
    if (manager := spec.managed_by) is not None:
        faults.invalid_each(f"{path}.managedBy", manager, names.domain_prefixed(manager))
        if len(manager) > MANAGED_BY_LENGTH:
            faults.too_long(f"{path}.managedBy", MANAGED_BY_LENGTH)
    if spec.completion_mode not in MODES:
        faults.not_supported(f"{path}.completionMode", spec.completion_mode or "", MODES)
    elif spec.completion_mode == "Indexed":
        _check_indexed(faults, spec, path)
    elif spec.backoff_limit_per_index is not None:
        faults.invalid(f"{path}.backoffLimitPerIndex", spec.backoff_limit_per_index, "requires indexed completion mode")
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        faults.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.pod_failure_policy is not None:
        _check_failure_policy(faults, spec, spec.pod_failure_policy, f"{path}.podFailurePolicy")
    if spec.success_policy is not None:
        _check_success_policy(faults, spec, spec.success_policy, f"{path}.successPolicy")
    replaced = spec.pod_replacement_policy
    if replaced is not None:
        known = ("Failed",) if spec.pod_failure_policy is not None else REPLACED
        if replaced not in known:
            faults.not_supported(f"{path}.podReplacementPolicy", replaced, known)
    check_template(faults, spec.template, f"{path}.template")
    _check_restarts(faults, spec, f"{path}.template.spec.restartPolicy")


def _check_restarts(faults: Faults, spec: JobSpec, path: str) -> None:
    policy = spec.template.spec.restart_policy
    if policy in ("", "Always"):
        faults.required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        faults.not_supported(path, policy, ("OnFailure", "Never"))
    elif spec.pod_failure_policy is not None and policy != "Never":
        faults.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _check_indexed(faults: Faults, spec: JobSpec, path: str) -> None:
    if spec.completions is None:
        faults.required(f"{path}.completions", FEW_INDEXES)
    if spec.parallelism is not None and spec.parallelism > MOST_INDEXED:
        words = f"must be less than or equal to {MOST_INDEXED} {FEW_INDEXES}"
        faults.invalid(f"{path}.parallelism", spec.parallelism, words)
    if spec.completions is not None and spec.max_failed_indexes is not None and spec.max_failed_indexes > spec.completions:
        faults.invalid(f"{path}.maxFailedIndexes", spec.max_failed_indexes, "must be less than or equal to completions")
    if (failed := spec.max_failed_indexes) is not None and failed > MOST_FAILED:
        faults.invalid(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {MOST_FAILED}")
    if spec.completions is not None and spec.completions > MANY and spec.backoff_limit_per_index is not None:
        _check_many(faults, spec, path)


def _check_many(faults: Faults, spec: JobSpec, path: str) -> None:
    if spec.max_failed_indexes is None:
        faults.required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {MANY}")
    for name, value in (("parallelism", spec.parallelism), ("maxFailedIndexes", spec.max_failed_indexes)):
        if value is not None and value > MOST_OF_MANY:
            few = f"must be less than or equal to {MOST_OF_MANY} when completions are above {MANY}"
            faults.invalid(f"{path}.{name}", value, f"{few} and used with backoff limit per index")


def _check_failure_policy(faults: Faults, spec: JobSpec, policy: PodFailurePolicy, path: str) -> None:
    if len(policy.rules) > MOST_RULES:
        faults.too_many(f"{path}.rules", len(policy.rules), MOST_RULES)
        return
    for i, rule in enumerate(policy.rules):
        _check_failure_rule(faults, spec, rule, f"{path}.rules[{i}]")


def _check_failure_rule(faults: Faults, spec: JobSpec, rule: PodFailurePolicyRule, path: str) -> None:
    if not rule.action:
        faults.required(f"{path}.action", "valid values: " + ", ".join(f'"{a}"' for a in ACTIONS))
    elif rule.action not in ACTIONS:
        faults.not_supported(f"{path}.action", rule.action, ACTIONS)
    elif rule.action == "FailIndex" and spec.backoff_limit_per_index is None:
        faults.invalid(f"{path}.action", rule.action, "requires the backoffLimitPerIndex to be set")
    if rule.on_exit_codes is not None and rule.on_pod_conditions:
        faults.invalid(path, rule, "specifying both OnExitCodes and OnPodConditions is not supported")
    elif rule.on_exit_codes is None and not rule.on_pod_conditions:
        faults.invalid(path, rule, "specifying one of OnExitCodes and OnPodConditions is required")
    if (codes := rule.on_exit_codes) is not None:
        at = f"{path}.onExitCodes"
        if codes.operator not in ("In", "NotIn"):
            faults.not_supported(f"{at}.operator", codes.operator, ("In", "NotIn"))
        known = {c.name for c in (*spec.template.spec.containers, *spec.template.spec.init_containers)}
        if codes.container_name is not None and codes.container_name not in known:
            words = "must be one of the container or initContainer names in the pod template"
            faults.invalid(f"{at}.containerName", codes.container_name, words)
        if not codes.values:
            faults.invalid(f"{at}.values", codes.values, "at least one value is required")
        elif len(codes.values) > MOST_CODES:
            faults.too_many(f"{at}.values", len(codes.values), MOST_CODES)
        for i, code in enumerate(codes.values):
            if code == 0 and codes.operator == "In":
                faults.invalid(f"{at}.values[{i}]", code, "must not be 0 for the In operator")
            if code in codes.values[:i]:
                faults.duplicate(f"{at}.values[{i}]", code)
    if len(rule.on_pod_conditions) > MOST_PATTERNS:
        faults.too_many(f"{path}.onPodConditions", len(rule.on_pod_conditions), MOST_PATTERNS)
    for i, condition in enumerate(rule.on_pod_conditions):
        at = f"{path}.onPodConditions[{i}]"
        faults.invalid_each(f"{at}.type", condition.type, names.qualified(condition.type))
        if condition.status not in ("False", "True", "Unknown"):
            faults.not_supported(f"{at}.status", condition.status, ("False", "True", "Unknown"))


def _check_success_policy(faults: Faults, spec: JobSpec, policy: SuccessPolicy, path: str) -> None:
    if spec.completion_mode != "Indexed":
        faults.invalid(path, policy, "requires indexed completion mode")
        return
    if not policy.rules:
        faults.required(f"{path}.rules", "at least one rules must be specified when the successPolicy is specified")
    if len(policy.rules) > MOST_RULES:
        faults.too_many(f"{path}.rules", len(policy.rules), MOST_RULES)
    for i, rule in enumerate(policy.rules):
        at = f"{path}.rules[{i}]"
        if rule.succeeded_count is None and rule.succeeded_indexes is None:
            faults.required(at, "at least one of succeededCount or succeededIndexes must be specified")
        if rule.succeeded_indexes is not None:
            _check_indexes(faults, rule.succeeded_indexes, spec.completions, f"{at}.succeededIndexes")
        if (count := rule.succeeded_count) is not None:
            faults.not_negative(f"{at}.succeededCount", count)
            if spec.completions is not None and count > spec.completions:
                words = f"must be less than or equal to {spec.completions} (the number of specified completions)"
                faults.invalid(f"{at}.succeededCount", count, words)


def _check_indexes(faults: Faults, text: str, completions: int | None, path: str) -> None:
    """1,3-5,7: each beyond the one before, and below the completions."""
    if len(text) > INDEXES_LENGTH:
        faults.too_long(path, INDEXES_LENGTH)
        return
    try:
        spans(text, completions)
    except ValueError as error:
        faults.invalid(path, text, f"error parsing succeededIndexes: {error}")
