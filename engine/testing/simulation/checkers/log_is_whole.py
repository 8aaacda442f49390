"""The log has every revision, and times that do not go back.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence

from shipslog.store.events import Event

from .broken_promise import require


def check(events: Sequence[Event]) -> None:
    for number, event in enumerate(events, 1):
        require(event.revision == number, __name__, f"revision {event.revision} stands where {number} belongs")
    times = [event.time_ns for event in events]
    require(times == sorted(times), __name__, "times go back")
