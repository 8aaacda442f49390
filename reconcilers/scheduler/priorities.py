"""Which of the nodes that fit is best: the default priorities of Kubernetes 1.5, each from 0 to 10.

LeastRequested, BalancedResourceAllocation, SelectorSpread; and what node affinity prefers.

Tests: tests/reconcilers/scheduler/test_scheduler.py
"""

from .fit import Ask, NodeLoad, matches_term

TOP = 10.0


def alone(ask: Ask, load: NodeLoad) -> float:
    """All that the node itself is worth to the pod, whatever others it is compared with."""
    cpu = (load.counted_cpu + ask.cpu) / (load.capacity.get("cpu", 0) or 1)
    memory = (load.counted_memory + ask.memory) / (load.capacity.get("memory", 0) or 1)
    score = least_requested(cpu, memory) + balanced(cpu, memory)
    return score + preferred(ask, load) if ask.preferred else score


def least_requested(cpu: float, memory: float) -> float:
    """More for a node with more left; the shares are those that would be used."""
    return ((1 - cpu if cpu < 1 else 0.0) + (1 - memory if memory < 1 else 0.0)) * TOP / 2


def balanced(cpu: float, memory: float) -> float:
    """More for a node whose CPU and memory would be used alike."""
    return 0.0 if cpu >= 1 or memory >= 1 else TOP - abs(cpu - memory) * TOP


def spread(alike: int, most: int) -> float:
    """More for a node with fewer pods of the same Services and controllers: `alike`, `most` on any node that fits."""
    return TOP * (most - alike) / most if most else TOP


def preferred(ask: Ask, load: NodeLoad) -> float:
    """The weights of the preferences that the node meets, as a share of all."""
    assert load.node is not None
    total = sum(term.weight for term in ask.preferred)
    return TOP * sum(t.weight for t in ask.preferred if matches_term(t.preference, load.node)) / total if total else 0.0
