"""The keys of one reconciler: which wait, which are being committed, which sleep; and what has gone wrong with the rule."""

import inspect
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec import Struct

from shipslog.engine.measures import WORK_SECONDS, Histogram
from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import Source, keys_from
from shipslog.runtime.commands import RuntimeCommand
from shipslog.runtime.node import Timer
from shipslog.store.commands import ObjectCommand
from shipslog.store.facts import Fact
from shipslog.store.logger import logger, new_failure_id
from shipslog.store.wording import counted

T = TypeVar("T")
RETRY_FIRST_S, RETRY_MAX_S = 0.005, 30.0
LONG_S = 0.05  # a decision that takes longer is taken in a thread the next time
TOLD_S = 0.5  # ...and people are told
REST, REST_MAX_S = 4, 5.0  # times as long as it took, and at most so long
COMMANDS = ObjectCommand | RuntimeCommand
SHOWN = 160  # characters of an error that people are told outside the log

log = logger(__name__)


class Trouble(Struct, frozen=True, kw_only=True):
    """A rule does not do what it should; the others go on, and this one is tried again, later each time."""

    reconciler: str
    where: str  # keys_for, all_keys, `decide KEY`, `decision KEY` (what it holds is wrong), tells, says
    error: str  # for whoever runs the cluster: it may hold what clients may not see
    times: int
    failure_id: str  # of the line of the log with the whole of it

    def __str__(self) -> str:
        """What anybody may see."""
        return f"{self.reconciler} fails: internal error {self.failure_id} ({counted(self.times, 'time', 'times in a row')})"


