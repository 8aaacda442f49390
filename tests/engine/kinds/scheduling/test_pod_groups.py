"""Pod groups and workloads: what they mean where they say nothing, and what they may not say."""

from typing import Any

import pytest

from shipslog.store.refusals import Forbidden

GANG = {"gang": {"minCount": 3}}
TEMPLATE = {"name": "t", "schedulingPolicy": GANG}


def group(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "g"}, "spec": {"schedulingPolicy": GANG, **parts}}


def test_pods_of_a_group_are_disrupted_one_by_one(world: Any, refused: Any) -> None:
    made = world.create("podgroups", group(resourceClaims=[{"name": "c", "resourceClaimName": "x"}]))
    assert made.spec.disruption_mode.single is not None
    assert refused(world.change, made, spec={"priorityClassName": "p"}) == {"FieldValueInvalid spec"}
    statuses = [{"name": "c", "resourceClaimName": "x"}, {"name": "d"}]
    wrong = refused(world.change, made, "status", status={"resourceClaimStatuses": statuses})
    assert wrong == {"FieldValueInvalid status.resourceClaimStatuses[1].name"}


def test_a_group_is_as_important_as_its_class(world: Any, refused: Any) -> None:
    plain = world.create("podgroups", group()).spec
    assert (plain.priority, plain.preemption_policy, plain.priority_class_name) == (0, "PreemptLowerPriority", "")
    world.keep(world.create("priorityclasses", {"metadata": {"name": "p"}, "value": 7, "preemptionPolicy": "Never"}))
    made = world.create("podgroups", group(priorityClassName="p")).spec
    assert (made.priority, made.preemption_policy) == (7, "Never")
    with pytest.raises(Forbidden, match="no PriorityClass with name q was found"):
        world.create("podgroups", group(priorityClassName="q"))
    with pytest.raises(Forbidden, match=r"the integer value of priority \(8\) must not be provided in podgroup spec"):
        world.create("podgroups", group(priorityClassName="p", priority=8))


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"schedulingPolicy": {}}, "Invalid spec.schedulingPolicy"),
        ({"schedulingPolicy": {**GANG, "basic": {}}}, "Invalid spec.schedulingPolicy"),
        ({"schedulingPolicy": {"gang": {"minCount": 0}}}, "Invalid spec.schedulingPolicy.gang.minCount"),
        ({"disruptionMode": {}}, "Invalid spec.disruptionMode"),
        ({"workloadRef": {"workloadName": "w"}}, "Required spec.workloadRef.templateName"),
        ({"schedulingConstraints": {"topology": [{"key": "a"}, {"key": "b"}]}}, "TooMany spec.schedulingConstraints.topology"),
        ({"resourceClaims": [{"name": "c"}]}, "Invalid spec.resourceClaims[0]"),
        ({"priorityClassName": "A"}, "Invalid spec.priorityClassName"),
        ({"preemptionPolicy": "Always"}, "NotSupported spec.preemptionPolicy"),
    ],
)
def test_what_a_group_may_not_say(world: Any, refused: Any, parts: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "podgroups", group(**parts)) == {f"FieldValue{cause}"}


def workload(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "w"}, "spec": {"podGroupTemplates": [TEMPLATE], **parts}}


def nested(depth: int) -> list[Any]:
    inner = {"compositePodGroupTemplates": nested(depth - 1)} if depth else {}
    return [{"name": "c", "schedulingPolicy": {"basic": {}}, **inner}]


def test_templates_stay(world: Any, refused: Any) -> None:
    made = world.create("workloads", workload())
    assert refused(world.change, made, spec={"podGroupTemplates": [{**TEMPLATE, "name": "u"}]}) == {
        "FieldValueInvalid spec.podGroupTemplates"
    }
    owned = world.change(made, spec={"controllerRef": {"apiGroup": "batch", "kind": "Job", "name": "j"}})
    assert refused(world.change, owned, spec={"controllerRef": {"name": "k"}}) == {"FieldValueInvalid spec.controllerRef"}


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"podGroupTemplates": []}, "Required spec.podGroupTemplates"),
        ({"podGroupTemplates": [TEMPLATE, TEMPLATE]}, "Duplicate spec.podGroupTemplates[1]"),
        ({"podGroupTemplates": [{**TEMPLATE, "name": ""}]}, "Required spec.podGroupTemplates[0].name"),
        ({"controllerRef": {"kind": "Job"}}, "Required spec.controllerRef.name"),
        (
            {"compositePodGroupTemplates": [{"name": "c", "schedulingPolicy": {"gang": {"minGroupCount": 0}}}]},
            "Invalid spec.compositePodGroupTemplates[0].schedulingPolicy.gang.minGroupCount",
        ),
        (
            {"compositePodGroupTemplates": nested(4)},
            "Forbidden spec" + ".compositePodGroupTemplates[0]" * 4 + ".compositePodGroupTemplates",
        ),
    ],
)
def test_what_a_workload_may_not_say(world: Any, refused: Any, parts: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "workloads", workload(**parts)) == {f"FieldValue{cause}"}
