"""Values along a structural schema: what stays, and what is filled in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipslog.engine.kinds.custom import json_paths
from shipslog.store.objects.fields.structural import defaulted, defaults_of, pruned
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.objects.wire import codec

SCHEMA = codec.from_builtins(
    JSONSchemaProps,
    {
        "type": "object",
        "properties": {
            "known": {"type": "object", "properties": {"a": {"type": "integer", "default": 7}}},
            "free": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"tight": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            },
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            "whole": {
                "type": "object",
                "default": {"b": {}},
                "properties": {"b": {"type": "object", "properties": {"c": {"type": "string", "default": "x"}}}},
            },
        },
    },
)[0]


@pytest.mark.parametrize(
    ("given", "kept", "gone"),
    [
        ({"known": {"a": 1, "b": 2}}, {"known": {"a": 1}}, ["known.b"]),
        ({"free": {"x": {"y": 1}, "tight": {"b": 1}}}, {"free": {"x": {"y": 1}, "tight": {}}}, ["free.tight.b"]),
        ({"map": {"k": {"a": 1, "b": 2}}}, {"map": {"k": {"a": 1}}}, ["map.k.b"]),
        ({"pod": {"kind": "P", "metadata": {"x": 1}, "y": 1}}, {"pod": {"kind": "P", "metadata": {"x": 1}}}, ["pod.y"]),
        ({"list": [{"a": 1}, {"b": 2}]}, {"list": [{"a": 1}, {}]}, ["list[1].b"]),
        ({"stranger": 1}, {}, ["stranger"]),
    ],
)
def test_what_the_schema_does_not_have_goes(given: Any, kept: Any, gone: list[str]) -> None:
    unknown: list[str] = []
    assert pruned(SCHEMA, given, unknown, whole=True) == kept and unknown == gone


def test_what_is_not_said_is_filled_in() -> None:
    assert defaulted(SCHEMA, {"known": {}}) == {"known": {"a": 7}, "whole": {"b": {"c": "x"}}}
    assert defaulted(SCHEMA, {"known": {"a": None}, "whole": {}}) == {"known": {"a": 7}, "whole": {}}


VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.text("ab", max_size=1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
SCHEMAS = st.recursive(
    st.builds(JSONSchemaProps, default=st.none() | st.integers(0, 3), nullable=st.booleans()),
    lambda inner: st.builds(
        JSONSchemaProps,
        default=st.none() | st.just({}) | st.just([None]),
        nullable=st.booleans(),
        properties=st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        items=st.none() | inner,
        additional_properties=st.none() | inner,
    ),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_the_part_that_has_defaults_fills_in_the_same(schema: JSONSchemaProps, value: Any) -> None:
    part = defaults_of(schema)
    assert as_json(defaulted(schema, value)) == as_json(value if part is None else defaulted(part, value))


def as_json(value: Any) -> Any:
    """A list may be held as a tuple or as a list."""
    return json.loads(json.dumps(value))


def test_where_there_are_no_defaults_nobody_goes() -> None:
    part = defaults_of(SCHEMA)
    assert part is not None and set(part.properties) == {"known", "whole"}
    assert defaults_of(part.properties["known"].properties["a"]) == JSONSchemaProps(default=7)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.b", [1]),
        (".list[1].n", ["y"]),
        (".list[*].n", ["x", "y"]),
        ('.list[?(@.n=="y")].v', [2]),
        (".a['b']", [1]),
        (r".a.x\.y", [3]),
        (".none.at.all", []),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    value = {"a": {"b": 1, "x.y": 3}, "list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]}
    assert json_paths.values(path, value) == found
