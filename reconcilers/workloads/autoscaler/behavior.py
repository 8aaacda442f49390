"""How fast, and how steadily, a wish for another number of replicas is followed. Source: Kubernetes' autoscaler, KEP-853.

The past is what the log has of it (AutoscalerState): what was wished for since when, and what was scaled when. A wish holds
from when it was recorded until the next one was.
"""

from collections.abc import Iterator
from math import ceil

from msgspec import Struct

from shipslog.store.objects.types.autoscaling_v2 import HorizontalPodAutoscaler, HPAScalingRules
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.state import AutoscalerState

DOWN_WINDOW_S = 300
READY = ("ReadyForNewScale", "recommended size matches current size")
WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
UP_LIMIT = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
DOWN_LIMIT = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
DOWN_HELD = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
UP_HELD = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
Words = tuple[str, str]  # reason, message


class Followed(Struct, frozen=True):
    """What a wish comes to now."""

    replicas: int
    able: Words  # for the condition AbleToScale, which is true
    limited: bool
    limit: Words  # for the condition ScalingLimited


def follow(autoscaler: HorizontalPodAutoscaler, state: AutoscalerState, current: int, wished: int, now: int) -> Followed:
    """How many replicas there shall be now, of `current` towards `wished`."""
    if autoscaler.spec.behavior is None:
        return _plain(autoscaler, state, current, wished, now)
    up, down = autoscaler.spec.behavior.scale_up, autoscaler.spec.behavior.scale_down
    assert up is not None and down is not None, "admission fills them in"
    steady = _steady(state, current, wished, now, up.stabilization_window_seconds or 0, _window(down))
    held = UP_HELD if wished >= current else DOWN_HELD
    replicas, words = _at_rate(autoscaler, state, current, steady, now, up, down)
    return Followed(replicas, READY if steady == wished else held, replicas != steady, words)


def _window(down: HPAScalingRules) -> int:
    window = down.stabilization_window_seconds
    return DOWN_WINDOW_S if window is None else window


def _plain(autoscaler: HorizontalPodAutoscaler, state: AutoscalerState, current: int, wished: int, now: int) -> Followed:
    spec = autoscaler.spec
    steady = max((wished, *_wishes(state, now, DOWN_WINDOW_S)))
    able = READY if steady == wished else DOWN_HELD
    least, rate = (1 if spec.min_replicas is None else spec.min_replicas), max(2 * current, 4)
    if steady < least:
        return Followed(least, able, True, TOO_FEW)
    if steady > min(spec.max_replicas, rate):
        return Followed(min(spec.max_replicas, rate), able, True, UP_LIMIT if rate < spec.max_replicas else TOO_MANY)
    return Followed(steady, able, False, WITHIN)


def _wishes(state: AutoscalerState, now: int, window_s: int) -> Iterator[int]:
    """What was wished for at any time in the window."""
    begins = now - window_s * SECOND_NS
    ends = [at for at, _ in state.recommendations[1:]]
    for i, (_, replicas) in enumerate(state.recommendations):
        if i == len(ends) or ends[i] > begins:
            yield replicas


def _steady(state: AutoscalerState, current: int, wished: int, now: int, up_s: int, down_s: int) -> int:
    """As much of the wish as both windows bear out."""
    most = min((wished, *_wishes(state, now, up_s))) if up_s else wished
    least = max((wished, *_wishes(state, now, down_s))) if down_s else wished
    return least if current > least else most if current < most else current


def _at_rate(
    autoscaler: HorizontalPodAutoscaler,
    state: AutoscalerState,
    current: int,
    steady: int,
    now: int,
    up: HPAScalingRules,
    down: HPAScalingRules,
) -> tuple[int, Words]:
    spec = autoscaler.spec
    if steady > current:
        rate = max(_limit(state, current, now, up, 1), current)
        most, words = (rate, UP_LIMIT) if spec.max_replicas > rate else (spec.max_replicas, TOO_MANY)
        return (most, words) if steady > most else (steady, WITHIN)
    if steady < current:
        rate, fewest = (
            min(_limit(state, current, now, down, -1), current),
            1 if spec.min_replicas is None else spec.min_replicas,
        )
        least, words = (rate, DOWN_LIMIT) if fewest < rate else (fewest, TOO_FEW)
        return (least, words) if steady < least else (steady, WITHIN)
    return steady, WITHIN


def _limit(state: AutoscalerState, current: int, now: int, rules: HPAScalingRules, direction: int) -> int:
    """How far the policies let it go now, counted from what there was at the beginning of each one's period."""
    if rules.select_policy == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        since = now - policy.period_seconds * SECOND_NS
        before = current - sum(change for at, change in state.scalings if at > since)
        if policy.type == "Pods":
            limits.append(before + direction * policy.value)
        elif direction > 0:
            limits.append(ceil(before * (100 + policy.value) / 100))
        else:
            limits.append(int(before * (100 - policy.value) / 100))
    most = (rules.select_policy == "Min") != (direction > 0)  # of those that go up, Min chooses the least
    return (max(limits) if most else min(limits)) if limits else current
