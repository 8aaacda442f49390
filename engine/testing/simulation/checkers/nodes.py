"""A pod is on one node.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence

from shipslog.runtime.containers.simulated import SimulatedNode

from .broken_promise import require


def check(nodes: Sequence[SimulatedNode]) -> None:
    where: dict[str, str] = {}
    for node in nodes:
        for uid in node.pods:
            require(uid not in where, __name__, f"pod {uid} is on {where.get(uid)} and on {node.node}")
            where[uid] = node.node
