"""Common ends of two listings."""

import pytest

from shipslog.store.log.sequences import shared_ends


@pytest.mark.parametrize(
    "one, other, expected",
    [
        ("abc", "abc", (3, 0)),
        ("abc", "axc", (1, 1)),
        ("abc", "ac", (1, 1)),
        ("", "ab", (0, 0)),
        ("", "", (0, 0)),
        ("xbc", "ybc", (0, 2)),
        ("abab", "ab", (2, 0)),
        ("aa", "aaa", (2, 0)),
        ("abx", "aby", (2, 0)),
        ("baa", "aa", (0, 2)),
    ],
)
def test_shared_ends(one: str, other: str, expected: tuple[int, int]) -> None:
    assert shared_ends(one, other) == expected
    head, tail = shared_ends(other, one)
    assert head + tail <= min(len(one), len(other))
