"""How values of defined kinds are merged, as their schemas say."""

from typing import Any

import pytest

from shipslog.store.objects.fields.described import of_schema
from shipslog.store.objects.fields.structured import Node, check, fields_in, merged
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import Unexpected

ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "port": {"type": "integer", "default": 80}, "n": {"type": "integer"}},
}
LISTS = {
    "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
    "map": {"type": "array", "items": ITEM, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"]},
    "plain": {"type": "array", "items": {"type": "string"}},
    "one": {"type": "object", "additionalProperties": {"type": "string"}, "x-kubernetes-map-type": "atomic"},
    "many": {"type": "object", "additionalProperties": {"type": "string"}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "any": {"x-kubernetes-int-or-string": True},
}


def node() -> Node:
    return of_schema(codec.from_builtins(JSONSchemaProps, {"type": "object", "properties": LISTS})[0])


@pytest.mark.parametrize(
    ("name", "live", "config", "result"),
    [
        ("set", ["a", "b"], ["c", "a"], ["b", "c", "a"]),
        ("map", [{"name": "x", "n": 1}], [{"name": "x", "port": 80, "n": 2}], [{"name": "x", "port": 80, "n": 2}]),
        ("plain", ["a"], ["b"], ["b"]),
        ("one", {"a": "1"}, {"b": "2"}, {"b": "2"}),
        ("many", {"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
        ("free", {"a": {"b": 1}}, {"a": {"c": [1]}}, {"a": {"b": 1, "c": [1]}}),
        ("any", 1, "x", "x"),
    ],
)
def test_what_apply_makes_of_it(name: str, live: Any, config: Any, result: Any) -> None:
    made = merged(node(), {name: live}, {name: config})[name]
    assert sorted(made, key=str) == sorted(result, key=str) if isinstance(made, list) else made == result


def test_what_a_configuration_owns() -> None:
    config = {"set": ["a"], "map": [{"name": "x", "n": 1}], "plain": ["a"], "one": {"a": "1"}, "many": {"a": "1"}}
    assert fields_in(node(), config) == {
        "f:set": {'v:"a"': {}},
        "f:map": {'k:{"name":"x","port":80}': {".": {}, "f:n": {}, "f:name": {}}},
        "f:plain": {},
        "f:one": {},
        "f:many": {"f:a": {}},
    }


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"nothing": 1}, ".nothing: field not declared in schema"),
        ({"set": ["a", "a"]}, ".set: duplicate entries for key"),
        ({"map": [{"n": 1}]}, "associative list with keys has an element that omits key field"),
    ],
)
def test_what_it_may_not_have(config: dict[str, Any], words: str) -> None:
    with pytest.raises(Unexpected, match="failed to create typed patch object") as caught:
        check(node(), config, "ns/x")
    assert words in caught.value.message
