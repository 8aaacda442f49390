"""Wishes are followed as steadily and as fast as the behavior says."""

from typing import Any

import pytest

from shipslog.reconcilers.workloads.autoscaler.behavior import Followed, follow
from shipslog.store.objects.types.autoscaling_v2 import (
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
)
from shipslog.store.state import AutoscalerState
from tests.reconcilers.views import NOW, meta

ANY = (HPAScalingPolicy(type="Percent", value=100, period_seconds=15),)


def ago(seconds: float) -> int:
    return NOW - int(seconds * 10**9)


def rules(*policies: tuple[str, int, int], window: int | None = 0, select: str = "Max") -> HPAScalingRules:
    made = tuple(HPAScalingPolicy(type=t, value=v, period_seconds=s) for t, v, s in policies)
    return HPAScalingRules(stabilization_window_seconds=window, select_policy=select, policies=made or ANY)


def followed(
    current: int,
    wished: int,
    *,
    up: HPAScalingRules | None = None,
    down: HPAScalingRules | None = None,
    least: int = 1,
    most: int = 100,
    wishes: Any = (),
    scalings: Any = (),
) -> Followed:
    behavior = HorizontalPodAutoscalerBehavior(scale_up=up or rules(), scale_down=down or rules()) if up or down else None
    spec = HorizontalPodAutoscalerSpec(min_replicas=least, max_replicas=most, behavior=behavior)
    autoscaler = HorizontalPodAutoscaler(metadata=meta("a"), spec=spec)
    state = AutoscalerState(uid="u", recommendations=tuple(wishes), scalings=tuple(scalings))
    return follow(autoscaler, state, current, wished, NOW)


def test_without_a_behavior_up_at_once_and_down_after_five_minutes() -> None:
    assert followed(3, 6).replicas == 6
    assert followed(3, 9) == Followed(
        6,
        ("ReadyForNewScale", "recommended size matches current size"),
        True,
        ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"),
    )
    assert followed(1, 9).replicas == 4, "to four at once, however few there are"
    held = followed(6, 2, wishes=[(ago(400), 6), (ago(100), 2)])
    assert (held.replicas, held.able[0]) == (6, "ScaleDownStabilized"), "six were wished for until 100 s ago"
    assert followed(6, 2, wishes=[(ago(400), 6), (ago(301), 2)]).replicas == 2
    assert followed(6, 9, most=8).limit[0] == "TooManyReplicas" and followed(6, 0).limit[0] == "TooFewReplicas"


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(10, 5), (59, 5), (60, 3)],
)
def test_a_wish_counts_until_another_follows_it(seconds: int, wanted: int) -> None:
    down = rules(window=60)
    found = followed(5, 3, down=down, wishes=[(ago(3000), 5), (ago(seconds), 3)])
    assert found.replicas == wanted and (found.able[0] == "ScaleDownStabilized") == (wanted == 5)


def test_up_waits_for_the_least_of_its_window() -> None:
    up = rules(("Percent", 1000, 15), window=120)
    found = followed(2, 9, up=up, wishes=[(ago(600), 2), (ago(100), 5), (ago(30), 9)])
    assert (found.replicas, found.able[0]) == (2, "ScaleUpStabilized")
    assert followed(2, 9, up=up, wishes=[(ago(600), 2), (ago(121), 5), (ago(30), 9)]).replicas == 5
    both = followed(4, 3, up=up, down=rules(window=120), wishes=[(ago(600), 2), (ago(100), 9), (ago(5), 3)])
    assert both.replicas == 4, "between the least and the most of the windows it stays"


@pytest.mark.parametrize(
    ("rules_", "scalings", "wanted", "reason"),
    [
        (rules(("Pods", 2, 60)), [], 12, "ScaleUpLimit"),
        (rules(("Pods", 2, 60)), [(ago(30), 2)], 10, "ScaleUpLimit"),  # they were added in this period already
        (rules(("Pods", 2, 60)), [(ago(60), 2)], 12, "ScaleUpLimit"),
        (rules(("Pods", 2, 60)), [(ago(30), -3)], 15, "ScaleUpLimit"),  # it began with more
        (rules(("Percent", 50, 60)), [], 15, "ScaleUpLimit"),
        (rules(("Percent", 50, 60), ("Pods", 9, 60)), [], 19, "ScaleUpLimit"),
        (rules(("Percent", 50, 60), ("Pods", 9, 60), select="Min"), [], 15, "ScaleUpLimit"),
        (rules(("Percent", 1000, 60)), [], 30, "DesiredWithinRange"),
        (rules(select="Disabled"), [], 10, "ScaleUpLimit"),
    ],
)
def test_how_fast_up(rules_: HPAScalingRules, scalings: Any, wanted: int, reason: str) -> None:
    found = followed(10, 30, up=rules_, scalings=scalings)
    assert (found.replicas, found.limit[0], found.limited) == (wanted, reason, reason != "DesiredWithinRange")


@pytest.mark.parametrize(
    ("rules_", "scalings", "wanted"),
    [
        (rules(("Pods", 2, 60)), [], 8),
        (rules(("Pods", 2, 60)), [(ago(30), -2)], 10),
        (rules(("Percent", 25, 60)), [], 7),
        (rules(("Percent", 25, 60), ("Pods", 1, 60)), [], 7),
        (rules(("Percent", 25, 60), ("Pods", 1, 60), select="Min"), [], 9),
        (rules(select="Disabled"), [], 10),
    ],
)
def test_how_fast_down(rules_: HPAScalingRules, scalings: Any, wanted: int) -> None:
    found = followed(10, 2, down=rules_, scalings=scalings)
    assert (found.replicas, found.limit[0]) == (wanted, "ScaleDownLimit")


def test_the_bounds_are_named() -> None:
    assert followed(10, 200, up=rules(("Percent", 1000, 15)), most=50).limit[0] == "TooManyReplicas"
    assert followed(10, 1, down=rules(), least=4) == Followed(
        4,
        ("ReadyForNewScale", "recommended size matches current size"),
        True,
        ("TooFewReplicas", "the desired replica count is less than the minimum replica count"),
    )
