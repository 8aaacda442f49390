"""Sets of fields: their laws, and how they are written and told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipslog.store.objects.fields.field_sets import (
    HERE,
    FieldSet,
    absorb,
    below_removed,
    difference,
    has,
    intersection,
    of_paths,
    ordered,
    path_text,
    paths,
    union,
)

ELEMENTS = st.sampled_from(("f:a", "f:b", 'k:{"name":"x"}', "v:1"))


def below(children: st.SearchStrategy[FieldSet]) -> st.SearchStrategy[FieldSet]:
    return st.builds(
        lambda tree, here: tree | ({HERE: {}} if here and tree else {}),
        st.dictionaries(ELEMENTS, children, max_size=3),
        st.booleans(),
    )


sets: st.SearchStrategy[Any] = st.dictionaries(ELEMENTS, st.recursive(st.just({}), below, max_leaves=8), max_size=3)


def members(fields: FieldSet) -> set[tuple[str, ...]]:
    return set(paths(fields))


@given(sets, sets)
def test_the_laws_of_sets(one: FieldSet, other: FieldSet) -> None:
    assert members(union(one, other)) == members(one) | members(other)
    both: FieldSet = {}
    for part in (one, other, one):
        absorb(both, part)
    assert both == union(one, other)
    assert members(intersection(one, other)) == members(one) & members(other)
    assert members(difference(one, other)) == members(one) - members(other)
    assert not members(below_removed(one, other)) & members(other)


@given(sets)
def test_each_set_has_one_form(fields: FieldSet) -> None:
    for same in (union(fields, {}), union(fields, fields), difference(fields, {}), ordered(fields)):
        assert same == fields
    assert difference(fields, fields) == {} and list(ordered(fields)) == sorted(fields)


def test_below_removed_takes_what_lies_below_along() -> None:
    fields = {"f:spec": {"f:a": {HERE: {}, "f:b": {}}}, "f:status": {"f:c": {}}}
    assert below_removed(fields, of_paths("status")) == {"f:spec": fields["f:spec"]}
    assert below_removed(fields, of_paths("spec.a")) == {"f:status": fields["f:status"]}
    assert below_removed(fields, of_paths("spec.x")) == fields
    assert has(fields["f:spec"], "f:a") and not has(fields, "f:spec")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:spec", 'k:{"name":"web"}', "f:image"), '.spec[name="web"].image'),
        (('k:{"port":80,"protocol":"TCP"}',), '[port=80,protocol="TCP"]'),
        (("f:finalizers", 'v:"a/b"'), '.finalizers[="a/b"]'),
    ],
)
def test_how_a_path_is_told(path: tuple[str, ...], text: str) -> None:
    assert path_text(path) == text
