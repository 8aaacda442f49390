"""What differs between two objects, and inside their texts."""

import json
import time

import pytest

from shipslog.engine.chronicle.differences import differences, inside


def test_list_items_are_matched_by_name_or_place() -> None:
    before = {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "args": ["x"]}}
    after = {"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "2"}], "args": ["y"]}}
    assert differences(before, after) == [("spec.containers[a].image", "1", "2"), ("spec.args", ["x"], ["y"])]
    before = {"subsets": [{"addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}]}
    after = {"subsets": [{"addresses": [{"ip": "10.0.0.2"}]}]}
    assert differences(before, after) == [("subsets[0].addresses[10.0.0.1]", {"ip": "10.0.0.1"}, None)]
    before = {"endpoints": [{"addresses": ["10.0.0.1"], "ready": True}, {"addresses": ["10.0.0.2"]}]}
    after = {"endpoints": [{"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.1"], "ready": False}]}
    assert differences(before, after) == [("endpoints[10.0.0.1].ready", True, False)]


def test_a_text_that_is_json_is_looked_into() -> None:
    assert differences({"a": '{"b":{"c":1}}'}, {"a": '{"b":{"c":2}}'}) == [("a as JSON.b.c", 1, 2)]
    assert differences({"a": '{"b":1}'}, {"a": "{no json"}) == [("a", '{"b":1}', "{no json")]


def nested(depth: int, inside: str) -> str:
    return '{"a":' * depth + inside + "}" * depth


@pytest.mark.parametrize("depth", [300, 20_000])
def test_a_text_that_is_nested_too_deeply_is_shown_whole(depth: int) -> None:
    before, after = nested(depth, "1"), nested(depth, "2")
    assert differences({"a": before}, {"a": after}) == [("a", before, after)]


def test_texts_within_texts_are_looked_into_as_far_as_can_be() -> None:
    before, after = "1", "2"
    for _ in range(7):
        before, after = (nested(190, json.dumps(text)) for text in (before, after))
    ((path, _, _),) = differences({"a": before}, {"a": after})
    assert path.startswith("a as JSON.a.a")


@pytest.mark.parametrize("noise", ["resourceVersion", "managedFields"])
def test_what_the_server_keeps_is_no_difference(noise: str) -> None:
    assert differences({"metadata": {noise: "1"}}, {"metadata": {noise: "2"}}) == []


def test_a_short_text_is_shown_whole_and_of_a_long_one_what_changed() -> None:
    assert inside("blue", "green") is None
    common = "x" * 100
    assert inside(f"{common} one two {common}", f"{common} one 2 {common}") == [
        ("=", "..." + "x" * 7 + " one "),
        ("-", "two"),
        ("+", "2"),
        ("=", " " + "x" * 11 + "..."),
    ]


def test_of_a_text_of_lines_the_lines_that_changed_are_shown() -> None:
    lines = [f"line {i}" for i in range(20)]
    assert inside("\n".join(lines), "\n".join([*lines[:10], "-- new", *lines[11:]])) == [
        ("=", "..."),
        ("=", "line 9"),
        ("-", "line 10"),
        ("+", "-- new"),
        ("=", "line 11"),
    ]


def test_texts_without_end_cost_little() -> None:
    began = time.process_time()
    for a, b in (("a b " * 250_000, "b c " * 250_000), ("a\nb\n" * 100_000, "b\nc\n" * 100_000)):
        parts = inside(a, b)
        assert parts is not None and parts[-1][0] == "="
    assert time.process_time() - began < 5.0
