"""The rules of storage.

Tests: tests/reconcilers/rule/test_wakes.py
"""

from shipslog.reconcilers.rule.decision import Reconciler

from . import attachments, binder, csi_nodes, directories, ephemeral, expansion, node_volumes, protection, reclaim

RULES: tuple[Reconciler, ...] = (
    binder.RECONCILER,
    directories.RECONCILER,
    expansion.RECONCILER,
    ephemeral.RECONCILER,
    attachments.RECONCILER,
    node_volumes.RECONCILER,
    csi_nodes.RECONCILER,
    reclaim.RECONCILER,
    protection.CLAIMS,
    protection.VOLUMES,
)
