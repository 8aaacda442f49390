"""What two long listings, or texts, have in common, at the speed of comparing lists."""

from collections.abc import Sequence
from typing import Any


def shared_ends(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """(how many both begin with, how many of the rest both end with). Same objects are not looked into, equal ones count."""
    first, second = list(one), list(other)
    head = shared_head(first, second)
    if head == len(first) == len(second):
        return head, 0
    return head, shared_head(first[: head - 1 if head else None : -1], second[: head - 1 if head else None : -1])


def shared_head(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many items both begin with: by halves, so that comparing them is left to C. Both are of one type, lists or texts."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
