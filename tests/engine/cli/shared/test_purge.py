"""`down --purge`, and completion."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipslog import Cluster
from shipslog.engine.cli import COMMANDS, completion, main
from shipslog.engine.cli.shared import purge
from shipslog.store.log.writer_lock import WriterLock


def shipslog(*arguments: str, stdin: str = "", **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin, env=environment)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What a daemon that has ended leaves."""
    path = tmp_path / "data"
    path.mkdir()
    with Cluster.serving(path / "cluster.db", runtime="none"):
        pass
    for name in ("token", "kubeconfig", "shipslog.log", "shipslog.log.1"):
        (path / name).write_text("x")
    kept = {"node_name": "n1", "runtime": "simulated", "service_cidr": "10.96.0.0/16", "pod_cidr": "10.244.0.0/16"}
    (path / "cluster.json").write_text(json.dumps({**kept, "bind": "127.0.0.1", "port": 6443}))
    for name in ("pki", "node/images/layers"):
        (path / name).mkdir(parents=True)
        (path / name / "file").write_text("x")
    return path


def test_nothing_is_left(data: Path) -> None:
    done = shipslog("down", "--purge", "--yes", "--data", str(data))
    assert done.exit_code == 0 and f"The cluster in {data} is gone." in done.stdout, done.output
    assert not data.exists()
    again = shipslog("down", "--purge", "--yes", "--data", str(data))
    assert again.exit_code == 1 and "there is no cluster in" in again.stderr and not data.exists()


def test_it_asks_before(data: Path) -> None:
    before = sorted(os.listdir(data))
    done = shipslog("down", "--purge", "--data", str(data), stdin="n\n")
    assert done.exit_code == 1 and "for good" in done.stdout and sorted(os.listdir(data)) == before
    assert shipslog("down", "--purge", "--data", str(data), stdin="y\n").exit_code == 0
    assert not data.exists()


def test_what_is_not_ours_stays(data: Path, tmp_path: Path) -> None:
    (data / "notes.txt").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("mine")
    (data / "node" / "link").symlink_to(tmp_path / "elsewhere")
    done = shipslog("down", "--purge", "--yes", "--data", str(data))
    assert done.exit_code == 0 and "notes.txt" in done.stdout, done.output
    assert os.listdir(data) == ["notes.txt"] and (tmp_path / "elsewhere" / "file").exists()
    home = tmp_path / "home"
    home.mkdir()
    (home / "kubeconfig").write_text("mine")
    assert "there is no cluster in" in shipslog("down", "--purge", "--yes", "--data", str(home)).stderr
    assert (home / "kubeconfig").exists()


def test_a_log_that_is_open_and_what_is_mounted_are_left(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(os.listdir(data))
    monkeypatch.setattr(purge, "mounts_below", lambda path: [f"{path}/node/run"])
    done = shipslog("down", "--purge", "--yes", "--data", str(data))
    assert done.exit_code == 3 and "is mounted there still" in done.stderr and sorted(os.listdir(data)) == before
    monkeypatch.undo()
    lock = WriterLock(data / "cluster.db")  # a program that has the log open, and is no daemon
    try:
        done = shipslog("down", "--purge", "--yes", "--data", str(data))
        assert done.exit_code == 3 and "has this log open" in done.stderr and sorted(os.listdir(data)) == before
    finally:
        lock.release()


def test_mounts_are_seen() -> None:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    nested = next(point for point in points if point.count("/") > 1)
    assert nested in purge.mounts_below(Path(nested).parent)
    assert not purge.mounts_below(Path(__file__).parent)


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completion_is_installed_where_the_shell_looks(shell: str, tmp_path: Path) -> None:
    printed = shipslog("completion", shell).stdout
    assert "_SHIPSLOG_COMPLETE" in printed
    done = shipslog("completion", "--install", SHELL=f"/bin/{shell}", HOME=str(tmp_path))
    path = tmp_path / completion.PLACES[shell]
    assert done.exit_code == 0 and str(path) in done.stdout and path.read_text() == printed
    assert "name the shell: bash, zsh, fish" in shipslog("completion", SHELL="/bin/tcsh").stderr


def completed(*words: str) -> set[str]:
    environment = {**os.environ, "_SHIPSLOG_COMPLETE": "bash_complete", "COMP_CWORD": str(len(words) - 1)}
    environment["COMP_WORDS"] = "\n".join(words)
    done = subprocess.run(
        [sys.executable, "-m", "shipslog"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_commands_and_options_are_completed() -> None:
    assert completed("shipslog", "") >= set(COMMANDS)
    assert completed("shipslog", "wh") == {"why"}
    assert completed("shipslog", "log", "--k") == {"--kind", "--kubeconfig"}
    assert completed("shipslog", "up", "--runtime", "") == {"auto", "oci", "cri", "process", "simulated"}


def test_completing_a_command_imports_none() -> None:
    code = (
        "import sys, click; from shipslog.engine.cli import main; "
        "assert main.shell_complete(click.Context(main), ''); "
        "print([m for m in sys.modules if m.startswith('shipslog.engine.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
