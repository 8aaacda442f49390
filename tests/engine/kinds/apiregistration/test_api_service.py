"""API services: what they mean where they say nothing, what they may not say, and how they are shown."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

SERVICE = {"namespace": "ns", "name": "s"}


def body(name: str = "v1.a.example", **parts: Any) -> dict[str, Any]:
    usual = {"group": "a.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}
    return {"metadata": {"name": name}, "spec": {**usual, **parts}}


def test_one_of_this_server_is_available_at_once(world: Any) -> None:
    made = world.create("apiservices", body())
    (said,) = made.status.conditions
    assert (said.type, said.status, said.reason) == ("Available", "True", "Local")
    cells = strategy_of("apiservices.apiregistration.k8s.io").cells
    assert cells(made, NOW_NS) == ["v1.a.example", "Local", "True", "0s"]


def test_one_behind_a_service_waits_to_be_found_available(world: Any) -> None:
    made = world.create("apiservices", body(service=SERVICE))
    cells = strategy_of("apiservices.apiregistration.k8s.io").cells
    assert made.spec.service.port == 443
    assert cells(made, NOW_NS) == ["v1.a.example", "ns/s", "Unknown", "0s"]
    missing = {"type": "Available", "status": "False", "reason": "MissingEndpoints"}
    told = world.change(made, "status", status={"conditions": [missing]}, spec={"versionPriority": 20})
    assert cells(told, NOW_NS)[2] == "False (MissingEndpoints)" and told.spec.version_priority == 10
    kept = world.change(told, spec={"versionPriority": 20}, status={"conditions": []})
    assert kept.spec.version_priority == 20 and kept.status == told.status


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (body("other"), "Invalid metadata.name"),
        (body("v2.", group="", version="v2"), "Required spec.group"),
        (body("v1.A", group="A"), "Invalid spec.group"),
        (body("V1.a.example", version="V1"), "Invalid spec.version"),
        (body(groupPriorityMinimum=0), "Invalid spec.groupPriorityMinimum"),
        (body(groupPriorityMinimum=20001), "Invalid spec.groupPriorityMinimum"),
        (body(versionPriority=1001), "Invalid spec.versionPriority"),
        (body(caBundle="eA=="), "Invalid spec.caBundle"),
        (body(insecureSkipTLSVerify=True), "Invalid spec.insecureSkipTLSVerify"),
        (body(service={"name": "s"}), "Required spec.service.namespace"),
        (body(service={"namespace": "ns"}), "Required spec.service.name"),
        (body(service={**SERVICE, "port": 70000}), "Invalid spec.service.port"),
        (body(service=SERVICE, caBundle="eA==", insecureSkipTLSVerify=True), "Invalid spec.insecureSkipTLSVerify"),
    ],
)
def test_what_an_api_service_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "apiservices", wrong) == {f"FieldValue{cause}"}


def test_a_condition_is_true_false_or_unknown(world: Any, refused: Any) -> None:
    made = world.create("apiservices", body())
    wrong = {"conditions": [{"type": "Available", "status": "Perhaps"}]}
    assert refused(world.change, made, "status", status=wrong) == {"FieldValueNotSupported status.conditions[0].status"}
