"""What a node should have left, as the options say.

Tests: tests/engine/settings/test_resolved.py
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shipslog.engine.host.pressure_reader import PressureSettings
from shipslog.engine.options import flag
from shipslog.reconcilers.kubelet.eviction.thresholds import DEFAULT_HARD, Threshold, parse

from .values import seconds

if TYPE_CHECKING:
    from .resolved import Settings


def pressure_of(settings: "Settings") -> PressureSettings:
    """The settings of what looks at nodes. Errors: ValueError."""
    transition_s = seconds(settings.eviction_pressure_transition_period, "eviction_pressure_transition_period")
    image_age_s = seconds(settings.minimum_image_ttl_duration, "minimum_image_ttl_duration")
    return PressureSettings(
        thresholds=_thresholds(settings), transition_s=transition_s, max_grace_s=settings.eviction_max_pod_grace_period,
        image_high=settings.image_gc_high_threshold, image_low=settings.image_gc_low_threshold, image_age_s=image_age_s,
    )  # fmt: skip


def _thresholds(settings: "Settings") -> tuple[Threshold, ...]:
    """Those that are given stand for all that there are by default, as a kubelet has it."""
    return parse(
        settings.eviction_hard or DEFAULT_HARD, settings.eviction_soft, settings.eviction_soft_grace_period,
        settings.eviction_minimum_reclaim,
    )  # fmt: skip


def faults_of_pressure(settings: "Settings") -> Iterator[str]:
    """What is wrong with which option."""
    try:
        parse(settings.eviction_hard or DEFAULT_HARD)
    except ValueError as error:
        yield f"{flag('eviction_hard')} {','.join(settings.eviction_hard)!r}: {error}"
    try:
        parse((), settings.eviction_soft, settings.eviction_soft_grace_period, settings.eviction_minimum_reclaim)
    except ValueError as error:
        yield f"{flag('eviction_soft')} {','.join(settings.eviction_soft)!r}: {error}"
    if settings.eviction_max_pod_grace_period < 0:
        yield f"{flag('eviction_max_pod_grace_period')} {settings.eviction_max_pod_grace_period}: give seconds, or 0"
    low, high = settings.image_gc_low_threshold, settings.image_gc_high_threshold
    if not 0 <= low < high <= 100:
        yield f"{flag('image_gc_low_threshold')} {low}: give less than {flag('image_gc_high_threshold')} has ({high})"
