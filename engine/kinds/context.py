"""What a rule may know besides the object: the head, the hour, who asks, and where warnings go.

Tests: tests/engine/kinds/test_goldens.py
"""

from msgspec import Struct

from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Entropy
from shipslog.store.facts import ClusterConfig


class Admission(Struct, kw_only=True):
    """The circumstances of one command. Rules read it; they may only add to `warnings`."""

    view: MemoryView
    now_ns: int
    entropy: Entropy
    actor: str
    groups: tuple[str, ...] = ()
    dry_run: bool = False
    config: ClusterConfig
    warnings: list[str]
