"""Rules of definitions: what is wrong with them is told when they are defined, with its place and its words."""

from typing import Any

import pytest

from shipslog.engine.kinds.apiextensions.schemas import check_schema
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.objects.wire import codec

GO = (
    'apiextensions.ValidationRule{{Rule:"{}", Message:"", MessageExpression:"{}", '
    'Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:"", OptionalOldSelf:(*bool)(nil)}}'
)


def told(of: dict[str, Any], **more: Any) -> list[str]:
    """What is wrong with a schema that has this for `a`."""
    faults = Faults()
    whole = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": of}}}, **more}
    check_schema(faults, codec.from_builtins(JSONSchemaProps, whole)[0], "$")
    return [f"{c.field.removeprefix('$.properties[spec].properties[a].')}: {c.message}" for c in faults.causes]


def ruled(rule: str, of: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {**(of or {"type": "integer"}), "x-kubernetes-validations": [{"rule": rule, **more}]}


TEXT = "self > 'x'"
AT = "x-kubernetes-validations[0]"
BOUNDED = {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 10}}
CASES: list[tuple[dict[str, Any], list[str]]] = [
    (ruled("self > 1"), []),
    (ruled(" "), [f"{AT}.rule: Required value: rule is not specified"]),
    (ruled("self > 1", message=" "), [f'{AT}.message: Invalid value: " ": message must be non-empty if specified']),
    (ruled("self >\n1"), [f"{AT}.message: Required value: message must be specified if rule contains line breaks"]),
    (
        ruled("self > 1", messageExpression=" "),
        [f"{AT}.messageExpression: Required value: messageExpression must be non-empty if specified"],
    ),
    (
        ruled("self > 1", reason="No"),
        [
            f'{AT}.reason: Unsupported value: "No": supported values: "FieldValueDuplicate", "FieldValueForbidden", '
            '"FieldValueInvalid", "FieldValueRequired"'
        ],
    ),
    (
        ruled("true", {"type": "object", "properties": {"x": {"type": "string"}}}, fieldPath=".y"),
        [f'{AT}.fieldPath: Invalid value: ".y": fieldPath must be a valid path: does not refer to a valid field'],
    ),
    (ruled("true", {"type": "object", "properties": {"x": {"type": "string"}}}, fieldPath=".x"), []),
    (ruled("self"), [f"{AT}.rule: Invalid value: {GO.format('self', '')}: cel expression must evaluate to a bool"]),
    (
        ruled(TEXT),
        [
            f"{AT}.rule: Invalid value: {GO.format(TEXT, '')}: compilation failed: ERROR: <input>:1:6: "
            "found no matching overload for '_>_' applied to '(int, string)'\n | self > 'x'\n | .....^"
        ],
    ),
    (
        ruled("self > 1", messageExpression="self"),
        [
            f"{AT}.messageExpression: Invalid value: {GO.format('self > 1', 'self')}: "
            "messageExpression must evaluate to a string"
        ],
    ),
    (
        ruled("self > 1", optionalOldSelf=True),
        [f"{AT}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"],
    ),
    (ruled("oldSelf.orValue(0) <= self", optionalOldSelf=True), []),
    (
        {"type": "array", "maxItems": 2, "items": ruled("self == oldSelf")},
        [
            f'items.{AT}.rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the '
            "schema within $.properties[spec].properties[a].items"
        ],
    ),
    (ruled("self.all(x, self.exists(y, x == y))", BOUNDED), []),
    ({"type": "integer", "allOf": [{"x-kubernetes-validations": [{"rule": "self > 1"}]}]}, []),
    (
        {"type": "integer", "anyOf": [{"x-kubernetes-validations": [{"rule": "self > 1"}]}]},
        ["anyOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural"],
    ),
    (
        ruled("self > 1", {"type": "integer", "default": 1}),
        ['default: Invalid value: "integer": failed rule: self > 1'],
    ),
]


@pytest.mark.parametrize(("of", "wanted"), CASES, ids=range(len(CASES)))
def test_what_is_wrong_with_a_rule(of: dict[str, Any], wanted: list[str]) -> None:
    assert told(of) == wanted


def test_a_rule_that_may_cost_too_much_is_refused() -> None:
    found = told(ruled("self.all(x, self.all(y, x == y))", {"type": "array", "items": {"type": "string"}}))
    assert found[0] == (
        f"{AT}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or "
        "adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
    assert found[1].startswith(f"{AT}.rule: Forbidden: contributed to estimated rule & messageExpression cost total exceeding")
    assert found[2].startswith(
        "$: Forbidden: x-kubernetes-validations estimated rule & messageExpression cost total for entire"
    )


def test_a_rule_within_lists_costs_as_often_as_it_may_be_run() -> None:
    rule = ruled("self.contains('x')", {"type": "string", "maxLength": 100_000})
    assert told(rule) == []
    assert "exceeds budget by factor of 4.0x" in told({"type": "array", "maxItems": 1000, "items": rule})[0]


def test_metadata_has_a_name_for_rules_and_nothing_else() -> None:
    assert (
        told({"type": "string"}, **{"x-kubernetes-validations": [{"rule": "self.metadata.name.size() < 9 && self.kind != ''"}]})
        == []
    )
    assert (
        "undefined field 'labels'"
        in told({"type": "string"}, **{"x-kubernetes-validations": [{"rule": "self.metadata.labels.x == ''"}]})[0]
    )


def test_texts_of_rules_have_a_limit_together() -> None:
    many = [{"rule": "true" + " && true" * 1000}] * 20
    assert told({"type": "integer", "x-kubernetes-validations": many}) == [
        "$: Forbidden: the rules and messageExpressions have 160080 characters together, and may have 131072"
    ]
