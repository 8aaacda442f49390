"""Devices: what claims, classes, slices and taint rules mean where they say nothing, and what they may not say."""

import copy
from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.store.refusals import Refusal
from tests.engine.kinds.conftest import NOW_NS

EXACTLY = {"name": "gpu", "exactly": {"deviceClassName": "gpu.example"}}
OPAQUE = {"opaque": {"driver": "gpu.example", "parameters": {"a": 1}}}
DEVICE: dict[str, Any] = {"name": "gpu-0", "attributes": {"model": {"string": "x"}}, "capacity": {"memory": {"value": "8Gi"}}}
NOW = "2027-01-15T08:00:00Z"


def claim(*requests: Any, **devices: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "spec": {"devices": {"requests": list(requests or (EXACTLY,)), **devices}}}


def slice_(*devices: Any, **parts: Any) -> dict[str, Any]:
    pool = {"name": "node-1", "generation": 1, "resourceSliceCount": 1}
    usual: dict[str, Any] = {"driver": "gpu.example", "pool": pool, "nodeName": "node-1", "devices": list(devices or (DEVICE,))}
    return {"metadata": {"name": "s"}, "spec": {**usual, **parts}}


def with_(path: str, value: Any, of: Any = DEVICE) -> Any:
    """A copy with one part changed."""
    made = copy.deepcopy(of)
    *steps, last = path.split(".")
    held = made
    for step in steps:
        held = held[step]
    held[last] = value
    return made


def test_a_request_is_for_one_device(world: Any) -> None:
    tolerant = {"tolerations": [{"key": "a"}], "deviceClassName": "b.example", "allocationMode": "All"}
    made = world.create("resourceclaims", claim(EXACTLY, {"name": "any", "firstAvailable": [{"name": "x", **tolerant}]}))
    first, second = made.spec.devices.requests
    assert (first.exactly.allocation_mode, first.exactly.count) == ("ExactCount", 1)
    (alternative,) = second.first_available
    assert (alternative.allocation_mode, alternative.count, alternative.tolerations[0].operator) == ("All", 0, "Equal")
    cells = strategy_of("resourceclaims.resource.k8s.io").cells
    assert cells(made, NOW_NS) == ["c", "pending", "0s"]


@pytest.mark.parametrize(
    ("wrong", "causes"),
    [
        (claim({"name": "A", **EXACTLY} | {"name": "A"}), {"Invalid spec.devices.requests[0].name"}),
        (claim({"name": "a"}), {"Required spec.devices.requests[0]"}),
        (
            claim({**EXACTLY, "firstAvailable": [{"name": "x", "deviceClassName": "y"}]}),
            {"Invalid spec.devices.requests[0]"},
        ),
        (claim(EXACTLY, EXACTLY), {"Duplicate spec.devices.requests[1]"}),
        (claim(*({**EXACTLY, "name": f"r{i}"} for i in range(33))), {"TooMany spec.devices.requests"}),
        (
            claim({"name": "a", "exactly": {"deviceClassName": ""}}),
            {"Required spec.devices.requests[0].exactly.deviceClassName"},
        ),
        (
            claim({"name": "a", "exactly": {"deviceClassName": "c", "count": -1}}),
            {"Invalid spec.devices.requests[0].exactly.count"},
        ),
        (
            claim({"name": "a", "exactly": {"deviceClassName": "c", "allocationMode": "All", "count": 2}}),
            {"Invalid spec.devices.requests[0].exactly.count"},
        ),
        (
            claim({"name": "a", "exactly": {"deviceClassName": "c", "allocationMode": "Some"}}),
            {"NotSupported spec.devices.requests[0].exactly.allocationMode"},
        ),
        (
            claim({"name": "a", "exactly": {"deviceClassName": "c", "selectors": [{}]}}),
            {"Required spec.devices.requests[0].exactly.selectors[0].cel"},
        ),
        (
            claim({"name": "a", "exactly": {"deviceClassName": "c", "tolerations": [{"operator": "Exists", "value": "v"}]}}),
            {"Invalid spec.devices.requests[0].exactly.tolerations[0].value"},
        ),
        (claim(constraints=[{}]), {"Required spec.devices.constraints[0]"}),
        (claim(constraints=[{"matchAttribute": "bare"}]), {"Invalid spec.devices.constraints[0].matchAttribute"}),
        (
            claim(constraints=[{"requests": ["other"], "distinctAttribute": "a.example/b"}]),
            {"Invalid spec.devices.constraints[0].requests[0]"},
        ),
        (claim(config=[{}]), {"Required spec.devices.config[0].opaque"}),
        (
            claim(config=[{"opaque": {"driver": "d.example", "parameters": [1]}}]),
            {"Invalid spec.devices.config[0].opaque.parameters"},
        ),
        (
            claim(config=[{"opaque": {"driver": "d.example", "parameters": {"a": "x" * 10240}}}]),
            {"TooLong spec.devices.config[0].opaque.parameters"},
        ),
    ],
)
def test_what_a_claim_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], causes: set[str]) -> None:
    assert refused(world.create, "resourceclaims", wrong) == {f"FieldValue{cause}" for cause in causes}
    template = {"metadata": {"name": "t"}, "spec": {"spec": wrong["spec"]}}
    wanted = {f"FieldValue{cause.replace('spec.devices', 'spec.spec.devices')}" for cause in causes}
    assert refused(world.create, "resourceclaimtemplates", template) == wanted


