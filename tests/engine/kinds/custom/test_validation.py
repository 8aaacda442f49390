"""Values by their schemas: what is wrong is said as Kubernetes says it, and what was wrong before is let be."""

import time
from typing import Any

import pytest

from shipslog.engine.cel import patterns
from shipslog.engine.kinds.custom import formats, validation
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import TooLarge


def schema(**fields: Any) -> JSONSchemaProps:
    return codec.from_builtins(JSONSchemaProps, fields)[0]


def wrong(of: dict[str, Any], value: Any, *old: Any) -> list[str]:
    """What is told of a value in the field `a`."""
    faults = Faults()
    before = ({"a": old[0]},) if old else ()
    validation.check(faults, schema(type="object", properties={"a": of}), {"a": value}, *before)
    return [f"{c.reason.removeprefix('FieldValue')} {c.field}: {c.message}" for c in faults.causes]


@pytest.mark.parametrize(
    ("of", "good", "bad", "words"),
    [
        ({"type": "integer"}, 1.0, 1.5, 'TypeInvalid a: Invalid value: "number": a in body must be of type integer: "number"'),
        ({"type": "string"}, "x", None, 'TypeInvalid a: Invalid value: "null": a in body must be of type string: "null"'),
        ({"type": "integer", "maximum": 3}, 3, 4, "Invalid a: Invalid value: 4: a in body should be less than or equal to 3"),
        (
            {"type": "integer", "maximum": 3, "exclusiveMaximum": True},
            2,
            3,
            "Invalid a: Invalid value: 3: a in body should be less than 3",
        ),
        (
            {"type": "number", "minimum": 1.5},
            1.5,
            1,
            "Invalid a: Invalid value: 1: a in body should be greater than or equal to 1.5",
        ),
        ({"type": "integer", "multipleOf": 5}, 10, 11, "Invalid a: Invalid value: 11: a in body should be a multiple of 5"),
        (
            {"type": "string", "minLength": 2},
            "ab",
            "a",
            'Invalid a: Invalid value: "a": a in body should be at least 2 chars long',
        ),
        ({"type": "string", "maxLength": 2}, "äö", "abc", "TooLong a: Too long: may not be more than 2 bytes"),
        ({"type": "string", "pattern": "^b+$"}, "bb", "a", "Invalid a: Invalid value: \"a\": a in body should match '^b+$'"),
        (
            {"type": "string", "format": "ipv4"},
            "1.2.3.4",
            "1.2",
            'Invalid a: Invalid value: "1.2": a in body must be of type ipv4: "1.2"',
        ),
        (
            {"type": "array", "items": {"type": "integer"}, "maxItems": 1},
            [1],
            [1, 2],
            "TooMany a: Too many: 2: must have at most 1 items",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            ["a", "b"],
            ["a", "a"],
            'Duplicate a[1]: Duplicate value: "a"',
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"k": 1},
            {"k": "v"},
            'TypeInvalid a.k: Invalid value: "string": a.k in body must be of type integer: "string"',
        ),
        ({"type": "object", "required": ["b"]}, {"b": 1}, {}, "Required a.b: Required value"),
        (
            {"type": "integer", "not": {"minimum": 5}},
            4,
            5,
            'Invalid a: Invalid value: "": "a" must not validate the schema (not)',
        ),
    ],
)
def test_what_is_said(of: dict[str, Any], good: Any, bad: Any, words: str) -> None:
    assert wrong(of, good) == []
    assert wrong(of, bad) == [words]


def test_alternatives() -> None:
    of = {"type": "integer", "oneOf": [{"minimum": 5}, {"multipleOf": 2}]}
    assert wrong(of, 3) == [
        "Invalid a: Invalid value: 3: a in body should be greater than or equal to 5",
        'Invalid a: Invalid value: "": "a" must validate one and only one schema (oneOf). Found none valid',
    ]
    assert wrong(of, 6)[-1].endswith("Found 2 valid alternatives") and wrong(of, 2) == []


def test_a_number_that_no_float_holds_is_no_multiple_of_a_fraction() -> None:
    assert wrong({"type": "integer", "multipleOf": 0.5}, 10**400)


def test_what_may_be_null() -> None:
    assert wrong({"type": "string", "nullable": True}, None) == []


def test_what_was_wrong_before_is_let_be_until_it_is_touched() -> None:
    of = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["n"],
        "items": {"type": "object", "properties": {"n": {"type": "string"}, "v": {"type": "integer", "maximum": 3}}},
    }
    old = [{"n": "x", "v": 9}]
    assert wrong(of, [{"n": "y", "v": 1}, {"n": "x", "v": 9}], old) == []
    told = wrong(of, [{"n": "x", "v": 8}], old)
    assert told == ["Invalid a[0].v: Invalid value: 8: a[0].v in body should be less than or equal to 3"]


def test_neither_patterns_nor_alternatives_within_others_take_long() -> None:
    start = time.perf_counter()
    assert wrong({"type": "string", "pattern": "^(a+)+$"}, "a" * 50_000 + "b")
    nested: dict[str, Any] = {"maximum": 1}
    for _ in range(40):
        nested = {"anyOf": [nested, {"maximum": 0}]}
    assert wrong({"type": "integer", **nested}, 5)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("items", "value"),
    [
        ({"type": "integer", "anyOf": [{"minimum": 2000 - at} for at in range(2000)]}, 1),
        ({"type": "integer", "enum": list(range(50_000))}, 49_999),
        ({"type": "object", "required": [f"f{at}" for at in range(50_000)], "nullable": True}, {}),
        ({"type": "string", "pattern": "(a|b)*a(a|b){900}c"}, "ab" * 10_000),
    ],
    ids=["alternatives", "enum", "required", "pattern"],
)
def test_what_takes_too_long_is_ended(items: dict[str, Any], value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "STEPS", 20_000)
    with pytest.raises(TooLarge, match="more than 20000 steps are needed"):
        wrong({"type": "array", "not": {"type": "array", "items": items}}, [value] * 1_000)


def test_items_that_were_wrong_before_are_found_again_without_looking_at_all_for_each() -> None:
    limited = {"type": "object", "properties": {"n": {"type": "integer"}, "v": {"type": "integer", "maximum": 0}}}
    of = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"], "items": limited}
    looked_at: list[Any] = []

    class Old(list[Any]):
        def __iter__(self) -> Any:
            looked_at.append(self)
            return super().__iter__()

    old = Old({"n": at, "v": 1} for at in range(500))
    assert wrong(of, list(reversed(old)), old) == []
    assert len(looked_at) <= 3  # once to turn it round, once here


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", "2026-11-27T01:02:03Z", "2026-11-27"),
        ("date", "2026-11-27", "27.11.2026"),
        ("duration", "1h30m", "soon"),
        ("byte", "eA==", "x"),
        ("uuid", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8"),
        ("hostname", "example.com", "-x"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("ipv6", "::1", "1.2.3.4"),
        ("mac", "00:1b:44:11:3a:b7", "00:1b"),
        ("email", "a@example.com", "a"),
        ("int32", 1, 1 << 31),
        ("nobody-knows", "x", None),
    ],
)
def test_formats(name: str, good: Any, bad: Any) -> None:
    assert formats.fits(name, good) and (bad is None or not formats.fits(name, bad))


def test_a_pattern_goes_by_characters_not_by_bytes() -> None:
    assert patterns.matches("^.$", "ü") and patterns.matches("^[ü]{2}$", "üü")
    assert not patterns.matches("^..$", "ü") and not patterns.matches("^u", "ü")