class Lane:
    """One rule at work. Whatever its functions raise or return stays in here."""

    def __init__(self, reconciler: Reconciler, place: int = 0) -> None:
        """`place`: its turn among all the rules."""
        self.reconciler, self.place = reconciler, place
        self.waiting: dict[str, int | None] = {}  # key -> the newest revision that woke it; in order of waking
        self.committing: set[str] = set()
        self.woken_again: dict[str, int | None] = {}
        self.aside: set[str] = set()  # those that are being decided in a thread
        self.heavy: set[str] = set()  # whose next decision takes long: what woke them is long, or the last one took long
        self.long: set[str] = set()  # those that something long woke: what they decide may be about long objects too
        self.rests: dict[str, float] = {}  # key -> when it may be decided again, by the loop's clock
        self.resting: set[str] = set()  # those among them that something has woken
        self.timers: dict[str, Timer] = {}
        self.refusals: dict[str, int] = {}  # in a row, by key
        self.troubles: dict[str, Trouble] = {}  # by where; gone when it works again
        self.adds, self.decisions, self.retries, self.failures = 0, 0, 0, 0
        self.waited, self.worked = Histogram(WORK_SECONDS), Histogram(WORK_SECONDS)
        self._since: dict[str, float] = {}  # when a key that waits began to

    # --- waking ---

    def wake(self, key: str, cause: int | None) -> None:
        if key in self.committing:
            self.woken_again[key] = cause
            return
        if self.resting:
            self.resting.discard(key)
        if self.timers and (timer := self.timers.pop(key, None)) is not None:
            timer.cancel()
        if key not in self.waiting:
            self.adds += 1
            self._since[key] = time.perf_counter()
        self.waiting[key] = cause

    def put_back(self, keys: Iterable[tuple[str, int | None]]) -> None:
        """Their turn has not come: they wait again, before those that were woken meanwhile."""
        self.waiting = {**dict(keys), **self.waiting}

    def begins(self, key: str) -> None:
        """It is the key's turn."""
        if (since_s := self._since.pop(key, None)) is not None:
            self.waited.observe(time.perf_counter() - since_s)

    def keys_for(
        self, sources: Iterable[Source], view: MemoryView, fact: Fact | None, before: Any, after: Any
    ) -> Iterable[str] | None:
        """The keys that a change concerns by those of the rule's sources that are about such; None when it could not say.
        `fact`, `before`, `after`: see `keys_from`."""
        try:  # as in `asked`, which would cost as much again: each rule is asked about each event
            keys = keys_from(sources, view, fact, before, after)
        except Exception as error:
            self._in_trouble("keys_for", error)
            return None
        if self.troubles:
            self.troubles.pop("keys_for", None)
        return keys

    def all_keys(self, view: MemoryView) -> Iterable[str] | None:
        """All keys that there are; None when the rule could not say."""
        return self.asked("all_keys", lambda: list(self.reconciler.wakes.all_keys(view)))

    def decide(self, view: MemoryView, key: str, now_ns: Instant) -> Decision | None:
        """What the rule decides; None when it raised, or returned something else."""

        where = f"decide {key!r}"
        try:  # as in `asked`
            found: object = self.reconciler.decide(view, key, now=now_ns)
            if not isinstance(found, Decision):
                raise _no_decision(found, key)
            for command in found.commands:
                if not isinstance(command, COMMANDS):
                    raise TypeError(f"decide returned a {type(command).__name__} among the commands for key {key!r}")
        except Exception as error:
            self._in_trouble(where, error)
            return None
        if self.troubles:
            self.troubles.pop(where, None)
        return found

    def asked(self, where: str, ask: Callable[[], T]) -> T | None:
        """What something of the rule answers; None when it raised, which is told and kept as a trouble."""
        try:
            answer = ask()
        except Exception as error:
            self._in_trouble(where, error)
            return None
        if self.troubles:
            self.troubles.pop(where, None)
        return answer

    def _in_trouble(self, where: str, error: Exception) -> None:
        """Say it with its stack the first time, and in a line when it comes again."""
        self.failures += 1
        words = f"{type(error).__name__}: {error}"[:SHOWN]
        before = self.troubles.get(where)
        times = before.times + 1 if before is not None else 1
        same = before is not None and before.error == words
        failure_id = before.failure_id if before is not None and same else new_failure_id()
        name = self.reconciler.name
        self.troubles[where] = Trouble(reconciler=name, where=where, error=words, times=times, failure_id=failure_id)
        if not same:
            log.exception("rule_failed", reconciler=name, where=where, error=words, failure_id=failure_id)
        else:
            log.warning("rule_failed", reconciler=name, where=where, error=words, times=times, failure_id=failure_id)

    # --- taking long ---

    def took(self, key: str, took_s: float, now_s: float) -> None:
        """A decision about the key took so long: one that takes long rests, so that it never has the loop for itself, and what
        wakes it meanwhile is decided together."""
        self.worked.observe(took_s)
        if self.rests or self.heavy:
            self.rests.pop(key, None)
            self.heavy.discard(key)
            self.long.discard(key)
        if took_s > LONG_S:
            self.heavy.add(key)
            self.rests[key] = now_s + min(took_s * REST, REST_MAX_S)
        if took_s > TOLD_S:
            log.warning("decision_slow", reconciler=self.reconciler.name, key=key, took_s=round(took_s, 2))

    def rest_s(self, key: str, now_s: float) -> float:
        """How long the key is not to be decided yet."""
        return self.rests[key] - now_s if key in self.rests else 0.0

    # --- trying again ---

    def pause_s(self, key: str) -> float:
        """How long a refused key waits: longer each time in a row."""
        count = self.refusals.get(key, 0)
        self.refusals[key] = count + 1
        self.retries += 1
        return float(min(RETRY_FIRST_S * 2 ** min(count, 20), RETRY_MAX_S))

    def stop(self) -> None:
        for timer in self.timers.values():
            timer.cancel()


def _no_decision(found: object, key: str) -> TypeError:
    """What to say of a rule that returned something else."""
    hint = ""
    if inspect.iscoroutine(found):
        found.close()
        hint = "; is it `async def`?"
    return TypeError(f"decide must return a Decision, and returned {type(found).__name__} for key {key!r}{hint}")
