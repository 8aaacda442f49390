"""Autoscalers: what is measured, how fast is scaled, and what the table says."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec}}


def test_it_is_completed(world: Any) -> None:
    made = world.create(
        "horizontalpodautoscalers",
        body(
            behavior={
                "scaleDown": {
                    "policies": [
                        {"type": "Pods", "value": 1, "periodSeconds": 60},
                    ]
                }
            }
        ),
    )
    (metric,) = made.spec.metrics
    assert (made.spec.min_replicas, metric.resource.name, metric.resource.target.average_utilization) == (1, "cpu", 80)
    up, down = made.spec.behavior.scale_up, made.spec.behavior.scale_down
    assert (up.stabilization_window_seconds, len(up.policies)) == (0, 2)
    assert (down.stabilization_window_seconds, down.select_policy, len(down.policies)) == (None, "Max", 1)
    cells = strategy_of("horizontalpodautoscalers.autoscaling").cells(made, NOW_NS)
    assert cells == ["x", "Deployment/x", "cpu: <unknown>/80%", "1", 3, 0, "0s"]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"maxReplicas": 0}, {"Invalid spec.maxReplicas"}),
        ({"minReplicas": 4}, {"Invalid spec.maxReplicas"}),
        ({"minReplicas": 0}, {"Invalid spec.minReplicas"}),
        ({"scaleTargetRef": {"kind": "Deployment"}}, {"Required spec.scaleTargetRef.name"}),
        ({"metrics": [{"type": "Resource"}]}, {"Required spec.metrics[0].resource"}),
        ({"metrics": [{"type": "Any"}]}, {"NotSupported spec.metrics[0].type"}),
        ({"metrics": [{**CPU, "pods": {"metric": {"name": "a"}, "target": {}}}]}, {"Forbidden spec.metrics[0].pods"}),
        (
            {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]},
            {"Required spec.metrics[0].resource.target.averageUtilization"},
        ),
        ({"behavior": {"scaleUp": {"selectPolicy": "Any"}}}, {"NotSupported spec.behavior.scaleUp.selectPolicy"}),
        (
            {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 3601}}},
            {"Invalid spec.behavior.scaleDown.stabilizationWindowSeconds"},
        ),
    ],
)
def test_what_may_not_be_asked_for(world: Any, refused: Any, spec: dict[str, Any], wrong: set[str]) -> None:
    assert refused(world.create, "horizontalpodautoscalers", body(**spec)) == {f"FieldValue{w}" for w in wrong}
