"""Autoscalers: how many replicas something is to have, by what is measured of its pods."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.autoscaling_v2 import (
    CrossVersionObjectReference,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricIdentifier,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    ResourceMetricSource,
)
from shipslog.store.objects.values import quantity

CPU_PERCENT = 80
SOURCES = ("ContainerResource", "External", "Object", "Pods", "Resource")
ATTRIBUTES = {
    "ContainerResource": "container_resource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
FIELDS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
TARGETS = ("AverageValue", "Utilization", "Value")
SELECTS, POLICY_TYPES = ("Disabled", "Max", "Min"), ("Percent", "Pods")
LONGEST_PERIOD_S, LONGEST_WINDOW_S = 1800, 3600
UP = HPAScalingRules(
    stabilization_window_seconds=0,
    select_policy="Max",
    policies=(
        HPAScalingPolicy(type="Pods", value=4, period_seconds=15),
        HPAScalingPolicy(type="Percent", value=100, period_seconds=15),
    ),
)
DOWN = HPAScalingRules(select_policy="Max", policies=(HPAScalingPolicy(type="Percent", value=100, period_seconds=15),))


class HorizontalPodAutoscalerRules(WithSpec):
    about = "Says how many replicas something is to have, by what is measured of its pods."
    counts = False
    columns = (
        NAME,
        Column("Reference", "What is scaled."),
        Column("Targets", "What is measured, and what it shall be."),
        Column("MinPods", "The fewest replicas."),
        Column("MaxPods", "The most replicas.", "integer"),
        Column("Replicas", "How many replicas there are.", "integer"),
        AGE,
    )

    def cells(self, obj: HorizontalPodAutoscaler, now_ns: int) -> list[Any]:
        spec, status = obj.spec, obj.status
        least = "<unset>" if spec.min_replicas is None else str(spec.min_replicas)
        reference = f"{spec.scale_target_ref.kind}/{spec.scale_target_ref.name}"
        targets = _targets(spec.metrics, status.current_metrics)
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, reference, targets, least, spec.max_replicas, status.current_replicas, created]

    def default(self, obj: HorizontalPodAutoscaler) -> HorizontalPodAutoscaler:
        spec = obj.spec
        metrics = spec.metrics
        if not metrics:
            target = MetricTarget(type="Utilization", average_utilization=CPU_PERCENT)
            metrics = (MetricSpec(type="Resource", resource=ResourceMetricSource(name="cpu", target=target)),)
        behavior = spec.behavior
        if behavior is not None:
            behavior = replace(
                behavior,
                scale_up=_default_rules(behavior.scale_up, UP),
                scale_down=_default_rules(behavior.scale_down, DOWN),
            )
        least = 1 if spec.min_replicas is None else spec.min_replicas
        return replace(obj, spec=replace(spec, min_replicas=least, metrics=metrics, behavior=behavior))

    def check(self, faults: Faults, obj: HorizontalPodAutoscaler) -> None:
        check_autoscaler_spec(faults, obj.spec)

    def check_status(self, faults: Faults, old: HorizontalPodAutoscaler, new: HorizontalPodAutoscaler) -> None:
        status = new.status
        faults.not_negative("status.currentReplicas", status.current_replicas)
        faults.not_negative("status.desiredReplicas", status.desired_replicas)


def _default_rules(rules: HPAScalingRules | None, usual: HPAScalingRules) -> HPAScalingRules:
    """The usual rules, and what of them is said otherwise."""
    if rules is None:
        return usual
    window = rules.stabilization_window_seconds
    return replace(
        rules,
        stabilization_window_seconds=usual.stabilization_window_seconds if window is None else window,
        select_policy=rules.select_policy or usual.select_policy,
        policies=rules.policies or usual.policies,
    )


# --- checks ---


def check_autoscaler_spec(faults: Faults, spec: HorizontalPodAutoscalerSpec) -> None:
    least = spec.min_replicas
    floor = 0 if any(m.type in ("Object", "External") for m in spec.metrics) else 1
    if least is not None and least < 1:  # none at all needs a metric that is there without pods, and its gate
        faults.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if spec.max_replicas < 1:
        faults.invalid("spec.maxReplicas", spec.max_replicas, "must be greater than 0")
    if least is not None and spec.max_replicas < max(least, floor):
        faults.invalid("spec.maxReplicas", spec.max_replicas, "must be greater than or equal to `minReplicas`")
    check_reference(faults, spec.scale_target_ref, "spec.scaleTargetRef")
    _check_metrics(faults, spec.metrics, "spec.metrics")
    if spec.behavior is not None:
        _check_behavior(faults, spec.behavior, "spec.behavior")


def check_reference(faults: Faults, reference: CrossVersionObjectReference, path: str) -> None:
    for field, value in (("kind", reference.kind), ("name", reference.name)):
        if not value:
            faults.required(f"{path}.{field}")
        else:
            faults.invalid_each(f"{path}.{field}", value, names.path_segment(value))
    group, slash, version = reference.api_version.rpartition("/")
    if "/" in group or (slash and not version):
        faults.invalid(f"{path}.apiVersion", reference.api_version, f"unexpected GroupVersion string: {reference.api_version}")
    elif group and (messages := names.subdomain(group)):
        faults.invalid_each(f"{path}.apiVersion", reference.api_version, messages)


def _check_metrics(faults: Faults, metrics: Sequence[MetricSpec], path: str) -> None:
    for i, metric in enumerate(metrics):
        at = f"{path}[{i}]"
        if not metric.type:
            faults.required(f"{at}.type", "must specify a metric source type")
            continue
        if metric.type not in SOURCES:
            faults.not_supported(f"{at}.type", metric.type, SOURCES)
            continue
        given = [name for name in SOURCES if getattr(metric, ATTRIBUTES[name]) is not None]
        if metric.type not in given:
            faults.required(f"{at}.{FIELDS[metric.type]}", "must populate information for the given metric source")
        for name in given:
            if name != metric.type:
                words = "must populate the given metric source only"
                faults.forbidden(f"{at}.{FIELDS[name]}", words)
        if metric.type in given:
            _check_source(faults, metric, f"{at}.{FIELDS[metric.type]}")


def _check_source(faults: Faults, metric: MetricSpec, path: str) -> None:
    if metric.type == "Object" and metric.object is not None:
        check_reference(faults, metric.object.described_object, f"{path}.describedObject")
        _check_identifier(faults, metric.object.metric, f"{path}.metric")
        _check_target(faults, metric.object.target, f"{path}.target", ("value", "averageValue"))
    elif metric.type == "External" and metric.external is not None:
        _check_identifier(faults, metric.external.metric, f"{path}.metric")
        _check_target(faults, metric.external.target, f"{path}.target", ("value", "averageValue"))
        if metric.external.target.value is not None and metric.external.target.average_value is not None:
            words = "may not set both a target value for metric and a per-pod target"
            faults.forbidden(f"{path}.target.value", words)
    elif metric.type == "Pods" and metric.pods is not None:
        _check_identifier(faults, metric.pods.metric, f"{path}.metric")
        _check_target(faults, metric.pods.target, f"{path}.target", ("averageValue",))
    elif metric.type in ("Resource", "ContainerResource"):
        source = metric.resource if metric.type == "Resource" else metric.container_resource
        assert source is not None
        if (
            metric.container_resource is not None
            and metric.type == "ContainerResource"
            and not metric.container_resource.container
        ):
            faults.required(f"{path}.container", "must specify a container")
        if not source.name:
            faults.required(f"{path}.name", "must specify a resource name")
        target = source.target
        _check_target(faults, target, f"{path}.target", ("averageUtilization", "averageValue"))
        if target.average_utilization is not None and target.average_value is not None:
            words = "may not set both a target raw value and a target utilization"
            faults.forbidden(f"{path}.target.averageValue", words)


def _check_identifier(faults: Faults, metric: MetricIdentifier, path: str) -> None:
    if not metric.name:
        faults.required(f"{path}.name", "must specify a metric name")
    else:
        faults.invalid_each(f"{path}.name", metric.name, names.path_segment(metric.name))
    check_label_selector(faults, metric.selector, f"{path}.selector")


def _check_target(faults: Faults, target: MetricTarget, path: str, one_of: tuple[str, ...]) -> None:
    if not target.type:
        faults.required(f"{path}.type", "must specify a metric target type")
    elif target.type not in TARGETS:
        faults.invalid(f"{path}.type", target.type, "must be either Utilization, Value, or AverageValue")
    for field, amount in (("value", target.value), ("averageValue", target.average_value)):
        if amount is not None and quantity.milli(str(amount)) <= 0:
            faults.invalid(f"{path}.{field}", str(amount), "must be positive")
    percent = target.average_utilization
    if percent is not None and percent < 1:
        faults.invalid(f"{path}.averageUtilization", percent, "must be greater than 0")
    amounts = {"value": target.value, "averageValue": target.average_value, "averageUtilization": percent}
    if all(amounts[field] is None for field in one_of):
        words = {
            ("value", "averageValue"): "must set either a target value for metric or a per-pod target",
            ("averageValue",): "must specify a positive target averageValue",
            ("averageUtilization", "averageValue"): "must set either a target raw value or a target utilization",
        }[one_of]
        faults.required(f"{path}.{one_of[0]}", words)


def _check_behavior(faults: Faults, behavior: HorizontalPodAutoscalerBehavior, path: str) -> None:
    for field, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down)):
        if rules is None:
            continue
        at = f"{path}.{field}"
        window = rules.stabilization_window_seconds
        if window is not None and window < 0:
            faults.invalid(f"{at}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
        if window is not None and window > LONGEST_WINDOW_S:
            words = f"must be less than or equal to {LONGEST_WINDOW_S}"
            faults.invalid(f"{at}.stabilizationWindowSeconds", window, words)
        if rules.select_policy is not None and rules.select_policy not in SELECTS:
            faults.not_supported(f"{at}.selectPolicy", rules.select_policy, SELECTS)
        if not rules.policies:
            faults.required(f"{at}.policies", "must specify at least one Policy")
        for i, policy in enumerate(rules.policies):
            _check_policy(faults, policy, f"{at}.policies[{i}]")
        if rules.tolerance is not None and quantity.milli(str(rules.tolerance)) < 0:
            faults.invalid(f"{at}.tolerance", str(rules.tolerance), "must be greater than or equal to 0")


def _check_policy(faults: Faults, policy: HPAScalingPolicy, path: str) -> None:
    if policy.type not in POLICY_TYPES:
        faults.not_supported(f"{path}.type", policy.type, POLICY_TYPES)
    if policy.value <= 0:
        faults.invalid(f"{path}.value", policy.value, "must be greater than zero")
    if policy.period_seconds <= 0:
        faults.invalid(f"{path}.periodSeconds", policy.period_seconds, "must be greater than zero")
    if policy.period_seconds > LONGEST_PERIOD_S:
        words = f"must be less than or equal to {LONGEST_PERIOD_S}"
        faults.invalid(f"{path}.periodSeconds", policy.period_seconds, words)


# --- its table ---


def _targets(metrics: Sequence[MetricSpec], found: Sequence[MetricStatus]) -> str:
    """cpu: 40%/80%, and how many more there are."""
    if not metrics:
        return "<none>"
    shown = [_target(metric, found[i] if i < len(found) else None) for i, metric in enumerate(metrics[:2])]
    more = len(metrics) - len(shown)
    return ", ".join(shown) + (f" + {more} more..." if more > 0 else "")


def _target(metric: MetricSpec, status: MetricStatus | None) -> str:
    attribute = ATTRIBUTES.get(metric.type, "")
    source = getattr(metric, attribute, None)
    if source is None:
        return "<unknown type>"
    held = getattr(status, attribute, None) if status is not None else None
    target, now = source.target, held.current if held is not None else None
    name = f"{source.name}: " if metric.type in ("Resource", "ContainerResource") else ""
    if target.average_utilization is not None:
        current = "<unknown>" if now is None or now.average_utilization is None else f"{now.average_utilization}%"
        return f"{name}{current}/{target.average_utilization}%"
    if target.average_value is not None:
        current = "<unknown>" if now is None or now.average_value is None else str(now.average_value)
        return f"{name}{current}/{target.average_value}{' (avg)' if metric.type in ('Object', 'External') else ''}"
    current = "<unknown>" if now is None or now.value is None else str(now.value)
    return f"{name}{current}/{target.value if target.value is not None else '<auto>'}"


STRATEGY = HorizontalPodAutoscalerRules()
