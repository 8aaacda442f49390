"""What is counted while the engine works: cheap to count, and put into Prometheus' words only when somebody asks.

Tests: tests/engine/api/server_info/test_metrics.py
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal

from msgspec import Struct

# Seconds; from 0.005 on as Kubernetes' apiserver_request_duration_seconds has them, for its dashboards.
_FINE = "0.0001 0.00025 0.0005 0.001 0.0025"
_KUBERNETES = "0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60"
SECONDS = tuple(float(bound) for bound in f"{_FINE} {_KUBERNETES}".split())
# As Kubernetes' work queues have them, from a microsecond on.
WORK_SECONDS = (1e-06, 9.999999999999999e-06, 9.999999999999999e-05, 0.001, 0.01, 0.1, 1.0, 10.0)
COUNTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


class Histogram:
    """How often a value was at most each of `bounds`; the last count is of those above all. `sum` is of all values."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self.counts)

    def add(self, other: "Histogram") -> None:
        """Take in what another has seen, of the same bounds."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum

    def copy(self) -> "Histogram":
        other = Histogram(self.bounds)
        other.counts, other.sum = self.counts.copy(), self.sum
        return other

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """(the bound as Prometheus writes it, how many were at most that)"""
        return zip((*(str(bound) for bound in self.bounds), "+Inf"), accumulate(self.counts), strict=True)


class Family(Struct, frozen=True):
    """What has one name in Prometheus. A row is the labels' values, and a number or what a histogram has seen."""

    name: str  # of a counter without the _total that it is given
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    rows: Sequence[tuple[tuple[str, ...], float | Histogram]]


def gauge(name: str, help: str, value: float) -> Family:
    """One number that has no labels."""
    return Family(name, help, "gauge", (), [((), value)])


def counter(name: str, help: str, value: float) -> Family:
    return Family(name, help, "counter", (), [((), value)])
