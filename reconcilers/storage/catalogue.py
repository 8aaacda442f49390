"""The rules of storage.

Tests: tests/reconcilers/rule/test_wakes.py
"""

from shipslog.reconcilers.rule.decision import Reconciler

from . import attachments, binder, directories, ephemeral, node_volumes, protection, reclaim

RULES: tuple[Reconciler, ...] = (
    binder.RECONCILER,
    directories.RECONCILER,
    ephemeral.RECONCILER,
    attachments.RECONCILER,
    node_volumes.RECONCILER,
    reclaim.RECONCILER,
    protection.CLAIMS,
    protection.VOLUMES,
)
