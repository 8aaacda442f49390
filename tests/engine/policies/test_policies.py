"""Policies of admission, over the wire: what they deny, warn of, note and change."""

from typing import Any

import pytest

from shipslog.engine.kinds.custom import rules as custom_rules
from shipslog.engine.policies import facts
from shipslog.engine.policies.consultant import FAILURE
from shipslog.reconcilers.cluster import custom_resource_definition
from shipslog.reconcilers.rule.decision import Reconciler
from tests.engine.api.conftest import Api, Client
from tests.engine.api.test_custom import SHIPS, define, definition, ship

ROOT = "/apis/admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = f"{ROOT}/validatingadmissionpolicies", f"{ROOT}/validatingadmissionpolicybindings"
MUTATING, MUTATING_BINDINGS = f"{ROOT}/mutatingadmissionpolicies", f"{ROOT}/mutatingadmissionpolicybindings"
MAPS = "/api/v1/namespaces/default/configmaps"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
RULES = {"resourceRules": [RULE]}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    return (custom_resource_definition.RECONCILER,)


def config_map(name: str = "a", data: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": data or {}}


async def policy(
    client: Client, *validations: dict[str, Any] | str, name: str = "p", actions: Any = ("Deny",), bind: Any = None, **spec: Any
) -> None:
    """A policy with a binding."""
    held = [{"expression": v} if isinstance(v, str) else v for v in validations]
    body = {"metadata": {"name": name}, "spec": {"matchConstraints": RULES, "validations": held} | spec}
    code, made = await client.call("POST", POLICIES, body)
    assert code == 201, made["message"]
    binding = {
        "metadata": {"name": f"{name}-b"},
        "spec": {"policyName": name, "validationActions": list(actions)} | (bind or {}),
    }
    code, made = await client.call("POST", BINDINGS, binding)
    assert code == 201, made["message"]


async def test_a_policy_denies_what_does_not_hold(admin: Client) -> None:
    await policy(admin, "has(object.data.colour)")
    code, refused = await admin.call("POST", MAPS, config_map(data={"x": "y"}))
    assert code == 422
    said = "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: failed expression: has(object.data.colour)"
    assert refused["message"] == f'configmaps "a" is forbidden: {said}'
    assert (refused["reason"], refused["details"]["causes"]) == ("Invalid", [{"message": said}])
    code, _ = await admin.call("POST", MAPS, config_map(data={"colour": "blue"}))
    assert code == 201
    code, _ = await admin.call("PATCH", f"{MAPS}/a", {"data": {"colour": None, "x": "y"}}, headers=MERGE)
    assert code == 422
    code, _ = await admin.call("DELETE", f"{MAPS}/a")
    assert code == 200


@pytest.mark.parametrize(
    ("validation", "code", "words"),
    [
        ({"expression": "false", "message": "no", "reason": "Forbidden"}, 403, "denied request: no"),
        ({"expression": "false", "messageExpression": "'not ' + object.metadata.name"}, 422, "denied request: not a"),
        ({"expression": "false", "messageExpression": "string(object.nothing)", "message": "no"}, 422, "denied request: no"),
        ({"expression": "false", "reason": "RequestEntityTooLarge"}, 413, "failed expression: false"),
        (
            {"expression": "object.nothing > 1"},
            422,
            "denied request: expression 'object.nothing > 1' resulted in error: no such key: nothing",
        ),
    ],
)
async def test_how_it_says_so(admin: Client, validation: dict[str, Any], code: int, words: str) -> None:
    await policy(admin, validation)
    found, refused = await admin.call("POST", MAPS, config_map())
    assert found == code and words in refused["message"], refused


async def test_what_expressions_are_told(admin: Client) -> None:
    await policy(
        admin,
        "request.operation == 'CREATE' && request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap'",
        "request.namespace == 'default' && request.userInfo.username != '' && !has(request.subResource)",
        "namespaceObject.metadata.name == 'default'",
        "namespaceObject.metadata.creationTimestamp < timestamp('2999-01-01T00:00:00Z')",
        "oldObject == null && variables.both == 'xy'",
        "authorizer.group('').resource('pods').namespace('default').check('create').allowed()",
        "authorizer.requestResource.check('delete').allowed()",
        "!authorizer.serviceAccount('default', 'x').group('').resource('secrets').check('get').allowed()",
        variables=[{"name": "x", "expression": "object.data.x"}, {"name": "both", "expression": "variables.x + 'y'"}],
    )
    code, made = await admin.call("POST", MAPS, config_map(data={"x": "x"}))
    assert code == 201, made


async def test_warnings_and_notes(api: Api, admin: Client) -> None:
    noted = [{"key": "colour", "valueExpression": "string(object.data.colour)"}]
    await policy(admin, {"expression": "false", "message": "watch out"}, actions=("Warn", "Audit"), auditAnnotations=noted)
    code, made, headers = await admin.full("POST", MAPS, config_map(data={"colour": "red"}))
    assert code == 201
    assert "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': watch out" in headers["Warning"]
    revision = int(made["metadata"]["resourceVersion"])
    [[event]] = [batch async for batch in api.cluster.log.read(revision - 1, revision)]
    assert event.origin is not None and event.origin.annotations["p/colour"] == "red"
    assert '"policy":"p","binding":"p-b","expressionIndex":0' in event.origin.annotations[FAILURE]


async def test_failures_are_passed_over_where_the_policy_says_so(admin: Client) -> None:
    await policy(admin, "object.nothing > 1", failurePolicy="Ignore")
    code, _ = await admin.call("POST", MAPS, config_map())
    assert code == 201


async def test_conditions_and_selectors_narrow_it(admin: Client) -> None:
    await policy(
        admin, "false", matchConditions=[{"name": "strict", "expression": "object.metadata.labels['strict'] == 'yes'"}],
        matchConstraints=RULES | {"objectSelector": {"matchExpressions": [{"key": "strict", "operator": "Exists"}]}},
    )  # fmt: skip
    for name, labels, wanted in (("a", {}, 201), ("b", {"strict": "no"}, 201), ("c", {"strict": "yes"}, 422)):
        code, answer = await admin.call("POST", MAPS, config_map(name, **labels))
        assert code == wanted, answer


async def test_parameters_by_name_and_by_selector(admin: Client) -> None:
    for name, most in (("loose", "9"), ("tight", "2")):
        await admin.call("POST", MAPS, config_map(name, {"most": most}, params="yes"))
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    rule = "object.metadata.name.size() <= int(params.data.most)"
    by_name = {"paramRef": {"name": "loose", "namespace": "default", "parameterNotFoundAction": "Deny"}}
    narrowed = [{"name": "c", "expression": "params.data.most != '' && authorizer.path('/').check('get').allowed()"}]
    await policy(admin, rule, paramKind=kind, bind=by_name, matchConditions=narrowed)
    code, _ = await admin.call("POST", MAPS, config_map("abc"))
    assert code == 201
    chosen = {"paramRef": {"selector": {"matchLabels": {"params": "yes"}}, "parameterNotFoundAction": "Deny"}}
    await policy(admin, rule, name="q", paramKind=kind, bind=chosen)
    code, refused = await admin.call("POST", MAPS, config_map("abcd"))
    assert code == 422 and "'q' with binding 'q-b'" in refused["message"]
    nowhere = {"paramRef": {"name": "nowhere", "parameterNotFoundAction": "Deny"}}
    await policy(admin, "true", name="a", paramKind=kind, bind=nowhere)
    code, refused = await admin.call("POST", MAPS, config_map("ab"))
    assert code == 422 and "no params found for policy binding with `Deny` parameterNotFoundAction" in refused["message"]


async def test_what_takes_long_is_worked_out_aside(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "SHORT_BUDGET", 5)
    await policy(admin, "authorizer.group('').resource('pods').check('create').allowed() && object.metadata.name == 'a'")
    code, _ = await admin.call("POST", MAPS, config_map("a"))
    assert code == 201
    code, _ = await admin.call("POST", MAPS, config_map("b"))
    assert code == 422


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        (
            {"validations": [{"expression": "object."}]},
            "spec.validations[0].expression",
            "compilation failed: ERROR: <input>:1:8",
        ),
        ({"validations": [{"expression": "1"}]}, "spec.validations[0].expression", "must evaluate to bool"),
        ({"validations": [{"expression": "nothing"}]}, "spec.validations[0].expression", "undeclared reference to 'nothing'"),
        (
            {"validations": [{"expression": "true", "messageExpression": "1"}]},
            "spec.validations[0].messageExpression",
            "must evaluate to string",
        ),
        (
            {"validations": [{"expression": "true"}], "variables": [{"name": "x", "expression": "variables.y"}]},
            "spec.variables[0].expression",
            "undefined field 'y'",
        ),
        ({"validations": [{"expression": "params.x"}]}, "spec.validations[0].expression", "undeclared reference to 'params'"),
    ],
)
async def test_what_may_not_be_a_policy(admin: Client, spec: dict[str, Any], field: str, words: str) -> None:
    code, refused = await admin.call("POST", POLICIES, {"metadata": {"name": "p"}, "spec": {"matchConstraints": RULES} | spec})
    assert code == 422, refused
    [cause] = refused["details"]["causes"]
    assert cause["field"] == field and words in cause["message"]


