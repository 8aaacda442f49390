"""The rules of storage.

Tests: tests/reconcilers/rule/test_wakes.py
"""

from shipslog.reconcilers.rule.decision import Reconciler

from . import binder, directories, ephemeral, protection, reclaim

RULES: tuple[Reconciler, ...] = (
    binder.RECONCILER,
    directories.RECONCILER,
    ephemeral.RECONCILER,
    reclaim.RECONCILER,
    protection.CLAIMS,
    protection.VOLUMES,
)
