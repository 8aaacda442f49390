"""What the log may let go of: the heartbeats in between. A lease that is renewed on time says nothing new.

Kept are the first and the last, one in a while, both sides of every gap, and whatever the rule that judges nodes by their
leases had before its eyes when it decided: so a replay decides the same. An event that goes leaves its place, its time, its
actor and its digest: revisions stay gap-free, and the chain of checksums is still followed from the first event.
"""

from typing import NamedTuple

import msgspec

EPHEMERAL = ("leases.coordination.k8s.io/",)  # beginnings of keys, see integrity.object_key
HEARTBEAT = "Update leases.coordination.k8s.io "  # how a decision that only renews a lease is summed up
WITNESSES = ("node", "node-lifecycle")  # the rules that look at leases
STEADY_NS = 30 * 1_000_000_000  # renewals farther apart than this are a gap
EVERY_NS = 600 * 1_000_000_000  # one in such a while is kept
EXACT_NS = 3600 * 1_000_000_000  # nothing goes before it is so old


class Decided(msgspec.Struct, frozen=True):
    """The part of a DecisionTaken that is of interest here."""

    reconciler: str
    commands: tuple[str, ...]

    @property
    def heartbeat(self) -> bool:
        """It renewed a lease and did nothing else."""
        return len(self.commands) == 1 and self.commands[0].startswith(HEARTBEAT)


class _Seen(NamedTuple):
    revision: int
    time_ns: int
    decision: int  # the heartbeat that made it; 0 if something else did
    may_go: bool  # a change, on time after the one before


class Coalescer:
    """Is fed the events of a log in their order, and says which may go."""

    def __init__(self) -> None:
        self._heartbeats: set[int] = set()  # decisions whose lease has not come yet
        self._last: dict[str, _Seen] = {}
        self._kept_ns: dict[str, int] = {}
        self._going: dict[str, list[int]] = {}  # one step behind: a rule may just have looked

    def feed(
        self, revision: int, time_ns: int, cause: int | None, key: str | None, *, modified: bool = False,
        decided: Decided | None = None,
    ) -> list[int]:  # fmt: skip
        """-> earlier revisions that may go. `key`: of an object's fact; `modified`: of an ObjectModified; `decided`: of a
        DecisionTaken."""
        if decided is not None:
            if decided.heartbeat:
                self._heartbeats.add(revision)
            elif decided.reconciler in WITNESSES:
                self._going.clear()
                self._last = {name: seen._replace(may_go=False) for name, seen in self._last.items()}
            return []
        if key is None or not key.startswith(EPHEMERAL):
            return []
        before = self._last.get(key)
        decision = cause if cause is not None and cause in self._heartbeats else 0
        self._heartbeats.discard(decision)
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
