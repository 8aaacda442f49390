"""The quality of service of a pod, as Kubernetes' ComputePodQOS says it."""

from typing import Any

import msgspec
import pytest

from shipslog.store.objects.pods import qos_class
from shipslog.store.objects.types.core_v1 import PodSpec

FULL = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}
ONLY_LIMITS = {"limits": FULL["limits"]}


@pytest.mark.parametrize(
    ("containers", "init", "of_pod", "wanted"),
    [
        pytest.param([{}, {}], [], None, "BestEffort", id="nothing"),
        pytest.param([{"limits": {"example.com/x": "1"}}], [], None, "BestEffort", id="only other resources"),
        pytest.param([{"requests": {"cpu": "0", "memory": "0"}}], [], None, "BestEffort", id="zero is nothing"),
        pytest.param([FULL], [], None, "Guaranteed", id="requests are limits"),
        pytest.param([{**FULL, "requests": {**FULL["requests"], "example.com/x": "2"}}], [], None, "Guaranteed", id="others"),
        pytest.param([ONLY_LIMITS], [], None, "Burstable", id="limits that nobody has made requests of"),
        pytest.param([FULL, {}], [], None, "Burstable", id="one container without"),
        pytest.param([FULL], [{}], None, "Burstable", id="an init container without"),
        pytest.param([FULL], [FULL], None, "Guaranteed", id="an init container with"),
        pytest.param([{}], [{"requests": {"cpu": "1"}}], None, "Burstable", id="only an init container asks"),
        pytest.param([{"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}], [], None, "Burstable", id="no memory"),
        pytest.param([{**FULL, "requests": {"cpu": "500m", "memory": "1Gi"}}], [], None, "Burstable", id="less than the limit"),
        pytest.param([{"requests": {"cpu": "1u"}}], [], None, "Burstable", id="very little"),
        pytest.param([{}], [], FULL, "Guaranteed", id="the pod's own, containers silent"),
        pytest.param([{"requests": {"cpu": "1"}}], [], FULL, "Guaranteed", id="the pod's own come before its containers'"),
        pytest.param([FULL], [], {"requests": {"cpu": "2"}}, "Burstable", id="the pod's own without limits"),
        pytest.param([FULL], [], {}, "BestEffort", id="the pod's own, which say nothing"),
    ],
)
def test_quality_of_service(containers: list[Any], init: list[Any], of_pod: Any, wanted: str) -> None:
    def named(several: list[Any]) -> list[Any]:
        return [{"name": f"c{i}", "image": "x", "resources": r} for i, r in enumerate(several)]

    body = {"containers": named(containers), "initContainers": named(init), "resources": of_pod}
    assert qos_class(msgspec.convert(body, PodSpec)) == wanted
