"""Shipslog: a Kubernetes that keeps a ship's log. The public API; the rooms are store, runtime, reconcilers and engine."""

from typing import Any

__all__ = ["Cluster", "ClusterConfig", "Decision", "Entropy", "Reconciler", "Refusal", "Say", "rule"]

_HOMES = {
    "Cluster": "shipslog.engine.cluster",
    "Decision": "shipslog.reconcilers.rule.decision",
    "Reconciler": "shipslog.reconcilers.rule.decision",
    "Say": "shipslog.reconcilers.rule.decision",
    "rule": "shipslog.reconcilers.rule.wakes",
    "ClusterConfig": "shipslog.store.facts",
    "Entropy": "shipslog.engine.time.clock",
    "Refusal": "shipslog.store.refusals",
}


def __getattr__(name: str) -> Any:
    """Names are imported when they are used: importing the package costs next to nothing."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'shipslog' has no attribute {name!r}")
