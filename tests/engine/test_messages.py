"""The daemon's log: lines that people can read, in files that do not grow without bound."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from shipslog.engine import messages
from shipslog.engine.messages import LogFile
from shipslog.engine.settings import Settings, resolve
from shipslog.store.logger import NAME, logger, send_to

log = logger("shipslog.test")


@pytest.fixture(autouse=True)
def house() -> Iterator[None]:
    """Leaves the handlers as they were."""
    house = logging.getLogger(NAME)
    before = house.handlers[:], house.level, house.propagate
    yield
    for handler in house.handlers:
        if handler not in before[0]:
            handler.close()
    house.handlers[:], house.level, house.propagate = before


def begun(tmp_path: Path, **asked: object) -> Path:
    path = tmp_path / "shipslog.log"
    settings: Settings = resolve({"data": tmp_path, "node_name": "n", "log_file": path, **asked})
    messages.begin(settings, detached=False)
    return path


def test_a_line_has_when_how_grave_what_and_its_keys(tmp_path: Path) -> None:
    path = begun(tmp_path)
    log.warning("slow_request", took_s=1.5, user="system:admin", agent='two words, a "quote"', none="")
    log.debug("not_told")
    (line,) = path.read_text().splitlines()
    at, rest = line.split(" ", 1)
    assert len(at) == len("2026-11-23T10:32:00.123Z") and at.endswith("Z")
    assert rest == 'WARNING slow_request took_s=1.5 user=system:admin agent="two words, a \\"quote\\"" none=""'


def test_nobodys_words_look_like_another_line(tmp_path: Path) -> None:
    path = begun(tmp_path)
    log.info("asked", agent="x\n2026-11-23T10:32:00.123Z ERROR   forged key=1")
    assert len(path.read_text().splitlines()) == 1


def test_what_was_raised_follows_further_in(tmp_path: Path) -> None:
    path = begun(tmp_path)
    try:
        raise ValueError("aground")
    except ValueError:
        log.exception("ship_lost", key=1)
    first, *rest = path.read_text().splitlines()
    assert first.rstrip().endswith("ERROR   ship_lost key=1") and rest[-1] == "  ValueError: aground"
    assert all(line.startswith("  ") for line in rest)


def test_level_and_format_are_as_asked_for(tmp_path: Path) -> None:
    path = begun(tmp_path, log_level="warning", log_format="json")
    log.info("not_told")
    log.warning("told", key="a b")
    line = msgspec.json.decode(path.read_bytes())
    assert (line["event"], line["level"], line["key"]) == ("told", "warning", "a b")


@pytest.mark.parametrize(("files", "kept"), [(3, ["shipslog.log", "shipslog.log.1", "shipslog.log.2"]), (1, ["shipslog.log"])])
def test_a_file_begins_anew_and_so_many_are_kept(files: int, kept: list[str], tmp_path: Path) -> None:
    path = tmp_path / "shipslog.log"
    send_to(LogFile(path, 1000, files))
    for number in range(100):
        log.info("line", number=number)
    assert sorted(p.name for p in tmp_path.iterdir()) == kept
    assert all(p.stat().st_size <= 1000 and p.stat().st_mode & 0o777 == 0o600 for p in tmp_path.iterdir())
    text = "".join((tmp_path / name).read_text() for name in reversed(kept))
    found = [int(line.rpartition("=")[2]) for line in text.splitlines()]
    assert found == list(range(found[0], 100)), "the newest, in order and without a gap"


def test_what_others_write_to_the_descriptors_stays_with_the_newest_file(tmp_path: Path) -> None:
    import os

    path, aside = tmp_path / "shipslog.log", os.open(os.devnull, os.O_WRONLY)
    try:
        send_to(LogFile(path, 200, 2, also=(aside,)))
        for number in range(5):
            log.info("line", number=number, filler="x" * 60)
        os.write(aside, b"the interpreter's last words\n")
        assert path.read_text().endswith("the interpreter's last words\n")
    finally:
        os.close(aside)


def test_no_file_moves_on_where_none_can_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    path = tmp_path / "shipslog.log"
    send_to(LogFile(path, 300, 3))
    for number in range(12):
        log.info("line", number=number, filler="x" * 60)
    kept = {name: (tmp_path / name).read_bytes() for name in ("shipslog.log.1", "shipslog.log.2")}

    def refused(*_: object, **__: object) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refused)
        for number in range(12):
            log.info("line", number=number, filler="y" * 60)
    assert kept == {name: (tmp_path / name).read_bytes() for name in kept}
    log.info("goes_on")
    assert path.read_text().rstrip().endswith("goes_on")


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(tmp_path: Path) -> None:
    import os

    path = tmp_path / "shipslog.log"
    handler = LogFile(path, 1000, 2)
    send_to(handler)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, handler._descriptor)
    os.close(full)
    log.info("lost")
    assert path.read_text() == ""
