"""Quantities: exact, rounded up, printed as Kubernetes prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipslog.store.objects.values import quantity

CASES = [  # text, canonical, milli, whole
    ("1000m", "1", 1000, 1),
    ("0.5", "500m", 500, 1),
    ("100m", "100m", 100, 1),
    ("1024Mi", "1Gi", 1024**3 * 1000, 1024**3),
    ("1500Mi", "1500Mi", 1500 * 1024**2 * 1000, 1500 * 1024**2),
    ("1.5Gi", "1536Mi", 1536 * 1024**2 * 1000, 1536 * 1024**2),
    ("1e3", "1e3", 1_000_000, 1000),
    ("12E6", "12e6", 12_000_000_000, 12_000_000),
    ("1000", "1k", 1_000_000, 1000),
    ("128974848", "128974848", 128974848000, 128974848),
    ("0", "0", 0, 0),
    ("1n", "1n", 1, 1),
    (5, "5", 5000, 5),
    (1.5, "1500m", 1500, 2),
    ("-1", "-1", -1000, -1),
]


@pytest.mark.parametrize(("text", "canonical", "milli", "whole"), CASES)
def test_reads_and_prints(text: str, canonical: str, milli: int, whole: int) -> None:
    assert quantity.canonical(text) == canonical
    assert quantity.milli(text) == milli
    assert quantity.value(text) == whole


@pytest.mark.parametrize("text", ["", "x", "1x", "1 Gi", "1ki", "--1", "1e", "Gi"])
def test_refuses_what_is_none(text: str) -> None:
    with pytest.raises(quantity.QuantityError, match="quantities must match"):
        quantity.canonical(text)


@given(st.integers(0, 2**60), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "u", "n"]))
def test_the_canonical_form_keeps_the_value_and_is_stable(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    once = quantity.canonical(text)
    assert quantity.nanos(once) == quantity.nanos(text)
    assert quantity.canonical(once) == once


@pytest.mark.parametrize(
    ("number", "canonical"), [(1, "1"), (0, "0"), (1500, "1500"), (1000, "1k"), (0.5, "500m"), (1e3, "1k")]
)
def test_numbers_without_quotes_are_quantities_too(number: float, canonical: str) -> None:
    assert quantity.canonical(number) == canonical
