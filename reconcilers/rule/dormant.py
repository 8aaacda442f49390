"""A rule that has nothing to do while there is no object of its kind: until then its module is not even loaded.

The roster names such a rule, what it stirs at, and where it is. The host looks for what stirs it when it starts and with every
object that is made or changed; then the rule is loaded, looks at everything, as after a start, and stays at work.

Fit for it is a rule that decides nothing at all, whatever else there is, as long as there is no object that stirs it: one whose
keys begin with its own kind, and that has no `always`, no `tells`, and hears no fact that would have it act alone.

Tests: tests/reconcilers/test_roster.py, tests/engine/host/test_sleepers.py
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from .decision import Reconciler

When = Callable[[Any], bool]  # of an object: whether it stirs the rule


def every(obj: Any) -> bool:
    """Any object of the kind stirs it."""
    return True


class Dormant(Struct, frozen=True):
    """`place`: module in `shipslog.reconcilers`, and the rule's name in it, "workloads.job.controller:RECONCILER".
    `stirred_by`: the resource keys of kinds ("jobs.batch"), each with which of its objects count."""

    name: str  # as the rule's own
    place: str
    stirred_by: Mapping[str, When]


Rule = Reconciler | Dormant


def awake(rule: Rule) -> Reconciler:
    """The rule itself, loaded if it was not."""
    return rule if isinstance(rule, Reconciler) else _loaded(rule.place)


@cache
def _loaded(place: str) -> Reconciler:
    module, _, name = place.partition(":")
    found = getattr(importlib.import_module(f"{__package__.rpartition('.')[0]}.{module}"), name)
    assert isinstance(found, Reconciler)
    return found
