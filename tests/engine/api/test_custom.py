"""Kinds that definitions make, over the wire."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.state import snapshots
from shipslog.reconcilers.cluster import custom_resource_definition
from shipslog.reconcilers.rule.decision import Reconciler
from shipslog.store.objects.custom import holds

from .conftest import Api, Client

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SHIPS = "/apis/fleet.example.com/v1/namespaces/default/ships"
MERGE = {"Content-Type": "application/merge-patch+json"}
SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z]", "maxLength": 20},
        "replicas": {"type": "integer", "minimum": 0, "default": 1},
        "class": {"type": "string", "enum": ["cog", "hulk"]},
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "crew": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
    },
}


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    return (custom_resource_definition.RECONCILER,)


def definition(spec: dict[str, Any] | None = None, **version: Any) -> dict[str, Any]:
    """The definition of ships."""
    schema = {
        "type": "object",
        "properties": {
            "spec": spec or SPEC,
            "status": {
                "type": "object",
                "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}, "phase": {"type": "string"}},
            },
        },
    }
    own = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
        "selectableFields": [{"jsonPath": ".spec.class"}] if spec is None else [],
    } | version
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "ships.fleet.example.com"},
        "spec": {
            "group": "fleet.example.com",
            "scope": "Namespaced",
            "names": {"plural": "ships", "kind": "Ship", "shortNames": ["sh"], "categories": ["all"]},
            "versions": [own],
        },
    }


def ship(name: str = "one", /, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "fleet.example.com/v1",
        "kind": "Ship",
        "metadata": {"name": name},
        "spec": {"name": "Hansa"} | spec,
    }


async def define(client: Client, crd: dict[str, Any] | None = None) -> None:
    """Make a definition, and wait until it is served."""
    crd = crd or definition()
    code, made = await client.call("POST", CRDS, crd)
    assert code == 201, made["message"]
    await condition(client, crd["metadata"]["name"], "Established")


async def condition(client: Client, name: str, type_: str, status: str = "True") -> dict[str, Any]:
    for _ in range(200):
        code, crd = await client.call("GET", f"{CRDS}/{name}")
        assert code == 200, crd
        found = [c for c in crd["status"]["conditions"] or [] if c["type"] == type_ and c["status"] == status]
        if found:
            return dict(found[0])
        await asyncio.sleep(0.02)
    raise AssertionError(crd["status"])


async def test_objects_of_a_defined_kind_live_as_others_do(admin: Client) -> None:
    code, _ = await admin.call("GET", SHIPS)
    assert code == 404
    await define(admin)
    code, made = await admin.call("POST", SHIPS, ship(free={"a": [1, {"b": None}]}) | {"status": {"phase": "x"}})
    assert code == 201, made
    assert made["spec"] == {"name": "Hansa", "free": {"a": [1, {"b": None}]}, "replicas": 1}
    assert "status" not in made and made["metadata"]["generation"] == 1 and made["kind"] == "Ship"
    code, listed = await admin.call("GET", SHIPS)
    assert (listed["kind"], [i["metadata"]["name"] for i in listed["items"]]) == ("ShipList", ["one"])
    code, patched = await admin.call("PATCH", f"{SHIPS}/one", {"spec": {"class": "cog"}}, headers=MERGE)
    assert code == 200 and patched["metadata"]["generation"] == 2, patched
    code, found = await admin.call("GET", f"{SHIPS}?fieldSelector=spec.class%3Dcog")
    assert len(found["items"]) == 1
    code, found = await admin.call("GET", f"{SHIPS}?fieldSelector=spec.class%3Dhulk")
    assert found["items"] == []
    code, patched = await admin.call(
        "PATCH", f"{SHIPS}/one/status", {"status": {"phase": "sea"}, "spec": {"class": "hulk"}}, headers=MERGE
    )
    assert (patched["status"], patched["spec"]["class"], patched["metadata"]["generation"]) == ({"phase": "sea"}, "cog", 2)
    code, why = await admin.call(
        "PATCH", f"{SHIPS}/one", {}, headers={"Content-Type": "application/strategic-merge-patch+json"}
    )
    assert code == 415 and "strategic" not in why["message"], why
    code, why = await admin.call("PUT", f"{SHIPS}/one", ship("one"))
    assert code == 422 and "metadata.resourceVersion: Invalid value: 0x0: must be specified" in why["message"], why
    code, scale = await admin.call("PATCH", f"{SHIPS}/one/scale", {"spec": {"replicas": 4}}, headers=MERGE)
    assert code == 200 and scale["spec"]["replicas"] == 4, scale["message"]
    table = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    code, shown = await admin.call("GET", SHIPS, headers=table)
    assert [c["name"] for c in shown["columnDefinitions"]] == ["Name", "Replicas", "Age"]
    assert shown["rows"][0]["cells"][:2] == ["one", 4]
    code, gone = await admin.call("DELETE", f"{SHIPS}/one")
    assert code == 200 and gone["status"] == "Success", gone
    assert (await admin.call("GET", f"{SHIPS}/one"))[0] == 404


async def test_protobuf_is_answered_in_json(admin: Client) -> None:
    await define(admin)
    await admin.call("POST", SHIPS, ship())
    both = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
    code, found = await admin.call("GET", f"{SHIPS}/one", headers=both)
    assert code == 200 and found["spec"]["name"] == "Hansa"
    alone = {"Accept": "application/vnd.kubernetes.protobuf"}
    async with admin.session.get(admin.base + SHIPS, headers=alone) as response:
        assert response.status == 406


async def test_what_is_wrong_is_said_in_kubernetes_words(admin: Client) -> None:
    await define(admin)
    body = ship(name="hansa", replicas=-1, **{"class": "raft"}, port=True, crew=[{"name": "a"}, {"name": "a"}])
    code, why = await admin.call("POST", SHIPS, body)
    assert code == 422
    told = {c["field"]: (c["reason"], c["message"]) for c in why["details"]["causes"]}
    assert told == {
        "spec.name": ("FieldValueInvalid", "Invalid value: \"hansa\": spec.name in body should match '^[A-Z]'"),
        "spec.replicas": (
            "FieldValueInvalid",
            "Invalid value: -1: should be a non-negative integer",
        ),
        "spec.class": ("FieldValueNotSupported", 'Unsupported value: "raft": supported values: "cog", "hulk"'),
        "spec.port": (
            "FieldValueTypeInvalid",
            'Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        ),
        "spec.crew[1]": ("FieldValueDuplicate", 'Duplicate value: map[string]interface {}{"name":"a"}'),
    }
    assert why["message"].startswith('Ship.fleet.example.com "one" is invalid: [')
    code, why = await admin.call("POST", f"{SHIPS}?fieldValidation=Strict", ship(mast=1))
    assert (code, why["message"]) == (
        400,
        'Ship in version "v1" cannot be handled as a Ship: strict decoding error: unknown field "spec.mast"',
    )
    code, made, headers = await admin.full("POST", SHIPS, ship(mast=1))
    assert code == 201 and "mast" not in made["spec"] and 'unknown field \\"spec.mast\\"' in headers["Warning"]


async def test_a_body_of_another_kind_or_version(admin: Client) -> None:
    await define(admin)
    code, why = await admin.call("POST", SHIPS, ship() | {"kind": "Boat"})
    assert code == 422 and [(c["field"], c["message"]) for c in why["details"]["causes"]] == [
        ("kind", 'Invalid value: "Boat": must be Ship')
    ]
    code, why = await admin.call("POST", SHIPS, ship() | {"apiVersion": "fleet.example.com/v9"})
    words = "the API version in the data (fleet.example.com/v9) does not match the expected API version (fleet.example.com/v1)"
    assert (code, why["message"]) == (400, words)


async def test_server_side_apply_of_what_is_defined(admin: Client) -> None:
    await define(admin)
    apply = {"Content-Type": "application/apply-patch+yaml"}
    code, made = await admin.call("PATCH", f"{SHIPS}/one?fieldManager=a", ship(replicas=2), headers=apply)
    assert code == 201, made
    code, why = await admin.call("PATCH", f"{SHIPS}/one?fieldManager=b", ship(replicas=3), headers=apply)
    assert code == 409 and why["message"] == 'Apply failed with 1 conflict: conflict with "a": .spec.replicas', why
    code, made = await admin.call("PATCH", f"{SHIPS}/one?fieldManager=a", ship(), headers=apply)
    assert code == 200 and made["spec"] == {"name": "Hansa", "replicas": 1}, made


async def test_a_definition_goes_with_its_objects(admin: Client) -> None:
    await define(admin)
    await admin.call("POST", SHIPS, ship() | {"metadata": {"name": "one", "finalizers": ["example.com/wait"]}})
    await admin.call("POST", SHIPS, ship("two"))
    code, _ = await admin.call("DELETE", f"{CRDS}/ships.fleet.example.com")
    await condition(admin, "ships.fleet.example.com", "Terminating")
    code, why = await admin.call("POST", SHIPS, ship("three"))
    assert code == 405 and "terminating" in why["message"]
    code, _ = await admin.call("PATCH", f"{SHIPS}/one", {"metadata": {"finalizers": None}}, headers=MERGE)
    assert code == 200
    for _ in range(200):
        if (await admin.call("GET", f"{CRDS}/ships.fleet.example.com"))[0] == 404:
            break
        await asyncio.sleep(0.02)
    assert (await admin.call("GET", SHIPS))[0] == 404
    await define(admin)
    code, listed = await admin.call("GET", SHIPS)
    assert listed["items"] == []


async def test_names_that_another_has_are_not_accepted_until_they_are_free(admin: Client) -> None:
    await define(admin)
    other = definition()
    other["metadata"]["name"] = "boats.fleet.example.com"
    other["spec"]["names"] = {"plural": "boats", "kind": "Boat", "shortNames": ["sh"]}
    await admin.call("POST", CRDS, other)
    told = await condition(admin, "boats.fleet.example.com", "NamesAccepted", "False")
    assert (told["reason"], told["message"]) == ("ShortNamesConflict", '"sh" is already in use')
    assert (await admin.call("GET", "/apis/fleet.example.com/v1/boats"))[0] == 404
    await admin.call("DELETE", f"{CRDS}/ships.fleet.example.com")
    await condition(admin, "boats.fleet.example.com", "Established")
    assert (await admin.call("GET", "/apis/fleet.example.com/v1/boats"))[0] == 200


async def test_versions_that_differ_only_in_their_name(admin: Client) -> None:
    crd = definition()
    first = crd["spec"]["versions"][0]
    crd["spec"]["versions"].append(first | {"name": "v1beta1", "storage": False})
    await define(admin, crd)
    old = SHIPS.replace("/v1/", "/v1beta1/")
    code, made = await admin.call("POST", old, ship() | {"apiVersion": "fleet.example.com/v1beta1"})
    assert code == 201 and made["apiVersion"] == "fleet.example.com/v1beta1", made
    assert (await admin.call("GET", f"{SHIPS}/one"))[1]["apiVersion"] == "fleet.example.com/v1"
    _, held = await admin.call("GET", f"{CRDS}/ships.fleet.example.com")
    held["spec"]["versions"] = [first | {"storage": False, "served": False}, first | {"name": "v1beta1", "storage": True}]
    code, held = await admin.call("PUT", f"{CRDS}/ships.fleet.example.com", held)
    assert code == 200 and held["status"]["storedVersions"] == ["v1", "v1beta1"], held
    assert (await admin.call("GET", f"{SHIPS}/one"))[0] == 404
    assert (await admin.call("GET", f"{old}/one"))[1]["apiVersion"] == "fleet.example.com/v1beta1"


async def test_discovery_and_openapi_tell_of_it(admin: Client) -> None:
    await define(admin)
    _, found = await admin.call("GET", "/apis/fleet.example.com/v1")
    assert [r["name"] for r in found["resources"]] == ["ships", "ships/scale", "ships/status"]
    assert found["resources"][0]["shortNames"] == ["sh"]
    _code, document = await admin.call("GET", "/openapi/v3/apis/fleet.example.com/v1")
    schema = document["components"]["schemas"]["com.example.fleet.v1.Ship"]
    assert schema["properties"]["spec"]["properties"]["name"]["pattern"] == "^[A-Z]"
    _, document = await admin.call("GET", "/openapi/v2")
    assert "com.example.fleet.v1.Ship" in document["definitions"]


async def test_the_past_has_the_kinds_of_its_time(admin: Client, api: Api) -> None:
    before = api.cluster.view.revision
    await define(admin)
    await admin.call("POST", SHIPS, ship())
    assert (await admin.call("GET", f"/at/{api.cluster.view.revision}{SHIPS}/one"))[0] == 200
    assert (await admin.call("GET", f"/at/{before}{SHIPS}/one"))[0] == 404


async def test_what_is_wrong_with_a_definition(admin: Client) -> None:
    spec = {"type": "object", "properties": {"a": {}}}
    crd = definition(spec)
    crd["metadata"]["name"] = "x"
    code, why = await admin.call("POST", CRDS, crd)
    assert code == 422
    at = "spec.validation.openAPIV3Schema.properties[spec]"
    told = {c["field"]: c["message"] for c in why["details"]["causes"]}
    assert told["metadata.name"] == 'Invalid value: "x": must be spec.names.plural+"."+spec.group'
    assert told[f"{at}.properties[a].type"] == "Required value: must not be empty for specified object fields"


async def test_a_cluster_that_is_opened_again_has_its_kinds(tmp_path: Path) -> None:
    for opened in range(2):
        async with Cluster.open(
            tmp_path / "log", runtime="none", reconcilers=(custom_resource_definition.RECONCILER,)
        ) as cluster:
            if not opened:
                await cluster.create(definition())
                await cluster.wait("crd", "ships.fleet.example.com", until=lambda crd: holds(crd, "Established"))
                await cluster.create(ship())
            found = cluster.get("ships", "one")
            assert (found.kind, found.get("spec")) == ("Ship", {"name": "Hansa", "replicas": 1})
            kept = snapshots.restore(snapshots.take(cluster.view))
            assert kept.entries("ships.fleet.example.com")[0].object == found
