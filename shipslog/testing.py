"""For tests of what talks to a cluster: virtual time, scripted faults, made-up answers. See docs/testing.md.

async with testing.cluster(nodes=3) as cluster:
    await cluster.advance(hours=6)
"""

from shipslog.engine.library import Background, Serving
from shipslog.engine.testing.clock import TestClock
from shipslog.engine.testing.cluster import (
    ContainerHandle,
    NodeHandle,
    ProbeHandle,
    PullHandle,
    TestCluster,
    cluster,
    serving,
)
from shipslog.engine.testing.simulation.world import Outcome, Scenario, simulate

__all__ = [
    "Background",
    "ContainerHandle",
    "NodeHandle",
    "Outcome",
    "ProbeHandle",
    "PullHandle",
    "Scenario",
    "Serving",
    "TestClock",
    "TestCluster",
    "cluster",
    "serving",
    "simulate",
]
