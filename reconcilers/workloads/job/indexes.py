"""Completion indexes as text: `1,3-5,7`. Source: the JobStatus of Kubernetes' API; three or more in a row are a span.

Held as spans: twenty characters may name all the indexes that there can be, two thousand million.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from shipslog.store.objects.types import core_v1

INDEX = "batch.kubernetes.io/job-completion-index"
DIGITS = 10  # of the largest number of completions
Span = tuple[int, int]  # the first and the last


class Indexes(Struct, frozen=True):
    """Some indexes. `spans` are in order and do not touch."""

    spans: tuple[Span, ...] = ()

    def __contains__(self, index: int | None) -> bool:
        if index is None:
            return False
        place = bisect_right(self.spans, index, key=lambda span: span[0])
        return place > 0 and index <= self.spans[place - 1][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def __or__(self, other: "Indexes") -> "Indexes":
        return _joined((*self.spans, *other.spans))

    def __sub__(self, other: "Indexes") -> "Indexes":
        gaps = other.gaps(self.spans[-1][1] + 1) if self.spans else ()
        return self & _joined(gaps)

    def __and__(self, other: "Indexes") -> "Indexes":
        found: list[Span] = []
        mine, others = iter(self.spans), iter(other.spans)
        a, b = next(mine, None), next(others, None)
        while a is not None and b is not None:
            first, last = max(a[0], b[0]), min(a[1], b[1])
            if first <= last:
                found.append((first, last))
            if a[1] < b[1]:
                a = next(mine, None)
            else:
                b = next(others, None)
        return Indexes(tuple(found))

    def gaps(self, below: int) -> Iterator[Span]:
        """What is not among them, from 0 on."""
        at = 0
        for first, last in self.spans:
            if first >= below:
                break
            if first > at:
                yield at, first - 1
            at = last + 1
        if at < below:
            yield at, below - 1

    def missing(self, below: int) -> Iterator[int]:
        """Each that is not among them, from 0 on."""
        for first, last in self.gaps(below):
            yield from range(first, last + 1)

    def text(self) -> str:
        """As a status tells them."""
        parts: list[str] = []
        for first, last in self.spans:
            parts += [f"{first}-{last}"] if last - first > 1 else map(str, range(first, last + 1))
        return ",".join(parts)


NONE = Indexes()


def of(indexes: Iterable[int]) -> Indexes:
    """These, in any order."""
    return _joined((index, index) for index in indexes)


def _joined(spans: Iterable[Span]) -> Indexes:
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return Indexes(tuple(found))


def number(text: str) -> int | None:
    """A number that may be an index, or count something; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def parse(text: str | None, below: int | None = None) -> Indexes:
    """The indexes that the text names, those under `below` only; what is no number is left out."""
    spans: list[Span] = []
    for part in (text or "").split(","):
        from_, dash, to = part.partition("-")
        first, last = number(from_), number(to if dash else from_)
        if first is None or last is None:
            continue
        last = last if below is None else min(last, below - 1)
        if first <= last:
            spans.append((first, last))
    return _joined(spans)


def index_of(pod: core_v1.Pod, completions: int) -> int | None:
    """The pod's completion index; None if it has none, or one that is not wanted any more."""
    index = number(pod.metadata.annotations.get(INDEX, ""))
    return index if index is not None and index < completions else None