# --- changing ---


async def mutate(client: Client, *mutations: str, name: str = "m", **spec: Any) -> None:
    held = [
        {"patchType": "JSONPatch", "jsonPatch": {"expression": text}}
        if text.lstrip().startswith("[")
        else {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}
        for text in mutations
    ]
    body = {
        "metadata": {"name": name},
        "spec": {"matchConstraints": RULES, "mutations": held, "reinvocationPolicy": "Never"} | spec,
    }
    code, made = await client.call("POST", MUTATING, body)
    assert code == 201, made["message"]
    code, made = await client.call("POST", MUTATING_BINDINGS, {"metadata": {"name": f"{name}-b"}, "spec": {"policyName": name}})
    assert code == 201, made["message"]


async def test_a_policy_changes_what_is_asked_for(admin: Client) -> None:
    await mutate(
        admin,
        "Object{metadata: Object.metadata{labels: {'by': request.userInfo.username.replace(':', '-')}}}",
        "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('a.b'), value: 'c'}, "
        "JSONPatch{op: 'test', path: '/metadata/name', value: object.metadata.name}]",
    )
    code, made = await admin.call("POST", MAPS, config_map(data={"x": "y"}, own="1"))
    assert code == 201, made
    assert made["metadata"]["labels"] == {"own": "1", "by": "system-admin"}
    assert made["data"] == {"x": "y", "a.b": "c"}


