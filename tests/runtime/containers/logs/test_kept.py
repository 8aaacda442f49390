"""Logs of what is gone: moved, found by name and uid, bounded, and there again after a restart."""

import os
from pathlib import Path

import pytest

from shipslog.runtime.containers.logs.kept import KeptLogs
from shipslog.runtime.containers.logs.limits import LogLimits
from shipslog.runtime.containers.logs.reading import files_of
from shipslog.runtime.containers.logs.rotation import packed, renamed, rotate

from .test_reading import line, text

DAY_NS = 86_400_000_000_000


def wrote(pods: Path, uid: str, *lines: bytes, container: str = "c", attempt: int = 0, at_ns: int = 0) -> Path:
    place = pods / uid / "containers" / container / str(attempt)
    place.mkdir(parents=True)
    (place / "log").write_bytes(b"".join(lines))
    if at_ns:
        os.utime(place / "log", ns=(at_ns, at_ns))
    return place


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    return tmp_path / "pods"


def opened(tmp_path: Path, **limits: float) -> KeptLogs:
    kept = KeptLogs(tmp_path / "logs", tmp_path / "pods", LogLimits(**limits))  # type: ignore[arg-type]
    kept.open()
    return kept


async def test_they_are_found_by_name_and_by_uid_before_and_after_a_restart(tmp_path: Path, pods: Path) -> None:
    kept = opened(tmp_path)
    for number, uid in enumerate(("u1", "u2")):
        kept.begin(uid, "default", "web")
        wrote(pods, uid, line(number), at_ns=(number + 1) * DAY_NS)
    kept.begin("u3", "other", "web")
    wrote(pods, "u3", line(9))
    kept.keep_pod("u1")
    for logs in (kept, opened(tmp_path)):
        assert [(w.pod_uid, w.gone) for w in logs.written("default", "web")] == [("u1", True), ("u2", False)]
        assert [(w.namespace, w.pod) for w in logs.written("", "", "u3")] == [("other", "web")]
        assert list(logs.written("default", "nobody")) == []
        place = logs.place("u1", "c", 0)
        assert place is not None and await text(place) == "line 0\n"


def test_what_wrote_nothing_leaves_nothing(tmp_path: Path, pods: Path) -> None:
    kept = opened(tmp_path)
    kept.begin("u1", "default", "web")
    wrote(pods, "u1")
    for path in (pods / "u1").rglob("log"):
        path.unlink()
    kept.keep_pod("u1")
    assert list(kept.written("default", "web")) == []
    assert not (tmp_path / "logs" / "u1").exists()


def test_the_oldest_goes_first_by_age_and_by_size(tmp_path: Path, pods: Path) -> None:
    kept = opened(tmp_path, kept_for_s=3 * 86_400, kept_bytes=50_000)
    for day in range(1, 6):
        kept.begin(f"u{day}", "default", "web")
        wrote(pods, f"u{day}", line(day, "x" * 9_000), at_ns=day * DAY_NS)
        kept.keep_pod(f"u{day}")
    kept.prune(5 * DAY_NS + 1)
    assert [w.pod_uid for w in kept.written("default", "web")] == ["u3", "u4", "u5"]  # two days
    kept = opened(tmp_path, kept_for_s=30 * 86_400, kept_bytes=30_000)
    kept.prune(5 * DAY_NS + 1)
    assert [w.pod_uid for w in kept.written("default", "web")] == ["u4", "u5"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["u4", "u5"]


async def test_what_is_large_is_packed_and_read_as_before(tmp_path: Path, pods: Path) -> None:
    kept = opened(tmp_path)
    kept.begin("u1", "default", "web")
    wrote(pods, "u1", *(line(i, "x" * 100) for i in range(3_000)), at_ns=DAY_NS)
    before = await text(pods / "u1" / "containers" / "c" / "0")
    kept.keep_pod("u1")
    kept.pack()
    place = kept.place("u1", "c", 0)
    assert place is not None and [path.name for path in files_of(place)] == ["log.gz"]
    assert await text(place) == before
    (written,) = kept.written("default", "web")
    assert (written.until_ns, written.size < 60_000) == (DAY_NS, True)


async def test_a_crash_while_it_is_packed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(line(1))
    packed(log)
    (tmp_path / "log").write_bytes(line(1))  # it ended before the first one went
    (tmp_path / "log.packing").write_bytes(b"half")
    assert await text(tmp_path) == "line 1\n"


async def test_a_log_that_grows_is_turned_over(tmp_path: Path) -> None:
    limits = LogLimits(max_bytes=100, max_files=3)
    for number in range(6):
        (tmp_path / "log").write_bytes(line(number, "x" * 100))
        assert rotate(tmp_path, limits, lambda path: bool(renamed(path)))
    (tmp_path / "log").write_bytes(line(6))
    assert [path.name for path in files_of(tmp_path)] == ["log.2", "log.1", "log"]
    assert (await text(tmp_path, timestamps=True)).count("\n") == 3
    assert not rotate(tmp_path, limits, lambda path: bool(renamed(path)))
    (tmp_path / "log").unlink()
    assert not rotate(tmp_path, limits, lambda path: bool(renamed(path)))
