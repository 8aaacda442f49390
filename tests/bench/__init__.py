"""Benchmarks: each module has `measure() -> list[Row]`. `python -m tests.bench` runs them and keeps the figures.

Figures are by the clock on the wall; where a machine is shared, what the processor alone took stands beside them."""

import time
from collections.abc import Callable

from msgspec import Struct


class Row(Struct, frozen=True):
    """One figure. `target` is what we want, `other` what it is compared with in the same unit, `where` the time goes."""

    name: str
    figure: float
    unit: str
    target: float | None
    other: float | None
    lower: bool = False  # better when lower
    note: str = ""
    cpu: float | None = None  # the same figure if nothing but the process's own time of the processor counted
    where: str = ""

    @property
    def reached(self) -> str:
        if self.target is None:
            return ""
        if self._good(self.figure):
            return "yes"
        return "in CPU time" if self.cpu is not None and self._good(self.cpu) else "no"

    def _good(self, figure: float) -> bool:
        assert self.target is not None
        return figure <= self.target if self.lower else figure >= self.target


class Stopwatch:
    """Time since it was made: on the wall, and of the processor for all threads of this process."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def taken_s(self) -> tuple[float, float]:
        """(on the wall, of the processor)"""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu

    def row(self, name: str, target: float | None, unit: str, of: Callable[[float], float], *, lower: bool, note: str) -> Row:
        """What `of` makes of the seconds until now."""
        wall_s, cpu_s = self.taken_s()
        return Row(name, of(wall_s), unit, target, None, lower, note, of(max(cpu_s, 1e-9)))

    def seconds(self, name: str, target: float | None, note: str = "") -> Row:
        """How long it took."""
        return self.row(name, target, "s", lambda s: s, lower=True, note=note)

    def rate(self, count: int, name: str, target: float | None, note: str = "") -> Row:
        """How many a second."""
        return self.row(name, target, "/s", lambda s: count / s, lower=False, note=note)