def test_what_a_claim_asks_for_stays(world: Any, refused: Any) -> None:
    made = world.create("resourceclaims", claim())
    assert refused(world.change, made, spec={"devices": {"config": [OPAQUE]}}) == {"FieldValueInvalid spec"}
    template = world.create("resourceclaimtemplates", {"metadata": {"name": "t"}, "spec": {"spec": claim()["spec"]}})
    assert template.spec.spec.devices.requests[0].exactly.count == 1
    assert refused(world.change, template, spec={"metadata": {"labels": {"a": "b"}}}) == {"FieldValueInvalid spec"}


def test_only_who_watches_over_devices_may_have_those_in_use(world: Any, refused: Any) -> None:
    body = claim({"name": "a", "exactly": {"deviceClassName": "c", "adminAccess": True}})
    wanted = {"FieldValueForbidden spec.devices.requests[0].exactly.adminAccess"}
    assert refused(world.create, "resourceclaims", body) == wanted
    world.create("namespaces", {"metadata": {"name": "watch", "labels": {"resource.kubernetes.io/admin-access": "true"}}})
    body["metadata"]["namespace"] = "watch"
    assert world.create("resourceclaims", body).spec.devices.requests[0].exactly.admin_access


RESULT = {"request": "gpu", "driver": "gpu.example", "pool": "node-1", "device": "gpu-0"}
ALLOCATION = {"devices": {"results": [RESULT]}}
CONSUMER = {"resource": "pods", "name": "p", "uid": "u"}


def test_a_claim_is_given_devices_once(world: Any, refused: Any) -> None:
    made = world.create("resourceclaims", {**claim(), "status": {"allocation": ALLOCATION}})
    assert made.status.allocation is None, "a creator does not say what was given"
    assert refused(world.change, made, "status", status={"reservedFor": [CONSUMER]}) == {
        "FieldValueForbidden status.reservedFor"
    }
    meta = {"labels": {"a": "b"}}
    given = world.change(made, "status", metadata=meta, status={"allocation": ALLOCATION, "reservedFor": [CONSUMER]})
    assert given.metadata.labels == {}, "a status is written alone"
    assert strategy_of("resourceclaims.resource.k8s.io").cells(given, NOW_NS)[1] == "allocated,reserved"
    other = {"devices": {"results": [{**RESULT, "device": "gpu-1"}]}}
    assert refused(world.change, given, "status", status={"allocation": other}) == {"FieldValueInvalid status.allocation"}
    ready = {"type": "Ready", "status": "True", "reason": "Done", "message": "", "lastTransitionTime": NOW}
    told = {"driver": "gpu.example", "pool": "node-1", "device": "gpu-0", "conditions": [ready], "data": {"a": 1}}
    assert world.change(given, "status", status={"devices": [told]}).status.devices[0].conditions[0].type == "Ready"
    stranger = {**told, "device": "gpu-7"}
    assert refused(world.change, given, "status", status={"devices": [stranger]}) == {"FieldValueInvalid status.devices[0]"}


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        ({**RESULT, "request": "other"}, "Invalid status.allocation.devices.results[0].request"),
        ({**RESULT, "driver": ""}, "Required status.allocation.devices.results[0].driver"),
        ({**RESULT, "pool": ""}, "Required status.allocation.devices.results[0].pool"),
        ({**RESULT, "device": "A"}, "Invalid status.allocation.devices.results[0].device"),
        ({**RESULT, "shareID": "x"}, "Invalid status.allocation.devices.results[0].shareID"),
        ({**RESULT, "bindingConditions": ["a"]}, "Invalid status.allocation.devices.results[0].bindingFailureConditions"),
    ],
)
def test_what_cannot_have_been_given(world: Any, refused: Any, result: dict[str, Any], cause: str) -> None:
    made = world.create("resourceclaims", claim())
    status = {"allocation": {"devices": {"results": [result]}}}
    assert refused(world.change, made, "status", status=status) == {f"FieldValue{cause}"}


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"selectors": [{"cel": {"expression": "x" * 10241}}]}, "TooLong spec.selectors[0].cel.expression"),
        ({"config": [{"opaque": {"driver": "", "parameters": {}}}]}, "Required spec.config[0].opaque.driver"),
        ({"extendedResourceName": "gpu"}, "Invalid spec.extendedResourceName"),
        ({"extendedResourceName": "requests.a.example/gpu"}, "Invalid spec.extendedResourceName"),
    ],
)
def test_what_a_class_may_not_say(world: Any, refused: Any, spec: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "deviceclasses", {"metadata": {"name": "c"}, "spec": spec}) == {f"FieldValue{cause}"}
    made = world.create("deviceclasses", {"metadata": {"name": "c"}, "spec": {"extendedResourceName": "a.example/gpu"}})
    assert made.metadata.generation == 1 and world.change(made, spec={"config": [OPAQUE]}).metadata.generation == 2


