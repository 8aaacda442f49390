"""Selectors: what they match, how they print, what they refuse."""

import pytest

from shipslog.store.objects import meta_v1, selector
from shipslog.store.refusals import BadRequest

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
