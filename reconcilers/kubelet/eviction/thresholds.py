"""Thresholds: how much of each thing a node should have left, how they are written, and which of them are met.

Source: kubelet's eviction API and its configuration, Kubernetes 1.32.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shipslog.store.facts import ThresholdMet
from shipslog.store.objects.values import durations, quantity
from shipslog.store.state import PressureState

MEMORY, DISK, PROCESSES = "MemoryPressure", "DiskPressure", "PIDPressure"
# by signal: the node's condition, and what pods use of it
SIGNALS = {
    "memory.available": (MEMORY, "memory"),
    "nodefs.available": (DISK, "ephemeral-storage"),
    "nodefs.inodesFree": (DISK, "inodes"),
    "imagefs.available": (DISK, "ephemeral-storage"),
    "imagefs.inodesFree": (DISK, "inodes"),
    "pid.available": (PROCESSES, "pids"),
}
BYTES = ("memory", "ephemeral-storage")  # the others are counted
DEFAULT_HARD = (
    "memory.available<100Mi",
    "nodefs.available<10%",
    "nodefs.inodesFree<5%",
    "imagefs.available<15%",
    "imagefs.inodesFree<5%",
)


class Amount(Struct, frozen=True):
    """So much, or such a part of all that there is."""

    value: int = 0
    part: float = 0.0  # 0.1 for a tenth

    def of(self, capacity: int) -> int:
        return int(capacity * self.part) if self.part else self.value


class Threshold(Struct, frozen=True, kw_only=True):
    signal: str
    least: Amount
    soft: bool = False
    grace_s: float = 0.0
    reclaim: Amount = Amount()  # once it is met, so much more has to be there before it is not

    @property
    def name(self) -> str:
        return f"{self.signal}/soft" if self.soft else self.signal


class Reading(Struct, frozen=True):
    """How much of what a signal is about is left, of how much."""

    available: int
    capacity: int


def parse(
    hard: Sequence[str] = DEFAULT_HARD, soft: Sequence[str] = (), grace: Sequence[str] = (), reclaim: Sequence[str] = ()
) -> tuple[Threshold, ...]:
    """`memory.available<100Mi`, `nodefs.available<10%`; with the grace of soft ones `memory.available=1m30s`, and what is to be
    reclaimed at least `nodefs.available=500Mi`. Errors: ValueError, saying which is wrong."""
    graces = {signal: _seconds(signal, text) for signal, text in _pairs(grace, "=").items()}
    least = {signal: _amount(signal, text) for signal, text in _pairs(reclaim, "=").items()}
    found = []
    for texts, is_soft in ((hard, False), (soft, True)):
        for signal, text in _pairs(texts, "<").items():
            amount = _amount(signal, text)
            if is_soft and signal not in graces:
                raise ValueError(f"{signal}: a soft threshold needs its grace period, for example {signal}=1m30s")
            if amount == Amount():
                continue  # so a default is taken away
            grace_s, back = graces.get(signal, 0.0) if is_soft else 0.0, least.get(signal, Amount())
            found.append(Threshold(signal=signal, least=amount, soft=is_soft, grace_s=grace_s, reclaim=back))
    return tuple(found)


def _pairs(texts: Iterable[str], sign: str) -> dict[str, str]:
    found = {}
    for text in texts:
        signal, there, value = text.partition(sign)
        if not there or signal not in SIGNALS:
            raise ValueError(f"{text!r}: give SIGNAL{sign}VALUE, the signal one of {', '.join(SIGNALS)}")
        if signal in found:
            raise ValueError(f"{text!r}: {signal} is given twice")
        found[signal] = value
    return found


def _amount(signal: str, text: str) -> Amount:
    if re.fullmatch(r"[0-9]{1,3}([.][0-9]+)?%", text):
        part = float(text[:-1]) / 100
        if part > 1:
            raise ValueError(f"{signal} {text!r}: give at most 100%")
        return Amount(part=part)
    try:
        value = quantity.value(text)
    except quantity.QuantityError:
        value = -1
    if value < 0:
        raise ValueError(f"{signal} {text!r}: give an amount, for example 500Mi, or a part, for example 10%")
    return Amount(value)


def _seconds(signal: str, text: str) -> float:
    try:
        found = durations.read(text) / 1e9
    except ValueError:
        found = 0.0
    if found <= 0:
        raise ValueError(f"{signal} {text!r}: give a time with its unit, for example 1m30s")
    return found


def met(
    thresholds: Iterable[Threshold], readings: Mapping[str, Reading], held: Iterable[ThresholdMet] = ()
) -> tuple[ThresholdMet, ...]:
    """Those that are met. `held`: that were; such a one stays met until there is as much more as is to be reclaimed."""
    before = {one.name for one in held}
    found = []
    for threshold in thresholds:
        reading = readings.get(threshold.signal)
        if reading is None or not reading.capacity:
            continue
        least = threshold.least.of(reading.capacity)
        if threshold.name in before:
            least += threshold.reclaim.of(reading.capacity)
        if reading.available < least:
            found.append(
                ThresholdMet(
                    signal=threshold.signal, quantity=threshold.least.of(reading.capacity), available=reading.available,
                    grace_s=threshold.grace_s, soft=threshold.soft,
                )
            )  # fmt: skip
    return tuple(found)


def acting(state: PressureState, now: int) -> list[ThresholdMet]:
    """The thresholds that are met for longer than they may be, memory first."""
    found = [one for one in state.observed.thresholds if now - state.since[one.name] >= one.grace_s * 1e9]
    return sorted(found, key=lambda one: (one.signal != "memory.available", one.soft, list(SIGNALS).index(one.signal)))


def conditions(state: PressureState | None, now: int) -> tuple[dict[str, bool], float | None]:
    """The node's conditions of pressure, and in how many seconds one ends by itself: each stays for a while."""
    found, again = {MEMORY: False, DISK: False, PROCESSES: False}, None
    if state is None:
        return found, again
    for one in state.observed.thresholds:
        found[SIGNALS[one.signal][0]] = True
    for signal, at in state.ceased.items():
        left_s = at / 1e9 + state.observed.transition_s - now / 1e9
        if left_s > 0 and not found[SIGNALS[signal][0]]:
            again = left_s if again is None else min(again, left_s)
    stays = {SIGNALS[s][0] for s, at in state.ceased.items() if at / 1e9 + state.observed.transition_s > now / 1e9}
    return {name: holds or name in stays for name, holds in found.items()}, again
