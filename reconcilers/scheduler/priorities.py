"""Which of the nodes that fit is best: the default priorities of Kubernetes 1.5, each from 0 to 10.

LeastRequested, BalancedResourceAllocation, SelectorSpread; and what node affinity prefers.
"""

import hashlib
from collections.abc import Mapping

from shipslog.store.objects import core_v1

from .fit import DEFAULT_CPU_MILLI, DEFAULT_MEMORY, Amounts, NodeLoad, matches_term

TOP = 10.0


def least_requested(load: NodeLoad, asked: Amounts) -> float:
    """More for a node with more left."""
    cpu, memory = _fractions(load, asked)
    return (max(1 - cpu, 0.0) + max(1 - memory, 0.0)) * TOP / 2


def balanced(load: NodeLoad, asked: Amounts) -> float:
    """More for a node whose CPU and memory would be used alike."""
    cpu, memory = _fractions(load, asked)
    return 0.0 if cpu >= 1 or memory >= 1 else TOP - abs(cpu - memory) * TOP


def _fractions(load: NodeLoad, asked: Amounts) -> tuple[float, float]:
    cpu = load.counted_cpu + (asked.get("cpu", 0) or DEFAULT_CPU_MILLI)
    memory = load.counted_memory + (asked.get("memory", 0) or DEFAULT_MEMORY)
    return cpu / (load.capacity.get("cpu", 0) or 1), memory / (load.capacity.get("memory", 0) or 1)


def spread(load: NodeLoad, alike: Mapping[str, int], most: int) -> float:
    """More for a node with fewer pods of the same Services and controllers."""
    return TOP * (most - alike.get(load.name, 0)) / most if most else TOP


def preferred(pod: core_v1.Pod, load: NodeLoad) -> float:
    """The weights of the preferences that the node meets, as a share of all."""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity is not None else None
    terms = affinity.preferred_during_scheduling_ignored_during_execution if affinity is not None else ()
    total = sum(term.weight for term in terms)
    return TOP * sum(t.weight for t in terms if matches_term(t.preference, load.node)) / total if total else 0.0


def lot(uid: str, node: str) -> bytes:
    """Breaks ties: as good as chance, and the same each time."""
    return hashlib.blake2b(f"{uid}/{node}".encode(), digest_size=8).digest()
