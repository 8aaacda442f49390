"""Variables from files that a pod's init containers have written: what is read, and what is refused."""

import asyncio
import os
from pathlib import Path

import pytest

from shipslog.runtime.commands import EnvFile, Mount, VolumeSource
from shipslog.runtime.containers.env_files import LARGEST, EnvFileUnusable, parse, values
from shipslog.store.facts import ContainerExited, ContainerStartFailed
from tests.runtime.containers.test_contract import UID, Bench, bench  # noqa: F401  # a fixture


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A='1'\nB='two words'", {"A": "1", "B": "two words"}),
        ("# a comment\n\n  A='$x \\n \"q\"'  # behind it\nA='later'\n", {"A": "later"}),
        ("A='one\ntwo # no comment\n'\r\n\nB=''\n", {"A": "one\ntwo # no comment\n", "B": ""}),
        ("", {}),
        (" \t", {}),
    ],
    ids=["plain", "comments", "lines", "empty", "blank"],
)
def test_what_a_file_says(text: str, found: dict[str, str]) -> None:
    assert parse(text.replace("\r", "")) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1", 1), ("A='1'\nB = '2'", 2), ("A='1'\n\nexport B='2'", 3), ("A='1", 1), ("A='1'x", 1), ('A="1"', 1)],
    ids=["bare", "spaces", "export", "open", "behind", "double quotes"],
)
def test_what_a_file_may_not_say(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=f"^line {line} is not"):
        parse(text)


def wanted(path: str, key: str = "A", *, optional: bool = False, volume: str = "v") -> tuple[EnvFile, ...]:
    return (EnvFile(name="X", volume=volume, path=path, key=key, optional=optional),)


def test_what_is_not_there_is_left_out_where_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v/env").write_text("A='1'\n")
    assert values(wanted("env"), tmp_path) == (("X", "1"),)
    for missing in (
        wanted("env", "B", optional=True),
        wanted("other", optional=True),
        wanted("env", optional=True, volume="w"),
    ):
        assert values(missing, tmp_path) == ()
    with pytest.raises(EnvFileUnusable, match='environment variable key "B" not found in file "env"'):
        values(wanted("env", "B"), tmp_path)
    with pytest.raises(EnvFileUnusable, match='there is no file "other" of volume "v"'):
        values(wanted("other"), tmp_path)


def test_what_a_pod_writes_there_leads_nowhere_else_and_keeps_nobody(tmp_path: Path) -> None:
    volume = tmp_path / "v"
    volume.mkdir()
    (tmp_path / "secret").write_text("A='secret'\n")
    (volume / "link").symlink_to("../secret")
    (volume / "absolute").symlink_to(tmp_path / "secret")
    (volume / "long").write_bytes(b"#" * (LARGEST + 1))
    (volume / "binary").write_bytes(b"A='\xff'\n")
    os.mkfifo(volume / "pipe")
    for name in ("link", "absolute", "long", "binary", "pipe", "."):
        with pytest.raises(EnvFileUnusable, match="couldn't parse env file"):
            values(wanted(name), tmp_path)


async def test_a_container_is_started_with_what_another_has_written(bench: Bench) -> None:  # noqa: F811
    if bench.kind == "simulated":
        return  # nothing is read there: nothing runs that could have written it
    await bench.pod(volumes=(VolumeSource(name="v", kind="emptyDir"),))
    where = str(bench.place / "processes" / UID / "volumes/v") if bench.kind == "process" else "/data"
    mounts = (Mount(volume="v", path="/data"),)
    writing = f"""printf "A='of a file'\\n" > {where}/env"""
    facts = await bench.run(writing, mounts=mounts)
    if len(facts) == 1:  # else it has ended already
        await bench.told(ContainerExited)
    await bench.run('echo "it is $X, and $Y"', attempt=1, env=(("Y", "given"),), env_files=wanted("env"))
    async with asyncio.timeout(30):
        while await bench.log_of(1) != b"it is of a file, and given\n":
            await asyncio.sleep(0.05)
    (failed,) = await bench.run("true", attempt=2, env_files=wanted("env", "B"))
    assert isinstance(failed, ContainerStartFailed) and 'key "B" not found in file "env"' in failed.message
