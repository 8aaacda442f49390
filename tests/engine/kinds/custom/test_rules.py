"""Rules in CEL along values: what they say, what they look back at, what is let be, and that they end."""

import asyncio
import time
from typing import Any

import pytest

from shipslog.engine.kinds.custom import rules, validation
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.time.long_work import TakesLong
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.objects.wire import codec

NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["name"],
}


def schema(**fields: Any) -> JSONSchemaProps:
    return codec.from_builtins(JSONSchemaProps, {"type": "object", "properties": fields})[0]


def wrong(fields: dict[str, Any], value: Any, old: Any = validation.MISSING) -> list[str]:
    """What is told of an object with these fields in its schema."""
    faults, of = Faults(), schema(**fields)
    made = rules.rules_of(of, of)
    assert made is not None
    rules.check(faults, made, value, old)
    return [f"{c.reason.removeprefix('FieldValue')} {c.field}: {c.message}" for c in faults.causes]


def ruled(rule: str, of: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"a": {**(of or {"type": "integer"}), "x-kubernetes-validations": [{"rule": rule, **more}]}}


@pytest.mark.parametrize(
    ("fields", "value", "told"),
    [
        (ruled("self > 1"), {"a": 2}, []),
        (ruled("self > 1"), {"a": 1}, ['Invalid a: Invalid value: "integer": failed rule: self > 1']),
        (ruled("self > 1", message=" too small "), {"a": 1}, ['Invalid a: Invalid value: "integer": too small']),
        (
            ruled("self > 1", messageExpression="'got ' + string(self)"),
            {"a": 1},
            ['Invalid a: Invalid value: "integer": got 1'],
        ),
        (
            ruled("self > 1", messageExpression="string(1 / (self - 1))", message="plain"),
            {"a": 1},
            ['Invalid a: Invalid value: "integer": plain'],
        ),
        (
            ruled("self > 1", messageExpression="'a\\nb'"),
            {"a": 1},
            ['Invalid a: Invalid value: "integer": failed rule: self > 1'],
        ),
        (ruled("self > 1", reason="FieldValueForbidden", message="no"), {"a": 1}, ["Forbidden a: Forbidden: no"]),
        (ruled("self > 1", reason="FieldValueRequired", message="no"), {"a": 1}, ["Required a: Required value: no"]),
        (ruled("self > 1", reason="FieldValueDuplicate"), {"a": 1}, ['Duplicate a: Duplicate value: "integer"']),
        (
            ruled("self.n > 1", NAMED, fieldPath=".n", message="no"),
            {"a": {"n": 1}},
            ['Invalid a.n: Invalid value: "object": no'],
        ),
        (
            ruled("self.n > 1", NAMED),
            {"a": {"name": "x"}},
            ['Invalid a: Invalid value: "object": no such key: n evaluating rule: self.n > 1'],
        ),
        (ruled("!has(self.n) || self.n > 1", NAMED), {"a": {"name": "x"}}, []),
        (ruled("self > 1"), {}, []),
        (ruled("self > 1", {"type": "integer", "nullable": True}), {"a": None}, []),
        # types
        (ruled("self == 1.0 && type(self) == double", {"type": "number"}), {"a": 1}, []),
        (
            ruled("self > timestamp('2020-01-01T00:00:00Z')", {"type": "string", "format": "date-time"}),
            {"a": "2021-01-01T00:00:00Z"},
            [],
        ),
        (ruled("self < duration('1h')", {"type": "string", "format": "duration"}), {"a": "30m"}, []),
        (ruled("size(self) == 3", {"type": "string", "format": "byte"}), {"a": "YWJj"}, []),
        (ruled("type(self) == int ? self < 5 : self.endsWith('%')", {"x-kubernetes-int-or-string": True}), {"a": "5%"}, []),
        (
            ruled("self.startsWith('a')", {"x-kubernetes-int-or-string": True}),
            {"a": 5},
            [
                "Invalid a: Invalid value: \"\": 'no such overload': call arguments did not match a supported operator, "
                "function or macro signature for rule: self.startsWith('a')"
            ],
        ),
        # names
        (
            ruled(
                "self.__namespace__ == 'x' && self.a__dash__b == 1 && self.c__underscores__d == 2 && self.e__dot__f == 3",
                {
                    "type": "object",
                    "properties": {
                        "namespace": {"type": "string"},
                        "a-b": {"type": "integer"},
                        "c__d": {"type": "integer"},
                        "e.f": {"type": "integer"},
                    },
                },
            ),
            {"a": {"namespace": "x", "a-b": 1, "c__d": 2, "e.f": 3}},
            [],
        ),
        # lists and maps
        (
            {"a": {"type": "array", "items": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 1"}]}}},
            {"a": [2, 1]},
            ['Invalid a[1]: Invalid value: "integer": failed rule: self > 1'],
        ),
        (
            {
                "a": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 1"}]},
                }
            },
            {"a": {"x.y": 1}},
            ['Invalid a[x.y]: Invalid value: "integer": failed rule: self > 1'],
        ),
        (
            {"a": {"type": "integer", "allOf": [{"x-kubernetes-validations": [{"rule": "self > 1"}]}]}},
            {"a": 1},
            ['Invalid a: Invalid value: "integer": failed rule: self > 1'],
        ),
    ],
)
def test_what_a_rule_says(fields: dict[str, Any], value: Any, told: list[str]) -> None:
    assert wrong(fields, value) == told


def test_a_transition_rule_waits_for_something_to_look_back_at() -> None:
    fields = ruled("self >= oldSelf")
    assert wrong(fields, {"a": 1}) == []
    assert wrong(fields, {"a": 1}, {}) == []
    assert wrong(fields, {"a": 2}, {"a": 1}) == []
    assert wrong(fields, {"a": 1}, {"a": 2}) == ['Invalid a: Invalid value: "integer": failed rule: self >= oldSelf']


def test_with_optional_old_self_it_looks_at_new_values_too() -> None:
    fields = ruled("oldSelf.hasValue() || self == 1", optionalOldSelf=True)
    assert wrong(fields, {"a": 1}) == [] and wrong(fields, {"a": 3}, {"a": 1}) == []
    assert len(wrong(fields, {"a": 2})) == 1


def test_items_of_a_map_are_found_again_by_their_keys() -> None:
    item = NAMED | {"x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n"}]}
    fields = {"a": {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}}
    old = {"a": [{"name": "x", "n": 1}, {"name": "y", "n": 5}]}
    assert wrong(fields, {"a": [{"name": "y", "n": 6}, {"name": "z", "n": 0}, {"name": "x", "n": 1}]}, old) == []
    assert [w.split(":")[0] for w in wrong(fields, {"a": [{"name": "y", "n": 2}]}, old)] == ["Invalid a[0]"]


