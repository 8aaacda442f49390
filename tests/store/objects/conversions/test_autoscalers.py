"""Autoscalers in autoscaling/v1 and v2: what goes there comes back, and the annotations are those of Kubernetes."""

import json
from typing import Any

import pytest

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import autoscaling_v1, autoscaling_v2
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest

KIND = BUILTIN.find("autoscaling", "v1", "horizontalpodautoscalers")
TARGET = {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
METRICS: list[dict[str, Any]] = [
    {"type": "Pods", "pods": {"metric": {"name": "sails"}, "target": {"type": "AverageValue", "averageValue": "3"}}},
    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
    {
        "type": "ContainerResource",
        "containerResource": {
            "name": "cpu",
            "container": "c",
            "target": {"type": "Utilization", "averageUtilization": 7},
        },
    },
    {
        "type": "Object",
        "object": {"describedObject": TARGET, "metric": {"name": "wind"}, "target": {"type": "Value", "value": "9"}},
    },
    {
        "type": "External",
        "external": {
            "metric": {"name": "tide", "selector": {"matchLabels": {"a": "b"}}},
            "target": {"type": "Value", "value": "2"},
        },
    },
]


def stored(**spec: Any) -> autoscaling_v2.HorizontalPodAutoscaler:
    status = {
        "desiredReplicas": 2,
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}],
        "conditions": [{"type": "AbleToScale", "status": "True", "reason": "Ready"}],
    }
    body = {"metadata": {"name": "x"}, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec}, "status": status}
    return codec.from_builtins(autoscaling_v2.HorizontalPodAutoscaler, body)[0]


def test_the_cpu_has_a_field_and_the_rest_is_told_in_annotations() -> None:
    assert KIND is not None
    behavior = {"scaleDown": {"selectPolicy": "Max", "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}
    made = stored(metrics=[*METRICS, CPU], behavior=behavior)
    shown = KIND.from_hub(made)
    assert isinstance(shown, autoscaling_v1.HorizontalPodAutoscaler) and shown.api_version == "autoscaling/v1"
    assert (shown.spec.target_cpu_utilization_percentage, shown.status.current_cpu_utilization_percentage) == (50, 40)
    told = {k.rpartition("/")[2]: json.loads(v) for k, v in shown.metadata.annotations.items()}
    assert told["metrics"][0] == {"type": "Pods", "pods": {"metricName": "sails", "targetAverageValue": "3"}}
    assert told["metrics"][4]["external"]["metricSelector"] == {"matchLabels": {"a": "b"}}
    assert told["behavior"]["ScaleDown"]["Policies"] == [{"Type": "Pods", "Value": 1, "PeriodSeconds": 60}]
    assert told["conditions"][0]["reason"] == "Ready" and set(told) == {"metrics", "behavior", "conditions", "current-metrics"}
    assert KIND.to_hub(shown) == made


def test_one_of_the_old_version_alone() -> None:
    assert KIND is not None
    old = autoscaling_v1.HorizontalPodAutoscaler(
        spec=autoscaling_v1.HorizontalPodAutoscalerSpec(max_replicas=2, target_cpu_utilization_percentage=60)
    )
    (metric,) = KIND.to_hub(old).spec.metrics
    assert metric.resource.target.average_utilization == 60
    assert KIND.from_hub(KIND.to_hub(old)) == old


@pytest.mark.parametrize("text", ["[", "[1]", '[{"type":"Wind"}]', '{"a":1}'])
def test_annotations_that_cannot_be_read_are_refused(text: str) -> None:
    assert KIND is not None
    meta = {"name": "x", "annotations": {"autoscaling.alpha.kubernetes.io/metrics": text}}
    old, _ = codec.from_builtins(autoscaling_v1.HorizontalPodAutoscaler, {"metadata": meta})
    with pytest.raises(BadRequest, match="annotation"):
        KIND.to_hub(old)
