"""Flows and levels of priority: what they mean where they say nothing, what they may not say, and those of every cluster."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.engine.kinds.flowcontrol.every_cluster import FLOWS, LEVELS, MANDATORY
from tests.engine.kinds.conftest import NOW_NS

GROUP = "flowcontrol.apiserver.k8s.io"
SUBJECT = {"kind": "User", "user": {"name": "u"}}
RESOURCES = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
RULE = {"subjects": [SUBJECT], "resourceRules": [RESOURCES]}
QUEUES = {"type": "Queue", "queuing": {}}


def flow(name: str = "f", **parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"priorityLevelConfiguration": {"name": "l"}, "rules": [RULE], **parts}}


def level(name: str = "l", **parts: Any) -> dict[str, Any]:
    usual = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    return {"metadata": {"name": name}, "spec": {**usual, **parts}}


def test_those_of_every_cluster_are_right(world: Any) -> None:
    for obj in (*LEVELS, *FLOWS):
        plural = "flowschemas" if obj.kind == "FlowSchema" else "prioritylevelconfigurations"
        made = world.update(world.keep(obj), obj)
        assert made.spec == obj.spec, f"{plural} {obj.metadata.name} is complete, and allowed"
    assert {flow.spec.priority_level_configuration.name for flow in FLOWS} == {level.metadata.name for level in LEVELS}


@pytest.mark.parametrize("name", MANDATORY)
def test_two_of_them_are_what_they_are(world: Any, refused: Any, name: str) -> None:
    held = world.keep(next(obj for obj in FLOWS if obj.metadata.name == name))
    changed = replace(held, spec=replace(held.spec, rules=()))
    assert refused(world.update, held, changed) == {"FieldValueInvalid spec"}
    kept = world.keep(next(obj for obj in LEVELS if obj.metadata.name == name))
    assert "FieldValueInvalid spec" in refused(world.change, kept, spec={"type": "Limited", "limited": {"lendablePercent": 7}})


def test_what_is_exempt_may_lend(world: Any) -> None:
    kept = world.keep(next(obj for obj in LEVELS if obj.metadata.name == "exempt"))
    assert world.change(kept, spec={"exempt": {"lendablePercent": 50}}).spec.exempt.lendable_percent == 50


def test_a_level_is_completed_and_shown(world: Any) -> None:
    made = world.create("prioritylevelconfigurations", level(limited={"limitResponse": QUEUES}))
    cells = strategy_of(f"prioritylevelconfigurations.{GROUP}").cells
    assert cells(made, NOW_NS) == ["l", "Limited", 30, 64, 8, 50, "0s"]
    plain = world.create("prioritylevelconfigurations", level("m"))
    assert cells(plain, NOW_NS) == ["m", "Limited", 30, "<none>", "<none>", "<none>", "0s"]


@pytest.mark.parametrize(
    ("wrong", "causes"),
    [
        ({"type": "Some"}, {"NotSupported spec.type"}),
        ({"type": "Exempt", "limited": None}, {"Invalid spec.type"}),
        ({"limited": None}, {"Required spec.limited"}),
        ({"exempt": {}}, {"Forbidden spec.exempt"}),
        (
            {"limited": {"nominalConcurrencyShares": -1, "limitResponse": {"type": "Reject"}}},
            {"Invalid spec.limited.nominalConcurrencyShares"},
        ),
        (
            {"limited": {"lendablePercent": 101, "borrowingLimitPercent": -1, "limitResponse": {"type": "Reject"}}},
            {"Invalid spec.limited.lendablePercent", "Invalid spec.limited.borrowingLimitPercent"},
        ),
        ({"limited": {"limitResponse": {"type": "Wait"}}}, {"NotSupported spec.limited.limitResponse.type"}),
        ({"limited": {"limitResponse": {"type": "Queue"}}}, {"Required spec.limited.limitResponse.queuing"}),
        (
            {"limited": {"limitResponse": {**QUEUES, "queuing": {"queues": 4, "handSize": 5}}}},
            {"Invalid spec.limited.limitResponse.queuing.handSize"},
        ),
        (
            {"limited": {"limitResponse": {**QUEUES, "queuing": {"queues": 1024, "handSize": 7}}}},
            {"Invalid spec.limited.limitResponse.queuing.handSize"},
        ),
    ],
)
def test_what_a_level_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], causes: set[str]) -> None:
    found = refused(world.create, "prioritylevelconfigurations", level(**wrong))
    assert found == {f"FieldValue{cause}" for cause in causes}


def test_a_flow_is_completed_counted_and_shown(world: Any) -> None:
    made = world.create("flowschemas", flow(distinguisherMethod={"type": "ByUser"}))
    cells = strategy_of(f"flowschemas.{GROUP}").cells
    assert cells(made, NOW_NS) == ["f", "l", 1000, "ByUser", "0s", "?"]
    told = world.change(made, "status", status={"conditions": [{"type": "Dangling", "status": "True"}]})
    assert cells(told, NOW_NS)[-1] == "True" and told.metadata.generation == 1
    assert world.change(told, spec={"matchingPrecedence": 5}).metadata.generation == 2


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"matchingPrecedence": -1}, "Invalid spec.matchingPrecedence"),
        ({"matchingPrecedence": 1}, "Invalid spec.matchingPrecedence"),
        ({"matchingPrecedence": 10001}, "Invalid spec.matchingPrecedence"),
        ({"distinguisherMethod": {"type": "ByHour"}}, "NotSupported spec.distinguisherMethod.type"),
        ({"priorityLevelConfiguration": {"name": ""}}, "Required spec.priorityLevelConfiguration.name"),
        ({"rules": [{**RULE, "subjects": []}]}, "Required spec.rules[0].subjects"),
        ({"rules": [{"subjects": [SUBJECT]}]}, "Required spec.rules[0]"),
        ({"rules": [{**RULE, "subjects": [{"kind": "Robot"}]}]}, "NotSupported spec.rules[0].subjects[0].kind"),
        ({"rules": [{**RULE, "subjects": [{"kind": "Group"}]}]}, "Required spec.rules[0].subjects[0].group"),
        (
            {"rules": [{**RULE, "subjects": [{**SUBJECT, "group": {"name": "g"}}]}]},
            "Forbidden spec.rules[0].subjects[0].group",
        ),
        (
            {"rules": [{**RULE, "subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "*"}}]}]},
            "Required spec.rules[0].subjects[0].serviceAccount.namespace",
        ),
        (
            {"rules": [{**RULE, "resourceRules": [{**RESOURCES, "verbs": ["look"]}]}]},
            "NotSupported spec.rules[0].resourceRules[0].verbs",
        ),
        (
            {"rules": [{**RULE, "resourceRules": [{**RESOURCES, "namespaces": []}]}]},
            "Required spec.rules[0].resourceRules[0].namespaces",
        ),
        (
            {"rules": [{**RULE, "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/a*"]}]}]},
            "Invalid spec.rules[0].nonResourceRules[0].nonResourceURLs[0]",
        ),
    ],
)
def test_what_a_flow_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "flowschemas", flow(**wrong)) == {f"FieldValue{cause}"}
