"""What people import from inside shipslog stays where documents have shown it, whatever room it is written in."""

import importlib

import pytest

SHOWN = (
    ("engine.replay", "verify", "engine.past.replay"),
    ("engine.replay", "Recording", "engine.past.replay"),
    ("reconcilers.catalogue", "ALL", "reconcilers.every_rule"),
    ("store.objects", "core_v1", ""),
    ("store.refusals", "Invalid", ""),
    ("engine.cluster", "all_reconcilers", ""),
    ("store.objects.selector", "of_labels", ""),
    ("store.projections", "Projection", ""),
    ("reconcilers.rule.decision", "Decision", ""),
)


@pytest.mark.parametrize(("module", "name", "home"), SHOWN)
def test_what_users_import_is_there(module: str, name: str, home: str) -> None:
    found = getattr(importlib.import_module(f"shipslog.{module}"), name)
    assert not home or found is getattr(importlib.import_module(f"shipslog.{home}"), name)
