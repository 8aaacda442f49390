"""The indexes of a view, folded from every change, find what indexes find that are made from the state alone.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from shipslog.engine.state.view import MemoryView

from .broken_promise import require


def check(view: MemoryView, whose: str) -> None:
    wrong = view.reindex()
    require(not wrong, __name__, f"{whose} at revision {view.revision}: {', '.join(wrong)}")
