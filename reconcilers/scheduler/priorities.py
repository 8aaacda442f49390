"""What a node itself is worth to a pod, whatever others it is compared with: scores from 0 to 100, in whole numbers.

Source: the plugins NodeResourcesFit and NodeResourcesBalancedAllocation of Kubernetes 1.37; CalculateNodeLabelPriority of 1.0.

Tests: tests/reconcilers/scheduler/test_columns.py
"""

from math import sqrt

from .fit import Ask, NodeLoad
from .profile import LABEL_PREFERENCE, Profile

TOP = 100


def alone(ask: Ask, load: NodeLoad, profile: Profile) -> int:
    """All that the node itself is worth to the pod."""
    total = 0
    for name, weight in profile.scores:
        score = ALONE.get(name)
        if score is not None:
            total += weight * score(ask, load, profile)
    return total


def room(ask: Ask, load: NodeLoad, profile: Profile) -> int:
    """More for a node with more left (or less, as the profile has it), by the weights of the resources."""
    total = weights = 0
    capacity, strategy = load.capacity, profile.strategy
    for name, weight in profile.resources:
        most = capacity.get(name, 0)
        if not most:
            continue
        if name == "cpu":
            asked = load.counted_cpu + ask.cpu
        elif name == "memory":
            asked = load.counted_memory + ask.memory
        elif amount := ask.amount(name):
            asked = load.used.get(name, 0) + amount
        else:
            continue  # what a pod does not ask for makes no node better
        if strategy == "LeastAllocated":
            total += weight * ((most - asked) * TOP // most) if asked <= most else 0
        elif strategy == "MostAllocated":
            total += weight * (min(asked, most) * TOP // most)
        else:
            score = along(profile.shape, min(asked * TOP // most, TOP))
            if not score:
                continue  # as Kubernetes has it: it then does not count
            total += weight * score
        weights += weight
    return total // weights if weights else 0


def along(shape: tuple[tuple[int, int], ...], utilization: int) -> int:
    """The score at a utilization, between the points of the shape."""
    before: tuple[int, int] | None = None
    for at, score in shape:
        if utilization <= at:
            if before is None:
                return score * 10
            return before[1] * 10 + (score - before[1]) * 10 * (utilization - before[0]) // (at - before[0])
        before = at, score
    return before[1] * 10 if before is not None else 0


def balance(ask: Ask, load: NodeLoad, profile: Profile) -> int:
    """More for a node whose resources the pod makes to be used more alike; what asks for nothing changes nothing."""
    without, beside = list[float](), list[float]()
    asks = False
    for name in profile.balanced:
        most, used, amount = load.capacity.get(name, 0), load.used.get(name, 0), ask.amount(name)
        if most and (amount or name in ("cpu", "memory")):
            asks = asks or bool(amount)
            without.append(min(used / most, 1.0))
            beside.append(min((used + amount) / most, 1.0))
    return TOP // 2 + (TOP // 2 + _evenness(beside) - _evenness(without)) // 2 if asks else 0


def _evenness(shares: list[float]) -> int:
    if len(shares) == 2:
        return int((1 - abs(shares[0] - shares[1]) / 2) * TOP)
    if len(shares) < 2:
        return TOP
    mean = sum(shares) / len(shares)
    return int((1 - sqrt(sum((share - mean) ** 2 for share in shares) / len(shares))) * TOP)


def labelled(ask: Ask, load: NodeLoad, profile: Profile) -> int:
    """For each label that is liked, or disliked, its weight if the node has it, or has it not."""
    labels = load.node.metadata.labels if load.node is not None else {}
    return sum(weight * TOP for key, liked, weight in profile.label_preferences if (key in labels) == liked)


ALONE = {"NodeResourcesFit": room, "NodeResourcesBalancedAllocation": balance, LABEL_PREFERENCE: labelled}