@pytest.mark.parametrize(
    ("expression", "cause", "words"),
    [
        ("device.", "Invalid", "compilation failed: ERROR: <input>:1:8: Syntax error"),
        ("device.maker == 'x'", "Invalid", "compilation failed: ERROR: <input>:1:7: undefined field 'maker'"),
        ("device.capacity['a.example'].memory > 3", "Invalid", "found no matching overload for '_>_'"),
        ("device.driver", "Invalid", "must evaluate to bool or the unknown type, not string"),
        (
            "device.attributes.all(d, device.attributes.all(e, device.attributes.all(f, device.attributes.all(g, d == g))))",
            "Forbidden",
            "too complex, exceeds cost limit",
        ),
    ],
)
def test_a_selector_is_an_expression_over_a_device(world: Any, expression: str, cause: str, words: str) -> None:
    request = {"name": "a", "exactly": {"deviceClassName": "c", "selectors": [{"cel": {"expression": expression}}]}}
    with pytest.raises(Refusal) as refused:
        world.create("resourceclaims", claim(request))
    [found] = refused.value.causes
    assert (found.reason, found.field) == (f"FieldValue{cause}", "spec.devices.requests[0].exactly.selectors[0].cel.expression")
    assert words in found.message


@pytest.mark.parametrize(
    "expression",
    [
        "device.driver == 'gpu.example' && device.attributes['gpu.example'].model == 'A100'",
        "device.attributes['gpu.example'].ready",
        "device.capacity['gpu.example'].memory.compareTo(quantity('40Gi')) >= 0 && device.allowMultipleAllocations",
        "cel.bind(gpu, device.attributes['gpu.example'], gpu.family == 'a' && semver(gpu.version).isLessThan(semver('2.0.0')))",
        "'index' in device.attributes['gpu.example'] && device.attributes['gpu.example'].index > 3",
    ],
)
def test_a_selector_may_name_all_that_a_device_has(world: Any, expression: str) -> None:
    world.create("deviceclasses", {"metadata": {"name": "c"}, "spec": {"selectors": [{"cel": {"expression": expression}}]}})


def test_taints_say_since_when_they_are_there(world: Any, refused: Any) -> None:
    taint = {"key": "a.example/broken", "effect": "NoExecute"}
    made = world.create("devicetaintrules", {"metadata": {"name": "t"}, "spec": {"taint": taint}})
    assert made.spec.taint.time_added == NOW
    tainted = world.create("resourceslices", slice_({**DEVICE, "taints": [taint]}))
    assert tainted.spec.devices[0].taints[0].time_added == NOW
    wrong = {"taint": {**taint, "effect": "Stop"}, "deviceSelector": {"pool": ""}}
    assert refused(world.create, "devicetaintrules", {"metadata": {"name": "u"}, "spec": wrong}) == {
        "FieldValueNotSupported spec.taint.effect",
        "FieldValueRequired spec.deviceSelector.pool",
    }


