"""Every recorded decision comes out the same when it is taken again on the state that it read.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence

from shipslog.engine.past import replay
from shipslog.reconcilers.rule.decision import Reconciler
from shipslog.store.log.event_log import EventLog

from .broken_promise import require


async def check(log: EventLog, rules: Sequence[Reconciler]) -> int:
    """-> how many there were."""
    verified = await replay.verify(log, rules)
    require(verified.difference is None, __name__, f"{verified.difference}")
    return verified.decisions
