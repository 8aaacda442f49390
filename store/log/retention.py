"""What the log may let go of: the heartbeats in between. A lease that is renewed on time says nothing new.

Kept are the first and the last, one in a while, both sides of every gap, and whatever a rule that reads leases had before its
eyes when it decided: so a replay decides the same. Which rules do not read them is for the caller to say: decisions of any
other, also of rules that are no more, count as having looked. An event that goes leaves its place, its time, its
actor and its digest: revisions stay gap-free, and the chain of checksums is still followed from the first event.
"""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

EPHEMERAL = ("leases.coordination.k8s.io",)  # the kinds whose changes are heartbeats, by their keys on the log
STEADY_NS = 30 * 1_000_000_000  # renewals farther apart than this are a gap
EVERY_NS = 600 * 1_000_000_000  # one in such a while is kept
EXACT_NS = 3600 * 1_000_000_000  # nothing goes before it is so old


class Decided(msgspec.Struct, frozen=True):
    """The part of a DecisionTaken that is of interest here."""

    reconciler: str
    commands: tuple[str, ...]  # how many: what the lines say is for people


class _Seen(NamedTuple):
    revision: int
    time_ns: int
    decision: int  # the heartbeat that made it; 0 if something else did
    may_go: bool  # a change, on time after the one before


class Coalescer:
    """Is fed the events of a log in their order, and says which may go. `blind`: the rules that do not read heartbeats."""

    def __init__(self) -> None:
        self.blind: Collection[str] = ()
        self._last: dict[str, _Seen] = {}
        self._kept_ns: dict[str, int] = {}
        self._going: dict[str, list[int]] = {}  # one step behind: a rule may just have looked
        self._decided = 0, ""  # revision and rule of the event before, if it was a decision with one command

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
        """-> earlier revisions that may go. `key`: of an object's fact; `modified`: of an ObjectModified; `decided`: of a
        DecisionTaken."""
        ephemeral = key is not None and key.partition("/")[0] in EPHEMERAL
        decision, rule = self._decided  # what an only command did stands right behind its decision, and names it as cause
        self._decided = 0, ""
        if decision and not (ephemeral and cause == decision == revision - 1):
            self._looked(rule)
            decision = 0
        if decided is not None:
            if len(decided.commands) == 1:
                self._decided = revision, decided.reconciler
            else:
                self._looked(decided.reconciler)
        if key is None or not ephemeral:
            return []
        before = self._last.get(key)
        on_time = before is not None and abs(time_ns - before.time_ns) <= STEADY_NS
        self._last[key] = _Seen(revision, time_ns, decision, modified and on_time)
        gone = self._going.pop(key, [])
        if before is None:
            return gone
        # who renews a lease has read it: without the one before, its decision cannot be taken again
        alone = cause is None or decision != 0
        if before.may_go and modified and on_time and alone and abs(before.time_ns - self._kept_ns.get(key, 0)) < EVERY_NS:
            self._going[key] = [r for r in (before.decision, before.revision, decision) if r]
        else:
            self._kept_ns[key] = before.time_ns
        return gone

    def _looked(self, rule: str) -> None:
        """A decision that was no heartbeat: whoever reads leases had the newest of them before its eyes, and they stay."""
        if rule not in self.blind:
            self._going.clear()
            self._last = {name: seen._replace(may_go=False) for name, seen in self._last.items()}
