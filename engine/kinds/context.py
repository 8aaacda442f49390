"""What a rule may know besides the object: the head, the hour, who asks, and where warnings go.

Tests: tests/engine/kinds/test_goldens.py
"""

from msgspec import Struct

from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Entropy
from shipslog.store.facts import ClusterConfig
from shipslog.store.objects.scheme import Kind


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
    version: Kind | None = None  # of the kind, in which the object came; None for the stored one