@pytest.mark.parametrize("list_type", ["set", "map"])
def test_lists_are_equal_as_their_type_has_it(list_type: str) -> None:
    item = {"type": "string"} if list_type == "set" else NAMED
    of = {"type": "array", "items": item, "x-kubernetes-list-type": list_type}
    of |= {"x-kubernetes-list-map-keys": ["name"]} if list_type == "map" else {}
    fields = ruled("self == oldSelf", of)
    one, other = ("x", "y") if list_type == "set" else ({"name": "x", "n": 1}, {"name": "y", "n": 2})
    assert wrong(fields, {"a": [one, other]}, {"a": [other, one]}) == []
    assert len(wrong(fields, {"a": [one]}, {"a": [other, one]})) == 1


def test_what_did_not_change_is_let_be() -> None:
    fields = ruled("self > 1") | {"b": {"type": "integer"}}
    assert wrong(fields, {"a": 1, "b": 2}, {"a": 1, "b": 1}) == []
    assert len(wrong(fields, {"a": 0}, {"a": 1})) == 1
    parent = {"p": {"type": "object", "properties": fields, "x-kubernetes-validations": [{"rule": "self.a > self.b"}]}}
    assert len(wrong(parent, {"p": {"a": 1, "b": 2}}, {"p": {"a": 1, "b": 1}})) == 1  # that of the parent, which has changed


def test_all_rules_of_an_object_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "OBJECT_BUDGET", 50)
    items = {"type": "array", "items": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 100"}]}}
    told = wrong({"a": items}, {"a": [1] * 100})
    assert told[-1].endswith(rules.NO_BUDGET) and len(told) < 40


def test_what_costs_too_much_is_ended_in_time() -> None:
    fields = ruled("self.all(x, self.all(y, self.all(z, x + y + z >= 0)))", {"type": "array", "items": {"type": "integer"}})
    began = time.process_time()
    told = wrong(fields, {"a": list(range(10_000))})
    assert len(told) == 1 and "no further validation rules will be run due to call cost exceeds limit for rule" in told[0]
    assert time.process_time() - began < 30  # not hours


async def test_long_rules_are_not_compiled_on_the_loop() -> None:
    """A kind whose rules have 128 KiB would hold it for a second, when the first object comes after a start."""
    of = schema(**ruled("self > 1" + " || self == 0" * 400))
    made = rules.rules_of(of, of)
    assert made is not None
    with pytest.raises(TakesLong):
        rules.check(Faults(), made, {"a": 2})
    async with asyncio.timeout(30):
        while made.properties["a"].takes:
            await asyncio.sleep(0.01)
    faults = Faults()
    rules.check(faults, made, {"a": 2})
    assert not faults.causes
    short = schema(**ruled("self > 1"))
    made = rules.rules_of(short, short)
    assert made is not None
    rules.check(faults, made, {"a": 2})
    assert not faults.causes and not made.properties["a"].takes
