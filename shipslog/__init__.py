"""Shipslog: a Kubernetes that keeps a ship's log. The public API; the rooms are store, runtime, reconcilers and engine."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipslog.engine.client import Client, EngineStopped
    from shipslog.engine.library import Cluster, Serving
    from shipslog.engine.time.clock import Entropy
    from shipslog.reconcilers.rule.decision import Decision, Reconciler, Say
    from shipslog.reconcilers.rule.wakes import rule
    from shipslog.store.facts import ClusterConfig
    from shipslog.store.refusals import Refusal

try:
    from shipslog._version import VERSION as __version__
except ImportError:  # never installed, not even as a checkout
    __version__ = "0+unknown"
__all__ = [
    "Client",
    "Cluster",
    "ClusterConfig",
    "Decision",
    "EngineStopped",
    "Entropy",
    "Reconciler",
    "Refusal",
    "Say",
    "Serving",
    "__version__",
    "rule",
]

_HOMES = {
    "Client": "shipslog.engine.client",
    "Cluster": "shipslog.engine.library",
    "ClusterConfig": "shipslog.store.facts",
    "Decision": "shipslog.reconcilers.rule.decision",
    "EngineStopped": "shipslog.engine.client",
    "Entropy": "shipslog.engine.time.clock",
    "Reconciler": "shipslog.reconcilers.rule.decision",
    "Refusal": "shipslog.store.refusals",
    "Say": "shipslog.reconcilers.rule.decision",
    "Serving": "shipslog.engine.library",
    "rule": "shipslog.reconcilers.rule.wakes",
}


def __getattr__(name: str) -> Any:
    """Names are imported when they are used: importing the package costs next to nothing."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'shipslog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
