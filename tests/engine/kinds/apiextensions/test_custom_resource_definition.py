"""Definitions of kinds: completed, refused in Kubernetes' words, and not changed where objects depend on them."""

from typing import Any

import pytest

PATH = "customresourcedefinitions"


def body(schema: Any = None, **spec: Any) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema or {"type": "object"}}}
    whole = {
        "group": "example.com",
        "scope": "Cluster",
        "names": {"plural": "ships", "kind": "Ship"},
        "versions": [version],
    } | spec
    return {"metadata": {"name": "ships.example.com"}, "spec": whole}


def of(**field: Any) -> dict[str, Any]:
    """A definition whose schema has one field."""
    return body({"type": "object", "properties": {"a": field}})


def test_a_definition_is_completed(world: Any) -> None:
    made = world.create(PATH, body())
    assert (made.spec.names.singular, made.spec.names.list_kind, made.spec.conversion.strategy) == ("ship", "ShipList", "None")
    assert made.status.stored_versions == ("v1",) and made.metadata.generation == 1
    assert made.metadata.finalizers == ("customresourcecleanup.apiextensions.k8s.io",)


AT = "spec.validation.openAPIV3Schema"


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (body(scope="Everywhere"), "FieldValueNotSupported spec.scope"),
        (body(preserveUnknownFields=True), "FieldValueInvalid spec.preserveUnknownFields"),
        (
            body(conversion={"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"]}}),
            "FieldValueRequired spec.conversion.webhookClientConfig",
        ),
        (body({"type": "string"}), f"FieldValueInvalid {AT}.type"),
        (of(), f"FieldValueRequired {AT}.properties[a].type"),
        (of(type="array"), f"FieldValueRequired {AT}.properties[a].items"),
        (of(type="string", pattern="("), f"FieldValueInvalid {AT}.properties[a].pattern"),
        (of(type="object", additionalProperties=False), f"FieldValueForbidden {AT}.properties[a].additionalProperties"),
        (
            of(type="array", uniqueItems=True, items={"type": "string"}),
            f"FieldValueForbidden {AT}.properties[a].uniqueItems",
        ),
        (of(type="integer", anyOf=[{"type": "integer"}]), f"FieldValueForbidden {AT}.properties[a].anyOf[0].type"),
        (of(type="integer", default="x"), f"FieldValueTypeInvalid {AT}.properties[a].default"),
        (of(type="string", **{"$ref": "#/x"}), f"FieldValueForbidden {AT}.properties[a].$ref"),
        (
            of(type="integer", **{"x-kubernetes-validations": [{"rule": "self > nothing"}]}),
            f"FieldValueInvalid {AT}.properties[a].x-kubernetes-validations[0].rule",
        ),
    ],
)
def test_what_may_not_be_defined(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    assert refused(world.create, PATH, wrong) == {cause}


def test_the_clusters_own_groups_need_an_approval(world: Any, refused: Any) -> None:
    wrong = body(group="apps.k8s.io")
    wrong["metadata"]["name"] = "ships.apps.k8s.io"
    field = "metadata.annotations[api-approved.kubernetes.io]"
    assert refused(world.create, PATH, wrong) == {f"FieldValueRequired {field}"}
    wrong["metadata"]["annotations"] = {"api-approved.kubernetes.io": "yes"}
    assert refused(world.create, PATH, wrong) == {f"FieldValueInvalid {field}"}
    wrong["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, experimental"}
    assert world.create(PATH, wrong)


def test_what_versions_have_alike_is_named_without_a_version(world: Any, refused: Any) -> None:
    wrong = of(type="array")
    assert refused(world.create, PATH, wrong) == {f"FieldValueRequired {AT}.properties[a].items"}
    first, other = wrong["spec"]["versions"][0], of(type="string", pattern="(")["spec"]["versions"][0]
    wrong["spec"]["versions"] = [first, {**other, "name": "v2", "storage": False}]
    at = "spec.versions[{}].schema.openAPIV3Schema.properties[a]"
    wanted = {f"FieldValueRequired {at.format(0)}.items", f"FieldValueInvalid {at.format(1)}.pattern"}
    assert refused(world.create, PATH, wrong) == wanted


SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string"}, "sails": {"type": "array", "items": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("paths", "causes"),
    [
        ([".spec.kind", ".spec.more.x"], set()),
        ([""], {"FieldValueRequired spec.selectableFields[0].jsonPath"}),
        ([".spec.nothing"], {"FieldValueInvalid spec.selectableFields[0].jsonPath"}),
        ([".spec.sails[0]"], {"FieldValueInvalid spec.selectableFields[0].jsonPath"}),
        ([".spec.sails"], {"FieldValueInvalid spec.selectableFields[0]"}),
        ([".metadata.name"], {"FieldValueInvalid spec.selectableFields[0]"}),
        ([".spec.kind", ".spec.kind"], {"FieldValueDuplicate spec.selectableFields[1]"}),
        ([f".spec.more.x{i}" for i in range(9)], {"FieldValueTooMany spec.selectableFields"}),
    ],
)
def test_what_can_be_selected_by(world: Any, refused: Any, paths: list[str], causes: set[str]) -> None:
    spec = {
        **SPEC,
        "properties": {**SPEC["properties"], "more": {"type": "object", "additionalProperties": {"type": "integer"}}},
    }
    made = body({"type": "object", "properties": {"spec": spec}})
    made["spec"]["versions"][0]["selectableFields"] = [{"jsonPath": path} for path in paths]
    if causes:
        assert refused(world.create, PATH, made) == causes
    else:
        world.create(PATH, made)


def test_one_version_is_stored(world: Any, refused: Any) -> None:
    wrong = of(type="string")
    first = wrong["spec"]["versions"][0]
    wrong["spec"]["versions"] = [first, {**first, "name": "v2"}]
    assert refused(world.create, PATH, wrong) == {"FieldValueInvalid spec.versions", "FieldValueInvalid status.storedVersions"}
