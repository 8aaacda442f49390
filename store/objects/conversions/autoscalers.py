"""autoscaling/v1 HorizontalPodAutoscaler: how busy the CPU is has a field there, and all else stands in annotations.

Source: the API reference of both versions, and what Kubernetes writes into the annotations.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.store.objects.types import autoscaling_v1 as v1
from shipslog.store.objects.types import autoscaling_v2 as v2
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest

FIELDS: dict[str, str] = {}
PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, BEHAVIOR = f"{PREFIX}metrics", f"{PREFIX}behavior"
CURRENT, CONDITIONS = f"{PREFIX}current-metrics", f"{PREFIX}conditions"
SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}


def to_hub(scaler: v1.HorizontalPodAutoscaler) -> v2.HorizontalPodAutoscaler:
    """As it is stored. Errors: BadRequest for an annotation that cannot be read."""
    spec, status, annotations = scaler.spec, scaler.status, dict(scaler.metadata.annotations)
    others = _read(annotations.pop(METRICS, ""), lambda given: [metric_of(m, "target", v2.MetricSpec) for m in given])
    percent = spec.target_cpu_utilization_percentage
    cpu = () if percent is None else (_of_cpu(percent),)
    current = _read(annotations.pop(CURRENT, ""), lambda given: [metric_of(m, "current", v2.MetricStatus) for m in given])
    now = status.current_cpu_utilization_percentage
    if not current and now is not None:
        held = v2.ResourceMetricStatus(name="cpu", current=v2.MetricValueStatus(average_utilization=now))
        current = [v2.MetricStatus(type="Resource", resource=held)]
    behavior = behavior_of(annotations.pop(BEHAVIOR, ""))
    conditions = _read(
        annotations.pop(CONDITIONS, ""), lambda given: [made(v2.HorizontalPodAutoscalerCondition, c) for c in given]
    )
    return v2.HorizontalPodAutoscaler(
        metadata=replace(scaler.metadata, annotations=annotations),
        spec=v2.HorizontalPodAutoscalerSpec(
            scale_target_ref=_reference(spec.scale_target_ref, v2.CrossVersionObjectReference),
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            metrics=(*(others or ()), *cpu),
            behavior=behavior,
        ),
        status=v2.HorizontalPodAutoscalerStatus(
            observed_generation=status.observed_generation,
            last_scale_time=status.last_scale_time,
            current_replicas=status.current_replicas,
            desired_replicas=status.desired_replicas,
            current_metrics=tuple(current or ()),
            conditions=tuple(conditions or ()),
        ),
    )


def from_hub(scaler: v2.HorizontalPodAutoscaler) -> v1.HorizontalPodAutoscaler:
    """As autoscaling/v1 shows it."""
    spec, status, annotations = scaler.spec, scaler.status, dict(scaler.metadata.annotations)
    target = next((p for m in spec.metrics if (p := _cpu_target(m)) is not None), None)
    if others := [m for m in spec.metrics if _cpu_target(m) is None]:
        annotations[METRICS] = _text([flat_of(m, "target") for m in others])
    if spec.behavior is not None:
        annotations[BEHAVIOR] = _text(renamed(codec.to_builtins(spec.behavior), str.upper))
    if status.current_metrics:
        annotations[CURRENT] = _text([flat_of(m, "current") for m in status.current_metrics])
    if status.conditions:
        annotations[CONDITIONS] = _text([codec.to_builtins(c) for c in status.conditions])
    return v1.HorizontalPodAutoscaler(
        metadata=replace(scaler.metadata, annotations=annotations),
        spec=v1.HorizontalPodAutoscalerSpec(
            scale_target_ref=_reference(spec.scale_target_ref, v1.CrossVersionObjectReference),
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            target_cpu_utilization_percentage=target,
        ),
        status=v1.HorizontalPodAutoscalerStatus(
            observed_generation=status.observed_generation,
            last_scale_time=status.last_scale_time,
            current_replicas=status.current_replicas,
            desired_replicas=status.desired_replicas,
            current_cpu_utilization_percentage=_cpu_now(status.current_metrics),
        ),
    )


# --- the CPU ---


def _of_cpu(percent: int) -> v2.MetricSpec:
    target = v2.MetricTarget(type="Utilization", average_utilization=percent)
    return v2.MetricSpec(type="Resource", resource=v2.ResourceMetricSource(name="cpu", target=target))


def _cpu_target(metric: v2.MetricSpec) -> int | None:
    """The percentage of the CPU that a metric is about; None for one about something else."""
    source = metric.resource
    return source.target.average_utilization if metric.type == "Resource" and source and source.name == "cpu" else None


def _cpu_now(metrics: Sequence[v2.MetricStatus]) -> int | None:
    found = (m.resource for m in metrics if m.type == "Resource" and m.resource is not None and m.resource.name == "cpu")
    return next((r.current.average_utilization for r in found), None)


# --- metrics in annotations: what v2 has in `metric` and `target` (or `current`) stands flat there ---


def flat_of(metric: v2.MetricSpec | v2.MetricStatus, part: str) -> dict[str, Any]:
    """A metric as an annotation has it."""
    given = codec.to_builtins(metric)
    kind = given["type"]
    name = SOURCES.get(kind, "")
    source = given.get(name, {})
    values, identifier = source.get(part, {}), source.get("metric", {})
    flat = {"name": source.get("name"), "container": source.get("container"), "metricName": identifier.get("name")}
    flat["metricSelector" if kind == "External" else "selector"] = identifier.get("selector")
    flat["target"] = source.get("describedObject")
    for field in ("value", "averageValue", "averageUtilization"):
        flat[_flat(kind, part, field)] = values.get(field)
    if kind == "Object" and flat[f"{part}Value"] is None:
        flat[f"{part}Value"] = "0"  # no pointer there
    return {"type": kind, name: {key: value for key, value in flat.items() if value is not None}}


def metric_of(given: Mapping[str, Any], part: str, struct: type[Any]) -> Any:
    """A metric that an annotation tells of."""
    kind = given["type"]
    name = SOURCES[kind]
    flat = given[name]
    values = {
        field: value
        for field in ("value", "averageValue", "averageUtilization")
        if (value := flat.get(_flat(kind, part, field))) is not None
    }
    if kind == "Object" and "averageValue" in values:
        values.pop("value", None)
    if part == "target":
        values["type"] = (
            "Utilization" if "averageUtilization" in values else "AverageValue" if "averageValue" in values else "Value"
        )
    source: dict[str, Any] = {part: values, **{key: flat[key] for key in ("name", "container") if key in flat}}
    if "metricName" in flat:
        chosen = flat.get("metricSelector" if kind == "External" else "selector")
        source["metric"] = {"name": flat["metricName"], **({"selector": chosen} if chosen is not None else {})}
    if "target" in flat and kind == "Object":
        source["describedObject"] = flat["target"]
    return made(struct, {"type": kind, name: source})


def _flat(kind: str, part: str, field: str) -> str:
    """targetAverageValue; of an object plain averageValue."""
    return field if kind == "Object" and field == "averageValue" else part + field[0].upper() + field[1:]


# --- texts ---


def behavior_of(text: str) -> v2.HorizontalPodAutoscalerBehavior | None:
    """The behavior that an annotation tells of. Errors: BadRequest."""
    found: v2.HorizontalPodAutoscalerBehavior | None = _read(
        text, lambda given: made(v2.HorizontalPodAutoscalerBehavior, renamed(given, str.lower))
    )
    return found


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str, make: Callable[[Any], Any]) -> Any:
    """What an annotation tells; None without one. Errors: BadRequest."""
    if not text:
        return None
    try:
        return make(msgspec.json.decode(text))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequest(f"an annotation of the autoscaler cannot be read: {error}") from error


def made(struct: type[Any], value: Any) -> Any:
    made, _ = codec.from_builtins(struct, value, validation="Ignore")
    return made


def renamed(value: Any, case: Callable[[str], str]) -> Any:
    """The value with the first letter of every key in upper or lower case: behaviors stand there as Go names their fields."""
    if isinstance(value, dict):
        return {case(key[:1]) + key[1:]: renamed(inner, case) for key, inner in value.items()}
    return [renamed(inner, case) for inner in value] if isinstance(value, list) else value


def _reference(of: v1.CrossVersionObjectReference | v2.CrossVersionObjectReference, struct: type[Any]) -> Any:
    return struct(kind=of.kind, name=of.name, api_version=of.api_version)