async def test_validating_policies_see_what_others_have_changed(admin: Client) -> None:
    await mutate(admin, "Object{data: {'colour': 'blue'}}")
    await policy(admin, "object.data.colour == 'blue'")
    code, made = await admin.call("POST", MAPS, config_map())
    assert code == 201 and made["data"] == {"colour": "blue"}


async def test_who_asks_for_it_sees_what_came_after_him(admin: Client) -> None:
    count = "Object{data: {'count': has(object.data) && 'count' in object.data ? object.data['count'] + 'x' : 'x'}}"
    await mutate(admin, count, name="a", reinvocationPolicy="IfNeeded")
    await mutate(admin, "Object{data: {'other': 'y'}}", name="b")
    code, made = await admin.call("POST", MAPS, config_map())
    assert code == 201 and made["data"] == {"count": "xx", "other": "y"}


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("Object{data: {'x': object.nothing}}", "resulted in error: no such key: nothing"),
        ("[JSONPatch{op: 'replace', path: '/nothing/at/all', value: 1}]", "JSON Patch"),
        ("Object{data: 3}", "failed to decode what it makes"),
    ],
)
async def test_what_cannot_be_made_is_refused(admin: Client, expression: str, words: str) -> None:
    await mutate(admin, expression)
    code, refused = await admin.call("POST", MAPS, config_map())
    assert code in (403, 422) and words in refused["message"], refused
    assert (await admin.call("GET", f"{MAPS}/a"))[0] == 404


async def test_policies_about_policies_are_not_asked(admin: Client) -> None:
    every = {"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]}
    await policy(admin, "false", matchConstraints=every)
    code, _ = await admin.call("DELETE", f"{BINDINGS}/p-b")
    assert code == 200


async def test_rules_of_a_kind_that_take_long_are_worked_out_aside_also_when_policies_are_asked(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_rules, "SHORT_BUDGET", 5)
    every = {"resourceRules": [{**RULE, "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}]}
    await policy(admin, "object.metadata.name != 'no'", matchConstraints=every)
    spec = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}}
    await define(admin, definition(spec | {"x-kubernetes-validations": [{"rule": "[1, 2, 3].all(x, x + self.n > 0)"}]}))
    code, made = await admin.call("POST", SHIPS, ship(n=1))
    assert code == 201, made
    code, refused = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"n": -9}}, headers=MERGE)
    assert code == 422 and "failed rule" in refused["message"]
    code, refused = await admin.call("POST", SHIPS, ship("no", n=1))
    assert code == 422 and "denied request" in refused["message"]


async def test_tokens_are_asked_about_too(admin: Client) -> None:
    rule = {**RULE, "operations": ["CREATE"], "resources": ["serviceaccounts/token"]}
    await policy(
        admin, "object.spec.expirationSeconds <= 3600", "request.subResource == 'token' && request.name == 'me'",
        matchConstraints={"resourceRules": [rule]},
    )  # fmt: skip
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    code, made = await admin.call("POST", accounts, {"metadata": {"name": "me"}})
    assert code == 201, made
    for seconds, wanted in ((3600, 201), (7200, 422)):
        body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": seconds}}
        code, answer = await admin.call("POST", f"{accounts}/me/token", body)
        assert code == wanted, answer
