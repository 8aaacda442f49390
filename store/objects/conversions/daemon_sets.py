"""Daemon sets of extensions/v1beta1: pods are replaced when somebody deletes them, and a field counts the templates.

Source: pkg/apis/extensions/v1beta1 (defaults, conversion) of Kubernetes 1.15; the field stands in an annotation of apps/v1.

Tests: tests/store/objects/conversions/test_older.py
"""

import re

from msgspec.structs import replace

from shipslog.store.objects.types import apps_v1 as v1
from shipslog.store.objects.types import extensions_v1beta1 as old

from .copies import copied
from .labelled import annotated, labelled

FIELDS: dict[str, str] = {}
GENERATION = "deprecated.daemonset.template.generation"
is_number = re.compile(r"[0-9]{1,18}").fullmatch


def to_hub(daemons: old.DaemonSet) -> v1.DaemonSet:
    """As it is stored."""
    daemons = labelled(daemons)
    spec = daemons.spec
    strategy = replace(spec.update_strategy, type=spec.update_strategy.type or "OnDelete")
    made = copied(daemons, v1.DaemonSet, spec=copied(spec, v1.DaemonSetSpec, update_strategy=strategy))
    counted = str(spec.template_generation) if spec.template_generation else None
    found: v1.DaemonSet = annotated(made, GENERATION, counted)
    return found


def from_hub(daemons: v1.DaemonSet) -> old.DaemonSet:
    """As extensions/v1beta1 shows it."""
    text = daemons.metadata.annotations.get(GENERATION, "")
    spec = copied(daemons.spec, old.DaemonSetSpec, template_generation=int(text) if is_number(text) else 0)
    made: old.DaemonSet = copied(annotated(daemons, GENERATION, None), old.DaemonSet, spec=spec)
    return made
