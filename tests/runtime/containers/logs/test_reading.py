"""What is read of a log, however it was cut into files."""

import asyncio
import gzip
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from shipslog.runtime.containers.logs import reading
from shipslog.runtime.containers.logs.lines import parse_time_ns
from shipslog.runtime.containers.logs.rotation import copied
from shipslog.runtime.node import LogOptions


def stamp(number: int) -> str:
    return f"2026-11-27T10:{number // 60 % 60:02}:{number % 60:02}.000000000Z"


def line(number: int, text: str = "", flag: str = "F") -> bytes:
    return f"{stamp(number)} stdout {flag} {text or f'line {number}'}\n".encode()


def cut(directory: Path, lines: Sequence[bytes], *at: int, pack: bool = False) -> None:
    """Write the lines into as many files as there are cuts and one; the older ones packed."""
    bounds = [0, *at, len(lines)]
    for number, (first, last) in enumerate(pairwise(bounds)):
        age = len(bounds) - 2 - number
        content = b"".join(lines[first:last])
        name = f"log.{age}" if age else "log"
        if pack and age:
            (directory / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (directory / name).write_bytes(content)


async def text(directory: Path, **options: object) -> str:
    source = reading.read(directory, LogOptions(**options), lambda: False)  # type: ignore[arg-type]
    return b"".join([part async for part in source]).decode()


@pytest.mark.parametrize("pack", [False, True])
async def test_the_last_lines_of_any_cut(tmp_path: Path, pack: bool) -> None:
    chance = random.Random(3)
    for case in range(60):
        place = tmp_path / str(case)
        place.mkdir()
        count = chance.randint(0, 30)
        parts = [line(i, f"{i}-" + "x" * chance.randint(0, 9), chance.choice("FFP")) for i in range(count)]
        cuts = sorted(chance.randint(0, count) for _ in range(chance.randint(0, 3)))
        cut(place, parts, *cuts, pack=pack)
        whole = await text(place)
        lines = whole.splitlines(keepends=True)
        for tail in (0, 1, 2, 5, 50):
            assert await text(place, tail_lines=tail) == "".join(lines[max(0, len(lines) - tail) :]), (case, tail)


async def test_the_last_line_of_much_is_found_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(tmp_path, [line(i) for i in range(20_000)], 10_000)
    read: list[int] = []
    seen = reading.is_whole
    monkeypatch.setattr(reading, "is_whole", lambda raw: read.append(len(raw)) or seen(raw))
    assert await text(tmp_path, tail_lines=3) == "line 19997\nline 19998\nline 19999\n"
    assert sum(read) < 2 * reading._BLOCK


async def test_a_line_of_megabytes_is_one_line(tmp_path: Path) -> None:
    parts = [line(1), *(line(2, "y" * 8000, "P") for _ in range(400)), line(2, "end"), line(3)]
    cut(tmp_path, parts, 200)
    assert len(await text(tmp_path, tail_lines=2)) == 400 * 8000 + len("end\nline 3\n")
    assert (await text(tmp_path, tail_lines=2, timestamps=True)).count(stamp(2)) == 1


async def test_moments_and_limits(tmp_path: Path) -> None:
    cut(tmp_path, [line(i) for i in range(10)], 4, 7, pack=True)
    at = {i: parse_time_ns(stamp(i)) for i in range(10)}
    assert await text(tmp_path, since_ns=at[8]) == "line 8\nline 9\n"
    assert await text(tmp_path, until_ns=at[1]) == "line 0\nline 1\n"
    assert await text(tmp_path, since_ns=at[3], until_ns=at[4]) == "line 3\nline 4\n"
    assert await text(tmp_path, limit_bytes=9) == "line 0\nli"


async def test_what_is_no_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\0\0\n" + line(1) + b"x" * 3_000_000 + b"\n" + line(2) + b"2026 stderr")
    assert await text(tmp_path) == "line 1\nline 2\n"
    assert await text(tmp_path, tail_lines=1) == "line 2\n"


async def test_nothing_is_lost_when_it_is_turned_over_under_a_reader(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(line(0))
    running = True
    got: list[bytes] = []

    async def follow() -> None:
        async for part in reading.read(tmp_path, LogOptions(follow=True), lambda: running):
            got.append(part)

    reader = asyncio.create_task(follow())
    for i in range(1, 40):
        if i % 10 == 0:
            log.rename(tmp_path / "log.1")
            await asyncio.sleep(0.01)  # conmon takes its time
        with log.open("ab") as file:
            file.write(line(i))
        await asyncio.sleep(0.005)
    running = False
    await asyncio.wait_for(reader, 10)
    assert b"".join(got).decode().splitlines() == [f"line {i}" for i in range(40)]


async def test_a_file_that_begins_anew_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(line(0) + line(1))
    running, got = True, list[bytes]()

    async def follow() -> None:
        async for part in reading.read(tmp_path, LogOptions(follow=True), lambda: running):
            got.append(part)

    reader = asyncio.create_task(follow())
    while b"".join(got).count(b"\n") < 2:
        await asyncio.sleep(0.01)
    assert copied(log)
    with log.open("ab") as file:
        file.write(line(2))
    while b"".join(got).count(b"\n") < 3:
        await asyncio.sleep(0.01)
    running = False
    await asyncio.wait_for(reader, 10)
    assert b"".join(got).decode().splitlines() == ["line 0", "line 1", "line 2"]
    assert (tmp_path / "log.1").read_bytes() == line(0) + line(1)


def test_the_last_text_of_a_file(tmp_path: Path) -> None:
    cut(tmp_path, [line(i) for i in range(5)])
    assert reading.tail_text(tmp_path / "log", 2) == "line 3\nline 4\n"
    assert reading.tail_text(tmp_path / "none", 2) == ""
