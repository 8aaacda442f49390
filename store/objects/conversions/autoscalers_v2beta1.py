"""Autoscalers of autoscaling/v2beta1: each metric has its targets beside its name, and the behavior stands in an annotation.

Source: pkg/apis/autoscaling/v2beta1 (conversion) of Kubernetes 1.24.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.store.objects.types import autoscaling_v2 as v2
from shipslog.store.objects.types import autoscaling_v2beta1 as old
from shipslog.store.objects.wire import codec

from .autoscalers import BEHAVIOR, behavior_of, flat_of, made, metric_of, renamed
from .copies import copied

FIELDS: dict[str, str] = {}


def to_hub(scaler: old.HorizontalPodAutoscaler) -> v2.HorizontalPodAutoscaler:
    """As it is stored. Errors: BadRequest for an annotation that cannot be read."""
    annotations = dict(scaler.metadata.annotations)
    behavior = behavior_of(annotations.pop(BEHAVIOR, ""))
    metrics = tuple(_to_hub(metric, "target", v2.MetricSpec) for metric in scaler.spec.metrics)
    now = tuple(_to_hub(metric, "current", v2.MetricStatus) for metric in scaler.status.current_metrics)
    return v2.HorizontalPodAutoscaler(
        metadata=replace(scaler.metadata, annotations=annotations),
        spec=copied(scaler.spec, v2.HorizontalPodAutoscalerSpec, metrics=metrics, behavior=behavior),
        status=copied(scaler.status, v2.HorizontalPodAutoscalerStatus, current_metrics=now),
    )


def _to_hub(metric: old.MetricSpec | old.MetricStatus, part: str, struct: type[Any]) -> Any:
    """A metric as v2 has it; of one that does not say what it says it is, its type alone, which validation refuses."""
    try:
        return metric_of(codec.to_builtins(metric), part, struct)
    except KeyError:
        return struct(type=metric.type)


def from_hub(scaler: v2.HorizontalPodAutoscaler) -> old.HorizontalPodAutoscaler:
    """As v2beta1 shows it."""
    annotations = dict(scaler.metadata.annotations)
    if scaler.spec.behavior is not None:
        behavior = renamed(codec.to_builtins(scaler.spec.behavior), str.upper)
        annotations[BEHAVIOR] = msgspec.json.encode(behavior).decode()
    metrics = tuple(made(old.MetricSpec, flat_of(metric, "target")) for metric in scaler.spec.metrics)
    now = tuple(made(old.MetricStatus, flat_of(metric, "current")) for metric in scaler.status.current_metrics)
    return old.HorizontalPodAutoscaler(
        metadata=replace(scaler.metadata, annotations=annotations),
        spec=copied(scaler.spec, old.HorizontalPodAutoscalerSpec, metrics=metrics),
        status=copied(scaler.status, old.HorizontalPodAutoscalerStatus, current_metrics=now),
    )