def test_a_slice_is_shown_and_found(world: Any, refused: Any) -> None:
    made = world.create("resourceslices", slice_())
    rules = strategy_of("resourceslices.resource.k8s.io")
    assert rules.cells(made, NOW_NS) == ["s", "node-1", "gpu.example", "node-1", "0s"]
    assert {path: read(made) for path, read in rules.selectable.items()} == {
        "spec.nodeName": "node-1",
        "spec.driver": "gpu.example",
    }
    assert refused(world.change, made, spec={"driver": "other.example"}) == {"FieldValueInvalid spec.driver"}


POLICY = {"default": "1Gi", "validRange": {"min": "1Gi", "max": "4Gi", "step": "1Gi"}}


def shared(policy: dict[str, Any]) -> dict[str, Any]:
    """A device that several claims may have a part of."""
    return {**DEVICE, "allowMultipleAllocations": True, "capacity": {"memory": {"value": "8Gi", "requestPolicy": policy}}}


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        (slice_(nodeName=None), {"Required spec"}),
        (slice_(allNodes=True), {"Invalid spec"}),
        (slice_(nodeName=None, allNodes=False), {"Required spec", "Invalid spec.allNodes"}),
        (slice_(driver=""), {"Required spec.driver"}),
        (slice_(pool={"name": "a/B"}), {"Invalid spec.pool.name", "Invalid spec.pool.resourceSliceCount"}),
        (slice_(DEVICE, DEVICE), {"Duplicate spec.devices[1]"}),
        (slice_(*({**DEVICE, "name": f"d{i}"} for i in range(129))), {"TooMany spec.devices"}),
        (slice_(with_("attributes.model", {})), {"Invalid spec.devices[0].attributes[model]"}),
        (
            slice_(with_("attributes.model", {"string": "x", "int": 1})),
            {"Invalid spec.devices[0].attributes[model]"},
        ),
        (slice_(with_("attributes.model", {"version": "1.0"})), {"Invalid spec.devices[0].attributes[model].version"}),
        (slice_(with_("attributes", {"a-b": {"int": 1}})), {"Invalid spec.devices[0].attributes"}),
        (slice_(with_("nodeName", "n")), {"Invalid spec.devices[0]"}),
        (slice_(nodeName=None, perDeviceNodeSelection=True), {"Required spec.devices[0]"}),
        (
            slice_(with_("capacity.memory.requestPolicy", POLICY)),
            {"Forbidden spec.devices[0].capacity[memory].requestPolicy"},
        ),
        (
            slice_(shared({**POLICY, "default": "5Gi"})),
            {"Invalid spec.devices[0].capacity[memory].requestPolicy.validRange.default"},
        ),
        (
            slice_(shared({"default": "1Gi", "validRange": {"min": "1Gi", "step": "3Gi", "max": "5Gi"}})),
            {"Invalid spec.devices[0].capacity[memory].requestPolicy.validRange.step"},
        ),
        (
            slice_(shared({"default": "3Gi", "validValues": ["1Gi", "2Gi"]})),
            {"Invalid spec.devices[0].capacity[memory].requestPolicy.validValues"},
        ),
        (
            slice_({**DEVICE, "consumesCounters": [{"counterSet": "a"}]}),
            {"Required spec.devices[0].consumesCounters[0].counters"},
        ),
        (
            slice_({**DEVICE, "nodeAllocatableResources": {"cpu": {"mapping": {"capacityKey": "cores"}}}}),
            {
                "NotFound spec.devices[0].nodeAllocatableResources[cpu].mapping.capacityKey",
                "Required spec.devices[0].nodeAllocatableResources[cpu].mapping.capacityMultiplier",
            },
        ),
        (slice_(skipNodeOperations=["NodePrepareResources"]), {"Invalid spec.skipNodeOperations"}),
        (slice_(partitionTypeAttribute="a.example/kind"), {"Invalid spec.partitionTypeAttribute"}),
        (slice_(sharedCounters=[{"name": "a", "counters": {"b": {"value": "1"}}}]), {"Invalid spec"}),
    ],
)
def test_what_a_slice_may_not_say(world: Any, refused: Any, body: dict[str, Any], causes: set[str]) -> None:
    assert refused(world.create, "resourceslices", body) == {f"FieldValue{cause}" for cause in causes}


def test_parts_of_a_device_may_be_asked_for(world: Any) -> None:
    made = world.create("resourceslices", slice_(shared(POLICY)))
    assert made.spec.devices[0].capacity["memory"].request_policy.default == "1Gi"
