"""`shipslog down --all` says what it could not do."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipslog.engine import daemon
from shipslog.engine.cli import down
from shipslog.engine.cli.shared.options import LEFT_BEHIND
from shipslog.engine.settings import keep, resolve
from shipslog.runtime.choice import Choice
from shipslog.runtime.node import LeftBehind, RuntimeUnavailable

LEFT = ("pod 1234: Device or resource busy: '/data/node/pods/1234'", "packet rules: nft refused")


def test_without_a_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: Path) -> None:
        raise LeftBehind(LEFT)

    monkeypatch.setattr(daemon, "end_pods_of", fails)
    (tmp_path / "cluster.db").touch()
    told = CliRunner().invoke(down.command, ["--all", "--data", str(tmp_path)])
    assert told.exit_code == down.UNFINISHED and "gone" not in told.output
    assert all(line in told.output for line in LEFT)


def test_without_the_programs_that_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: Path) -> None:
        raise RuntimeUnavailable("crun is not installed")

    monkeypatch.setattr(daemon, "end_pods_of", fails)
    (tmp_path / "cluster.db").touch()
    told = CliRunner().invoke(down.command, ["--all", "--data", str(tmp_path)])
    assert told.exit_code == down.UNFINISHED and "crun is not installed" in told.output


@pytest.mark.parametrize("left", [LEFT, ()])
def test_with_a_daemon(left: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon leaves a note, since nobody sees the code that it ends with."""

    class Gone:
        pid, log_file = 999_999_999, ""

    def ends(pid: int, number: int) -> None:
        if left:
            (tmp_path / LEFT_BEHIND).write_text("\n".join(left))

    monkeypatch.setattr(down, "daemon_of", lambda data: Gone())
    monkeypatch.setattr(down, "_ended", lambda pid: True)
    monkeypatch.setattr(down.os, "kill", ends)
    (tmp_path / LEFT_BEHIND).write_text("of the last time")
    told = CliRunner().invoke(down.command, ["--all", "--data", str(tmp_path)])
    assert "of the last time" not in told.output
    assert all(line in told.output for line in left)
    assert (told.exit_code, "Its pods are gone." in told.output) == ((down.UNFINISHED, False) if left else (0, True))


def test_a_directory_that_takes_no_changes_is_said(tmp_path: Path) -> None:
    (tmp_path / "cluster.db").touch()
    (tmp_path / LEFT_BEHIND).mkdir()  # cannot be unlinked, as nothing can where a disk is read-only
    for options in (["--purge", "--yes"], ["--all"], []):
        command = [sys.executable, "-m", "shipslog", "down", *options, "--data", str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert told.returncode == down.UNFINISHED and f"{tmp_path / LEFT_BEHIND}: " in told.stderr, told.stderr
        assert told.stderr.count("\n") == 1 and not told.stdout, told.stderr


def test_an_empty_name_is_no_directory() -> None:
    told = CliRunner().invoke(down.command, ["--purge", "--yes", "--data", ""])
    assert told.exit_code == 2 and "it is empty; name a directory" in told.output


def test_the_node_is_found_by_its_kept_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the machine's, which `up --node-name` had set aside."""
    settings = resolve({"data": tmp_path, "node_name": "kept", "pod_cidr": "10.8.0.0/16"})
    keep(settings, "process")
    asked: dict[str, object] = {}

    def choose(wanted: str, **options: object) -> Choice:
        asked.update(options, wanted=wanted)
        return Choice([], "process: none")

    monkeypatch.setattr(daemon, "choose", choose)
    daemon.end_pods_of(tmp_path)
    assert (asked["wanted"], asked["node"], asked["pod_cidr"]) == ("process", "kept", "10.8.0.0/16")
