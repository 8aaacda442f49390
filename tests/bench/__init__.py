"""Benchmarks: each module has `measure() -> list[Row]`. `python -m tests.bench` runs them and keeps the figures."""

from msgspec import Struct


class Row(Struct, frozen=True):
    """One figure. `target` is what we want, `other` what it is compared with in the same unit."""

    name: str
    figure: float
    unit: str
    target: float | None
    other: float | None
    lower: bool = False  # better when lower
    note: str = ""

    @property
    def reached(self) -> str:
        if self.target is None:
            return ""
        good = self.figure <= self.target if self.lower else self.figure >= self.target
        return "yes" if good else "no"
