"""What the log may let go of: the heartbeats in between, and the decisions that made nothing else.

A lease that is renewed on time says nothing new. Kept are the first and the last, one in a while, both sides of every gap,
and whatever a rule that reads leases had before its eyes when it decided something else: so a replay decides the same. Which
rules do not read them is for the caller to say: decisions of any other, also of rules that are no more, count as having looked.
An event that goes leaves its place, its time, its actor and its digest: revisions stay gap-free, and the chain of checksums is
still followed from the first event.
"""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from shipslog.store.facts import COMMANDS_TOLD

EPHEMERAL = ("leases.coordination.k8s.io",)  # the kinds whose changes are heartbeats, by their keys on the log
STEADY_NS = 30 * 1_000_000_000  # renewals farther apart than this are a gap
EVERY_NS = 600 * 1_000_000_000  # one in such a while is kept
EXACT_NS = 3600 * 1_000_000_000  # nothing goes before it is so old


class Decided(msgspec.Struct, frozen=True):
    """The part of a DecisionTaken that is of interest here."""

    reconciler: str
    commands: tuple[str, ...]  # how many: what the lines say is for people


class _Block(NamedTuple):
    """A decision that may have done nothing but renew leases: what its commands came to stands right behind it."""

    decision: int  # its revision; 0: there is none
    rule: str
    next: int  # the revision of the heartbeat that is expected
    left: int  # so many of them


class _Seen(NamedTuple):
    revision: int
    time_ns: int
    may_go: bool  # a change, on time after the one before


NO_BLOCK = _Block(0, "", 0, 0)


class Coalescer:
    """Is fed the events of a log in their order, and says which may go. `blind`: the rules that do not read heartbeats."""

    def __init__(self) -> None:
        self.blind: Collection[str] = ()
        self._last: dict[str, _Seen] = {}
        self._kept_ns: dict[str, int] = {}
        self._going: dict[str, int] = {}  # one step behind: a rule may just have looked
        self._looked = 0  # the last decision by which heartbeats before it were read
        self._block = NO_BLOCK

    def feed(
        self,
        revision: int,
        time_ns: int,
        cause: int | None,
        key: str | None,
        *,
        modified: bool = False,
        decided: Decided | None = None,
    ) -> list[int]:
        """-> revisions up to this one that may go. `key`: of an object's fact; `modified`: of an ObjectModified; `decided`: of
        a DecisionTaken."""
        if key is None or key.partition("/")[0] not in EPHEMERAL:
            self._no_heartbeat()
            if decided is not None:
                self._begin(revision, decided)
            return []
        before = self._last.get(key)
        on_time = before is not None and modified and abs(time_ns - before.time_ns) <= STEADY_NS
        gone = self._heartbeat(revision, cause) if on_time else self._no_heartbeat()
        self._last[key] = _Seen(revision, time_ns, on_time)
        if key in self._going:
            gone.append(self._going.pop(key))
        if before is None:
            return gone
        free = before.may_go and before.revision > self._looked
        alone = cause is None or cause == self._block.decision or cause in gone
        if free and on_time and alone and abs(before.time_ns - self._kept_ns.get(key, 0)) < EVERY_NS:
            self._going[key] = before.revision
        else:
            self._kept_ns[key] = before.time_ns
        return gone

    def _begin(self, revision: int, decided: Decided) -> None:
        if 0 < len(decided.commands) < COMMANDS_TOLD:  # else it may have had more of them
            self._block = _Block(revision, decided.reconciler, revision + 1, len(decided.commands))
        else:
            self._look(revision, decided.reconciler)

    def _heartbeat(self, revision: int, cause: int | None) -> list[int]:
        """A lease was renewed on time. -> its decision, when that has now renewed all that it renews, and done nothing else"""
        block = self._block
        if (cause, revision) != (block.decision, block.next):
            return self._no_heartbeat()
        if block.left == 1:
            self._block = NO_BLOCK
            return [block.decision]
        self._block = block._replace(next=revision + 1, left=block.left - 1)
        return []

    def _no_heartbeat(self) -> list[int]:
        """What the decision before has done is something else, too: it may have looked at any lease."""
        if self._block.decision:
            self._look(self._block.decision, self._block.rule)
            self._block = NO_BLOCK
        return []

    def _look(self, revision: int, rule: str) -> None:
        """Whoever reads leases had the newest of them before its eyes when it decided, and they stay."""
        if rule not in self.blind:
            self._going.clear()
            self._looked = revision
