"""Policies of admission: what they mean where they say nothing, what they may not say, and how they are shown."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

GROUP = "admissionregistration.k8s.io"
RULE = {"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
MUTATION = {"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}
BOUND = {"policyName": "p", "validationActions": ["Deny"]}


def policy(plural: str, **parts: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"matchConstraints": {"resourceRules": [RULE]}}
    if plural == "validatingadmissionpolicies":
        usual |= {"validations": [{"expression": "object.spec.replicas < 5"}]}
    else:
        usual |= {"mutations": [MUTATION], "reinvocationPolicy": "Never"}
    return {"metadata": {"name": "x"}, "spec": {**usual, **parts}}


POLICIES = ("validatingadmissionpolicies", "mutatingadmissionpolicies")
BINDINGS = ("validatingadmissionpolicybindings", "mutatingadmissionpolicybindings")


@pytest.mark.parametrize("plural", POLICIES)
def test_a_policy_is_completed_counted_and_shown(world: Any, plural: str) -> None:
    made = world.create(plural, policy(plural, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}))
    match = made.spec.match_constraints
    assert (made.spec.failure_policy, match.match_policy, match.resource_rules[0].scope) == ("Fail", "Equivalent", "*")
    assert match.namespace_selector is not None and match.object_selector is not None
    assert made.metadata.generation == 1
    assert world.change(made, metadata={"labels": {"a": "b"}}).metadata.generation == 1
    assert world.change(made, spec={"failurePolicy": "Ignore"}).metadata.generation == 2
    assert strategy_of(f"{plural}.{GROUP}").cells(made, NOW_NS) == ["x", 1, "v1/ConfigMap", "0s"]


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"failurePolicy": "Maybe"}, "NotSupported spec.failurePolicy"),
        ({"matchConstraints": None}, "Required spec.matchConstraints"),
        ({"matchConstraints": {}}, "Required spec.matchConstraints.resourceRules"),
        (
            {"matchConstraints": {"resourceRules": [RULE], "matchPolicy": "Some"}},
            "NotSupported spec.matchConstraints.matchPolicy",
        ),
        (
            {"matchConstraints": {"resourceRules": [{**RULE, "resourceNames": ["a", "a"]}]}},
            "Duplicate spec.matchConstraints.resourceRules[0].resourceNames[1]",
        ),
        (
            {"matchConstraints": {"resourceRules": [RULE], "excludeResourceRules": [{**RULE, "operations": []}]}},
            "Required spec.matchConstraints.excludeResourceRules[0].operations",
        ),
        ({"paramKind": {"kind": "K"}}, "Required spec.paramKind.apiVersion"),
        ({"paramKind": {"apiVersion": "a/b/c", "kind": "K"}}, "Invalid spec.paramKind.apiVersion"),
        ({"paramKind": {"apiVersion": "a/", "kind": "K"}}, "Invalid spec.paramKind.apiVersion"),
        ({"paramKind": {"apiVersion": "v1", "kind": "a.b"}}, "Invalid spec.paramKind.kind"),
        ({"matchConditions": [{"name": "a", "expression": ""}]}, "Required spec.matchConditions[0].expression"),
        ({"variables": [{"name": "in", "expression": "1"}]}, "Invalid spec.variables[0].name"),
        ({"variables": [{"name": "a", "expression": " "}]}, "Required spec.variables[0].expression"),
    ],
)
def test_what_a_policy_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    for plural in POLICIES:
        assert refused(world.create, plural, policy(plural, **wrong)) == {f"FieldValue{cause}"}


@pytest.mark.parametrize(
    ("wrong", "causes"),
    [
        ({"validations": []}, {"Required spec.validations", "Required spec.auditAnnotations"}),
        ({"validations": [{"expression": " "}]}, {"Required spec.validations[0].expression"}),
        ({"validations": [{"expression": "1", "message": " "}]}, {"Invalid spec.validations[0].message"}),
        ({"validations": [{"expression": "1", "message": "a\nb"}]}, {"Invalid spec.validations[0].message"}),
        ({"validations": [{"expression": "1", "messageExpression": " "}]}, {"Invalid spec.validations[0].messageExpression"}),
        ({"validations": [{"expression": "1", "reason": "Gone"}]}, {"NotSupported spec.validations[0].reason"}),
        ({"auditAnnotations": [{"key": "a b", "valueExpression": "1"}]}, {"Invalid spec.auditAnnotations[0].key"}),
        ({"auditAnnotations": [{"key": "a", "valueExpression": ""}]}, {"Required spec.auditAnnotations[0].valueExpression"}),
        (
            {"auditAnnotations": [{"key": "a", "valueExpression": "1"}] * 2},
            {"Duplicate spec.auditAnnotations[1].key"},
        ),
        (
            {"auditAnnotations": [{"key": "a", "valueExpression": "1" * 5121}]},
            {"Required spec.auditAnnotations[0].valueExpression"},
        ),
    ],
)
def test_what_a_validating_policy_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], causes: set[str]) -> None:
    assert refused(world.create, POLICIES[0], policy(POLICIES[0], **wrong)) == {f"FieldValue{cause}" for cause in causes}


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"mutations": []}, "Required spec.mutations"),
        ({"mutations": [{}]}, "Required spec.mutations[0].patchType"),
        ({"mutations": [{"patchType": "Merge"}]}, "NotSupported spec.mutations[0].patchType"),
        ({"mutations": [{"patchType": "JSONPatch"}]}, "Required spec.mutations[0].jsonPatch"),
        (
            {"mutations": [{**MUTATION, "jsonPatch": {"expression": " "}}]},
            "Required spec.mutations[0].jsonPatch.expression",
        ),
        (
            {"mutations": [{**MUTATION, "applyConfiguration": {"expression": "Object{}"}}]},
            "Invalid spec.mutations[0].applyConfiguration",
        ),
        ({"reinvocationPolicy": ""}, "Required spec.reinvocationPolicy"),
        ({"reinvocationPolicy": "Always"}, "NotSupported spec.reinvocationPolicy"),
    ],
)
def test_what_a_mutating_policy_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    assert refused(world.create, POLICIES[1], policy(POLICIES[1], **wrong)) == {f"FieldValue{cause}"}


def binding(plural: str, **parts: Any) -> dict[str, Any]:
    usual = BOUND if plural == BINDINGS[0] else {"policyName": "p"}
    return {"metadata": {"name": "b"}, "spec": {**usual, **parts}}


@pytest.mark.parametrize("plural", BINDINGS)
def test_a_binding_is_completed_and_shown(world: Any, plural: str) -> None:
    made = world.create(plural, binding(plural, matchResources={}))
    assert made.spec.match_resources.match_policy == "Equivalent" and made.metadata.generation == 1
    cells = strategy_of(f"{plural}.{GROUP}").cells
    assert cells(made, NOW_NS) == ["b", "p", "<unset>", "0s"]
    ref: dict[str, Any] = {"name": "n", "parameterNotFoundAction": "Deny"}
    named = world.change(made, spec={"paramRef": ref})
    assert named.metadata.generation == 2 and cells(named, NOW_NS)[2] == "*/n"
    assert cells(world.change(named, spec={"paramRef": {"namespace": "ns"}}), NOW_NS)[2] == "ns/n"
    chosen = {"name": None, "selector": {"matchLabels": {"a": "b"}}}
    shown = "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}"
    assert cells(world.change(named, spec={"paramRef": chosen}), NOW_NS)[2] == shown


@pytest.mark.parametrize(
    ("wrong", "causes"),
    [
        ({"policyName": ""}, {"Required spec.policyName"}),
        ({"policyName": "A"}, {"Invalid spec.policyName"}),
        ({"paramRef": {"parameterNotFoundAction": "Deny"}}, {"Required spec.paramRef"}),
        ({"paramRef": {"name": "n"}}, {"Required spec.paramRef.parameterNotFoundAction"}),
        (
            {"paramRef": {"name": "n", "selector": {}, "parameterNotFoundAction": "Allow"}},
            {"Forbidden spec.paramRef.name", "Forbidden spec.paramRef.selector"},
        ),
        (
            {"paramRef": {"name": "n", "parameterNotFoundAction": "Ask"}},
            {"NotSupported spec.paramRef.parameterNotFoundAction"},
        ),
        ({"matchResources": {"matchPolicy": "Some"}}, {"NotSupported spec.matchResouces.matchPolicy"}),
    ],
)
def test_what_a_binding_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], causes: set[str]) -> None:
    for plural in BINDINGS:
        assert refused(world.create, plural, binding(plural, **wrong)) == {f"FieldValue{cause}" for cause in causes}


@pytest.mark.parametrize(
    ("actions", "cause"),
    [
        ([], "Required spec.validationActions"),
        (["Stop"], "NotSupported spec.validationActions[0]"),
        (["Deny", "Deny"], "Duplicate spec.validationActions[1]"),
        (["Deny", "Warn"], "Invalid spec.validationActions"),
    ],
)
def test_what_becomes_of_what_is_refused(world: Any, refused: Any, actions: list[str], cause: str) -> None:
    body = binding(BINDINGS[0], validationActions=actions)
    assert refused(world.create, BINDINGS[0], body) == {f"FieldValue{cause}"}


def test_the_status_of_a_policy_has_whole_conditions(world: Any, refused: Any) -> None:
    made = world.create(POLICIES[0], policy(POLICIES[0]))
    whole = {"type": "Ready", "status": "True", "reason": "Done", "message": "", "lastTransitionTime": "2027-01-15T07:55:00Z"}
    told = world.change(made, "status", status={"observedGeneration": 1, "conditions": [whole]})
    assert told.status.conditions[0].reason == "Done" and told.metadata.generation == 1
    broken = {**whole, "status": "Perhaps", "reason": "not a word", "observedGeneration": -1, "lastTransitionTime": None}
    at = "status.conditions[1]"
    assert refused(world.change, made, "status", status={"conditions": [whole, broken]}) == {
        f"FieldValueDuplicate {at}.type",
        f"FieldValueNotSupported {at}.status",
        f"FieldValueInvalid {at}.reason",
        f"FieldValueInvalid {at}.observedGeneration",
        f"FieldValueRequired {at}.lastTransitionTime",
    }
    wrong = {"typeChecking": {"expressionWarnings": [{"fieldRef": " ", "warning": ""}]}}
    assert refused(world.change, made, "status", status=wrong) == {
        "FieldValueRequired status.typeChecking.expressionWarnings[0].fieldRef",
        "FieldValueRequired status.typeChecking.expressionWarnings[0].warning",
    }
