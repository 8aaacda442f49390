"""Selectors: what they match, how they print, what they refuse."""

import pytest

from shipslog.store.objects import selector
from shipslog.store.objects.types import meta_v1
from shipslog.store.refusals import BadRequest
from tests.cost import cpu_s_at_most

LABELS = {"app": "web", "tier": "front", "n": "5"}


@pytest.mark.parametrize(
    ("text", "matches", "printed"),
    [
        ("app=web", True, "app=web"),
        ("app==web", True, "app=web"),
        ("app!=web", False, "app!=web"),
        ("missing!=x", True, "missing!=x"),
        ("app in (web, db)", True, "app in (db,web)"),
        ("app notin (web)", False, "app!=web"),
        ("missing notin (a,b)", True, "missing notin (a,b)"),
        ("app", True, "app"),
        ("!app", False, "!app"),
        ("!missing", True, "!missing"),
        ("n>4", True, "n>4"),
        ("n<4", False, "n<4"),
        ("app>1", False, "app>1"),
        ("tier=front,app=web", True, "app=web,tier=front"),
        ("app=web,tier=back", False, "app=web,tier=back"),
        ("example.com/role=a", False, "example.com/role=a"),
        ("missing=", False, "missing="),
        ("app in (,web)", True, "app in (,web)"),
    ],
)
def test_labels(text: str, matches: bool, printed: str) -> None:
    parsed = selector.parse_labels(text)
    assert parsed.matches(LABELS) is matches
    assert str(parsed) == printed
    assert parsed


@pytest.mark.parametrize("text", ["=", "a=b,", "a b", "a in b", "a in (b", "-a=b", "a=-b", "a>x", "!", "a/b/c=d", "x" * 64])
def test_refuses_what_is_no_selector(text: str) -> None:
    with pytest.raises(BadRequest):
        selector.parse_labels(text)


def test_what_an_index_can_look_up() -> None:
    assert selector.parse_labels("a=b,c in (d),e in (f,g),h").exact == {"a": "b", "c": "d"}


def test_of_objects() -> None:
    chosen = meta_v1.LabelSelector(
        match_labels={"app": "web"},
        match_expressions=(meta_v1.LabelSelectorRequirement(key="tier", operator="NotIn", values=("back",)),),
    )
    assert selector.of_label_selector(chosen).matches(LABELS)
    assert not selector.of_label_selector(chosen).matches({"app": "web", "tier": "back"})
    assert not selector.of_label_selector(None).matches(LABELS)
    assert selector.of_label_selector(meta_v1.LabelSelector()).matches(LABELS)
    assert selector.of_labels({"app": "web"}).matches(LABELS)


def test_fields() -> None:
    assert selector.parse_fields("metadata.name=x,status.phase!=Running,a==b\\,c") == (
        selector.FieldRequirement("metadata.name", False, "x"),
        selector.FieldRequirement("status.phase", True, "Running"),
        selector.FieldRequirement("a", False, "b,c"),
    )
    with pytest.raises(BadRequest, match="can't understand 'x'"):
        selector.parse_fields("x")


def test_many_requirements_say_what_they_say_one_by_one() -> None:
    """Beyond a few they are put in order first; what they match stays the same."""
    padding = ",".join(f"missing{i}!=x" for i in range(20))
    for text in (
        "app=web",
        "app!=web",
        "missing!=x",
        "app in (web,db)",
        "app in (web,db),app in (db,x)",
        "app in (web,db),app in (web,x)",
        "app notin (a),app notin (web)",
        "app",
        "!app",
        "!missing",
        "n>4",
        "n>4,n>5",
        "n>3,n>4",
        "n<6,n<5",
        "n<6,n<9",
        "app>1",
        "missing",
        "missing in (a)",
        "tier=front,app=web",
        "app in (" + ",".join(f"v{i}" for i in range(30)) + ",web)",
        "missing>1",
    ):
        few, many = selector.parse_labels(text), selector.parse_labels(f"{text},{padding}")
        assert len(many.requirements) > selector.FEW
        assert many.matches(LABELS) is all(r.matches(LABELS) for r in few.requirements), text


@pytest.mark.parametrize(
    "text",
    [
        ",".join(f"!k{i}" for i in range(20_000)),
        ",".join(f"a!=v{i}" for i in range(20_000)),
        "a notin (" + ",".join(f"v{i}" for i in range(20_000)) + ")",
        ",".join(["a"] * 20_000),
        ",".join(f"n>{i}" for i in range(20_000)),
    ],
    ids=lambda text: text[:8],
)
def test_a_long_selector_costs_each_object_what_the_object_has(text: str) -> None:
    chosen = selector.parse_labels(text)
    with cpu_s_at_most(3):
        for _ in range(20_000):
            chosen.matches({"a": "b", "n": "30000"})


def test_a_value_that_is_too_long_is_told_so() -> None:
    with pytest.raises(BadRequest, match=r"values\[0\]\[a\]: Invalid value: \"v+\": must be no more than 63 bytes"):
        selector.parse_labels("a=" + "v" * 64)
