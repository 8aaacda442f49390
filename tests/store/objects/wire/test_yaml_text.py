"""YAML from outside: what plain text means, what JSON could not say, and what it may cost."""

from typing import Any

import pytest

from shipslog.store.objects.wire import yaml_text
from tests.cost import cpu_s_at_most


def value_of(text: str) -> Any:
    (document,) = yaml_text.parse(text)
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("2001-12-14", "2001-12-14"),
        ("2001-13-45", "2001-13-45"),
        ("2026-11-23T10:32:00Z", "2026-11-23T10:32:00Z"),
        ("0755", 493),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("08", 8),
        ("0b_", "0b_"),
        ("0x", "0x"),
        ("1e3", 1000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1),
        ("18446744073709551615", 18446744073709551615),
        ("1" * 5_000, "1" * 5_000),
        ("1.2.3", "1.2.3"),
        ("+", "+"),
        ("-", [None]),
        ("²", "²"),
        ("yes", True),
        ("y", True),
        ("Off", False),
        ("oN", "oN"),
        ("~", None),
        ("'1'", "1"),
        ("! 1", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1),
        ("!!bool yes", True),
        ("!!binary YQ==", "a"),
        ("!!timestamp 2001-12-14", "2001-12-14"),
        ("<<", "<<"),
        ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
    ],
)
def test_what_plain_text_means(text: str, value: Any) -> None:
    found = value_of(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "!!int foo",
        "!!int true",
        "!!float x",
        "!!bool x",
        "!!null x",
        "!!timestamp x",
        "!!timestamp 2001-13-45",
        "!!binary //8=",
        "!!set {a, b}",
        "!!omap [a: b]",
        "!!map x",
        "!!seq {}",
        "!x y",
        "!!python/object:os.system x",
        ".inf",
        "-.Inf",
        ".nan",
        "? [a]\n: b",
        "? {a: b}\n: c",
        "~: a",
        "*x",
        "&x [*x]",
        "a: &x {b: *x}",
        "<<: 5",
        "<<: [1]",
        "a: [",
        "\t- x",
        "\ud800",
        "'\\ud800",
        "a\0b",
        "[" * 300 + "]" * 300,
        "- " * 300,
        "? " * 5_000,
        "\n".join(" " * i + "a:" for i in range(300)),
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(yaml_text.NotYaml):
        yaml_text.parse(text)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(yaml_text.NotYaml):
        yaml_text.parse(b"a: \xff")


def test_anchors_and_merges() -> None:
    text = "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\nc:\n  <<: [*x, {k: 4, m: 5}]\nd: *x\n'<<': 6\n"
    one = {"k": 1, "l": 2}
    assert value_of(text) == {"a": one, "b": {"k": 1, "l": 3}, "c": {"k": 1, "l": 2, "m": 5}, "d": one, "<<": 6}


def test_documents_and_keys_that_stand_twice() -> None:
    first, second = yaml_text.parse("a: 1\n---\nb: 2\nc: {b: 3, b: 4}\nb: 5\n")
    assert (first.value, first.repeated) == ({"a": 1}, ())
    assert second.value == {"b": 5, "c": {"b": 4}}
    assert second.repeated == ('line 4: key "b" already set in map', 'line 5: key "b" already set in map')


def test_aliases_count_as_what_they_stand_for() -> None:
    doubling = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    text = "a: &a " + "x" * 50_000 + "\nb: [" + "*a, " * 1_000 + "]"
    keys = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(5_000)) + "}\nb: [" + "{<<: *a}, " * 1_000 + "]"
    for bomb in (doubling, text, keys):
        with cpu_s_at_most(3), pytest.raises(yaml_text.NotYaml, match="excessive aliasing"):
            yaml_text.parse(bomb)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{i}: v\n" for i in range(30_000)),
        "{" + ", ".join(["k: v"] * 30_000) + "}",
        "{" + ", ".join(["<<: {a: b}"] * 20_000) + "}",
        "[" + ", ".join(f"&a{i} x, *a{i}" for i in range(20_000)) + "]",
        "[" * 190 + "x, " * 60_000 + "]" * 190,
    ],
    ids=["keys", "one key", "merges", "anchors", "deep"],
)
def test_it_costs_what_its_length_is(text: str) -> None:
    with cpu_s_at_most(4):
        yaml_text.parse(text)


def test_values_are_bounded() -> None:
    with pytest.raises(yaml_text.NotYaml, match="more than 250000 values"):
        yaml_text.parse("---\n" * (yaml_text.MAX_VALUES + 1))
