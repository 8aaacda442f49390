"""Versions and list types of defined kinds, over the wire: each version has its schema, its defaults and its rules."""

from typing import Any

import pytest

from shipslog.reconcilers.cluster import custom_resource_definition
from shipslog.reconcilers.rule.decision import Reconciler

from .conftest import Client
from .test_custom import MERGE, define, definition, ship

V1, V2 = (f"/apis/fleet.example.com/{version}/namespaces/default/ships" for version in ("v1", "v2"))
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def schema(**spec: Any) -> dict[str, Any]:
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}}


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    return (custom_resource_definition.RECONCILER,)


async def two_versions(client: Client) -> None:
    crd = definition()
    shared = {"name": {"type": "string"}, "load": {"type": "integer"}}
    first = {"name": "v1", "served": True, "storage": True, "schema": schema(**shared, flag={"type": "string"})}
    later = shared | {
        "load": {"type": "integer", "maximum": 5, "x-kubernetes-validations": [{"rule": "self != 3"}]},
        "crew": {"type": "integer", "default": 7},
    }
    crd["spec"]["versions"] = [first, {"name": "v2", "served": True, "storage": False, "schema": schema(**later)}]
    await define(client, crd)


def second(name: str, **spec: Any) -> dict[str, Any]:
    return ship(name, **spec) | {"apiVersion": "fleet.example.com/v2"}


async def test_what_is_sent_is_checked_by_the_version_in_which_it_is_sent(admin: Client) -> None:
    await two_versions(admin)
    for number, words in ((6, "less than or equal to 5"), (3, "failed rule: self != 3")):
        code, refused = await admin.call("POST", V2, second("a", load=number))
        assert code == 422 and words in refused["message"], refused
        code, made = await admin.call("POST", V1, ship(f"b{number}", load=number))
        assert code == 201, made
    code, refused = await admin.call("PATCH", f"{V2}/b6", {"spec": {"load": 9}}, headers=MERGE)
    assert code == 422
    code, _ = await admin.call("PATCH", f"{V1}/b6", {"spec": {"load": 9}}, headers=MERGE)
    assert code == 200
    code, refused = await admin.call("PATCH", f"{V2}/b6?fieldManager=me&force=true", second("b6", load=8), headers=APPLY)
    assert code == 422, refused


async def test_a_version_shows_its_own_fields_and_defaults(admin: Client) -> None:
    await two_versions(admin)
    await admin.call("POST", V1, ship("one", flag="red"))
    _, found = await admin.call("GET", f"{V2}/one")
    assert found["spec"] == {"name": "Hansa", "crew": 7} and found["apiVersion"] == "fleet.example.com/v2"
    _, found = await admin.call("GET", V1)
    assert found["items"][0]["spec"] == {"name": "Hansa", "flag": "red"}


LISTS = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "crew": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            },
        },
        "plain": {"type": "array", "items": {"type": "string"}},
    },
}


async def test_two_appliers_share_lists_by_their_items(admin: Client) -> None:
    await define(admin, definition(LISTS))

    async def apply(manager: str, spec: dict[str, Any], *, code: int = 200) -> dict[str, Any]:
        body = {**ship(), "spec": spec}
        found, answer = await admin.call("PATCH", f"{V1}/one?fieldManager={manager}", body, headers=APPLY)
        assert found == code, answer
        return answer

    await apply("a", {"tags": ["x"], "crew": [{"name": "Ann", "age": 1}], "plain": ["p"]}, code=201)
    made = await apply("b", {"tags": ["y"], "crew": [{"name": "Bob", "age": 2}]})
    assert made["spec"]["tags"] == ["x", "y"] and [c["name"] for c in made["spec"]["crew"]] == ["Ann", "Bob"]
    refused = await apply(
        "b", {"tags": ["y"], "crew": [{"name": "Bob", "age": 2}, {"name": "Ann", "age": 9}], "plain": ["q"]}, code=409
    )
    assert {c["field"] for c in refused["details"]["causes"]} == {'.spec.crew[name="Ann"].age', ".spec.plain"}
    made = await apply("a", {"tags": [], "plain": ["p"]})
    assert made["spec"] == {"tags": ["y"], "crew": [{"name": "Bob", "age": 2}], "plain": ["p"]}
    await apply("a", {"nothing": 1}, code=500)
