"""Clusters without nodes and without reconcilers: the engine alone."""

from collections.abc import AsyncIterator

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.time.clock import Clock, Entropy


class SteppedClock(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self, start_s: int = 1_800_000_000) -> None:
        self.ns = start_s * 1_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def step(self, seconds: float) -> None:
        self.ns += int(seconds * 1_000_000_000)


@pytest.fixture
def stepped() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
async def engine(stepped: SteppedClock) -> AsyncIterator[Cluster]:
    """A cluster in memory: no nodes, no reconcilers, time stands still, the same ids each time."""
    async with Cluster.open(None, runtime="none", reconcilers=(), clock=stepped, entropy=Entropy(1)) as cluster:
        yield cluster
