"""One writer a log, also where the lock's file is removed and made again."""

import fcntl
import os
from pathlib import Path

import pytest

from shipslog.store.log import writer_lock
from shipslog.store.log.event_log import LogBusy
from shipslog.store.log.writer_lock import WriterLock, lock_path, writer_lives


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    lock = WriterLock(path)
    with pytest.raises(LogBusy, match=f"process {os.getpid()} has this log open"):
        WriterLock(path)
    assert writer_lives(path)
    lock.release()
    assert not writer_lives(path)
    WriterLock(path).release()


def test_who_waited_for_a_lock_that_was_removed_takes_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    first, beside = WriterLock(path), lock_path(path)
    waited = 0

    def sleep(_: float) -> None:
        nonlocal waited
        waited += 1
        if waited == 1:  # as a start that came to nothing, and `down --purge`, leave it
            beside.unlink()
            first.release()

    monkeypatch.setattr(writer_lock.time, "sleep", sleep)
    second = WriterLock(path)
    assert waited == 1
    with beside.open("rb") as there, pytest.raises(BlockingIOError):
        fcntl.flock(there, fcntl.LOCK_EX | fcntl.LOCK_NB)
    second.release()
