"""How far something is that takes long: who does it tells, whoever wants to show it listens.

Tests: tests/engine/test_backups.py, tests/engine/cli/shared/test_bar.py
"""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much (0: nobody knows)


def to_nobody(what: str, done: int, total: int) -> None:
    """For work that nobody watches."""


def step(progress: Progress, what: str) -> Callable[[int, int], None]:
    """What tells of one step of the work: (how much is done, of how much)."""

    def report(done: int, total: int) -> None:
        progress(what, done, total)

    return report
