"""Stateful sets of apps/v1beta1: pods are replaced when somebody deletes them. Source: its defaults in Kubernetes 1.15.

Tests: tests/store/objects/conversions/test_older.py
"""

from msgspec.structs import replace

from shipslog.store.objects.types.apps_v1 import StatefulSet

from .labelled import labelled

FIELDS: dict[str, str] = {}


def to_hub(pods: StatefulSet) -> StatefulSet:
    """As it is stored."""
    found: StatefulSet = labelled(pods)
    strategy = found.spec.update_strategy
    return replace(found, spec=replace(found.spec, update_strategy=replace(strategy, type=strategy.type or "OnDelete")))


def from_hub(pods: StatefulSet) -> StatefulSet:
    return pods
