"""Rules in CEL of defined kinds, over the wire."""

from typing import Any

import pytest

from shipslog.engine.kinds.custom import rules as custom_rules
from shipslog.reconcilers.cluster import custom_resource_definition
from shipslog.reconcilers.rule.decision import Reconciler

from .conftest import Client
from .test_custom import CRDS, MERGE, SHIPS, define, definition, ship

SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {
            "type": "string",
            "maxLength": 20,
            "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "is kept"}],
        },
        "least": {"type": "integer"},
        "most": {"type": "integer"},
        "all": {
            "type": "array",
            "items": {"type": "integer"},
            "maxItems": 400,
            "x-kubernetes-validations": [{"rule": "self.all(x, self.exists(y, x == y))"}],
        },
    },
    "x-kubernetes-validations": [{"rule": "!has(self.most) || self.least <= self.most", "message": "least is more than most"}],
}


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    return (custom_resource_definition.RECONCILER,)


async def test_rules_are_kept_on_every_way_to_write(admin: Client) -> None:
    await define(admin, definition(SPEC))
    code, refused = await admin.call("POST", SHIPS, ship(least=2, most=1))
    assert code == 422
    assert (
        refused["message"] == 'Ship.fleet.example.com "one" is invalid: spec: Invalid value: "object": least is more than most'
    )
    assert refused["details"]["causes"] == [
        {"reason": "FieldValueInvalid", "message": 'Invalid value: "object": least is more than most', "field": "spec"}
    ]
    code, _ = await admin.call("POST", SHIPS, ship(least=1, most=1))
    assert code == 201
    code, refused = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"name": "Other"}}, headers=MERGE)
    assert code == 422 and 'spec.name: Invalid value: "string": is kept' in refused["message"]
    apply = {"Content-Type": "application/apply-patch+yaml"}
    body = {**ship(least=9), "spec": {"least": 9}}
    code, refused = await admin.call("PATCH", f"{SHIPS}/one?fieldManager=me&force=true", body, headers=apply)
    assert code == 422, refused
    code, done = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"most": 3}}, headers=MERGE)
    assert code == 200 and done["spec"] == {"name": "Hansa", "least": 1, "most": 3}


async def test_what_was_wrong_before_a_rule_came_is_let_be(admin: Client) -> None:
    loose = {**SPEC, "x-kubernetes-validations": []}
    await define(admin, definition(loose))
    await admin.call("POST", SHIPS, ship(least=2, most=1))
    _, crd = await admin.call("GET", f"{CRDS}/ships.fleet.example.com")
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = SPEC
    code, answer = await admin.call("PUT", f"{CRDS}/ships.fleet.example.com", crd)
    assert code == 200, answer
    code, _ = await admin.call("PATCH", f"{SHIPS}/one", {"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
    assert code == 200
    code, _ = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"least": 3}}, headers=MERGE)
    assert code == 422


async def test_what_takes_long_keeps_nobody_waiting(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_rules, "SHORT_BUDGET", 100)
    await define(admin, definition(SPEC))
    code, made = await admin.call("POST", SHIPS, ship(all=list(range(100)), least=1))
    assert code == 201, made
    code, made = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"all": list(range(101))}}, headers=MERGE)
    assert code == 200 and len(made["spec"]["all"]) == 101
    code, refused = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"most": 0}}, headers=MERGE)
    assert code == 422 and "least is more than most" in refused["message"]
