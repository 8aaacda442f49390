"""Levels of priority of flowcontrol.apiserver.k8s.io/v1beta1 and v1beta2: shares have another name there.

Source: pkg/apis/flowcontrol/v1beta2 (conversion) of Kubernetes 1.28.

Tests: tests/store/objects/conversions/test_older.py
"""

from shipslog.store.objects.types import flowcontrol_v1 as v1
from shipslog.store.objects.types import flowcontrol_v1beta2 as old

from .copies import copied

FIELDS: dict[str, str] = {}


def to_hub(level: old.PriorityLevelConfiguration) -> v1.PriorityLevelConfiguration:
    """As it is stored."""
    limited = level.spec.limited
    if limited is not None:
        shares = limited.assured_concurrency_shares or None  # none means as many as usual
        limited = copied(limited, v1.LimitedPriorityLevelConfiguration, nominal_concurrency_shares=shares)
    spec = copied(level.spec, v1.PriorityLevelConfigurationSpec, limited=limited)
    made: v1.PriorityLevelConfiguration = copied(level, v1.PriorityLevelConfiguration, spec=spec)
    return made


def from_hub(level: v1.PriorityLevelConfiguration) -> old.PriorityLevelConfiguration:
    """As an older version shows it."""
    limited = level.spec.limited
    if limited is not None:
        shares = limited.nominal_concurrency_shares or 0
        limited = copied(limited, old.LimitedPriorityLevelConfiguration, assured_concurrency_shares=shares)
    spec = copied(level.spec, old.PriorityLevelConfigurationSpec, limited=limited)
    made: old.PriorityLevelConfiguration = copied(level, old.PriorityLevelConfiguration, spec=spec)
    return made
