"""Kill, open again, compare; as often as asked."""

import argparse
import asyncio
import ctypes
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from shipslog.runtime.commands import StartContainer
from shipslog.store.events import Event
from shipslog.store.facts import ContainerStarted
from shipslog.store.log.event_log import LogError
from shipslog.store.log.sqlite import SqliteLog

from . import stops, writers

NEWNS, NEWUSER, PRIVATE, RECURSIVE = 0x00020000, 0x10000000, 1 << 18, 1 << 14
ROOM, LITTLE_ROOM = "size=96m", "size=11m"
NEW = 0.2  # of the kills are in the first life of a log
BEGIN_ANEW_BYTES = 8_000_000  # a longer log only takes longer to look through

_libc = ctypes.CDLL(None, use_errno=True)


class Broken(AssertionError):
    """A promise was not kept."""


def own_mounts() -> None:
    """Give this process mounts of its own, which end with it. Errors: OSError where the machine does not let us."""
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(NEWNS | (NEWUSER if uid else 0)):
        raise OSError(ctypes.get_errno(), "no mount namespace of our own")
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            Path("/proc/self", name).write_text(text)
    if _libc.mount(b"none", b"/", None, PRIVATE | RECURSIVE, None):
        raise OSError(ctypes.get_errno(), "mounts cannot be made private")


@contextmanager
def disk(options: str) -> Iterator[Path]:
    """A directory on a file system of its own, of a size of its own."""
    with tempfile.TemporaryDirectory(prefix="shipslog-crash-") as directory:
        mounted = _libc.mount(b"tmpfs", directory.encode(), b"tmpfs", 0, options.encode()) == 0
        try:
            yield Path(directory)
        finally:
            if mounted:
                _libc.umount2(directory.encode(), 2)


class Trial:
    """One log under one writer, killed again and again."""

    def __init__(self, name: str, directory: Path, rng: random.Random) -> None:
        self.name, self.directory, self.rng = name, directory, rng
        self.path = directory / "log.db"
        self.acknowledged = 0
        self._known: set[tuple[str, str, int]] = set()  # starts that are on the log
        self._calls = {new: sorted(self._run().calls.items()) for new in (True, False)}
        self._empty()

    def kill(self) -> str:
        """One kill. -> what it was killed before. Errors: Broken."""
        new = not self.path.exists() or self.path.stat().st_size > BEGIN_ANEW_BYTES or self.rng.random() < NEW
        if new:
            self._empty()
        call, times = self.rng.choice(self._calls[new])  # rare calls are killed as often as those that come in thousands
        count = self.rng.randint(1, times)
        stopped = self._run(call, count)
        said = stopped.said.split()
        self.acknowledged = max(self.acknowledged, int(said[-1]) if said else 0)
        try:
            asyncio.run(self._look())
        except (LogError, Broken) as error:
            raise Broken(f"{self.name}, killed before {call}, the {count}. time: {error}") from error
        return call if stopped.killed else "nothing: it ended"

    def _run(self, call: str = "", count: int = 0) -> stops.Stopped:
        return stops.run(writers.work(writers.WRITERS[self.name], self.path), call, count)

    def _empty(self) -> None:
        for file in self.directory.iterdir():
            file.unlink()
        self.acknowledged, self._known = 0, set()

    async def _look(self) -> None:
        if not self.path.exists():
            if self.acknowledged:
                raise Broken("the log is gone")
            return
        async with await SqliteLog.open(self.path, read_only=True) as log:
            await log.verify()
            seen = log.revision
        async with await SqliteLog.open(self.path) as log:
            await log.verify()
            if not seen == log.revision >= self.acknowledged:
                raise Broken(f"{self.acknowledged} was acknowledged, a reader saw {seen}, the writer {log.revision}")
            events = [event async for batch in log.read() for event in batch]
        if self.name == "cluster":
            self._nothing_is_done_twice(events)
        for event in events if self.name != "cluster" else ():
            if event != writers.event(event.revision, len(event.fact.object) - OVERHEAD):  # type: ignore[union-attr]
                raise Broken(f"event {event.revision} is not what was written")

    def _nothing_is_done_twice(self, events: list[Event]) -> None:
        """A start that is on the log as a fact is not carried out again."""
        facts = [e.fact for e in events if isinstance(e.fact, ContainerStarted)]
        recorded = {(f.pod_uid, f.container, f.attempt) for f in facts}
        if len(recorded) != len(facts):
            raise Broken("a start is on the log twice")
        journal = self.directory / "journal"
        lines = journal.read_bytes().splitlines() if journal.exists() else []
        for line in lines:
            command = msgspec.json.decode(line)
            if command["type"] == StartContainer.__name__:
                once = (command["pod_uid"], command["container"], command["attempt"])
                if once in self._known:
                    raise Broken(f"{once} was started again after it was recorded")
        self._known = recorded
        journal.unlink(missing_ok=True)


OVERHEAD = len(writers.event(1, 0).fact.object)  # type: ignore[union-attr]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=writers.WRITERS, help="one of the writers")
    asked = parser.parse_args()
    names = [asked.only] if asked.only else list(writers.WRITERS)
    try:
        own_mounts()
    except OSError as error:
        print(f"{error}: without file systems of our own no disk is full")
        names.remove("full")
    started, count = time.monotonic(), 0
    for index, name in enumerate(names):
        with disk(LITTLE_ROOM if name == "full" else ROOM) as directory:
            trial = Trial(name, directory, random.Random(asked.seed))
            before: dict[str, int] = {}
            began = time.monotonic()
            for _ in range(asked.kills * (index + 1) // len(names) - asked.kills * index // len(names)):
                try:
                    call = trial.kill()
                except Broken as error:
                    sys.exit(f"BROKEN  {error}\n  see it again:  python -m tests.crash --only {name} --seed {asked.seed}")
                before[call] = before.get(call, 0) + 1
                count += 1
            told = ", ".join(f"{call} {n}" for call, n in sorted(before.items()))
            print(f"{name}: killed before {told}; {time.monotonic() - began:.1f} s", flush=True)
    print(f"{count} kills, nothing acknowledged was lost ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main()
