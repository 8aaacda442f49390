"""What cannot be done is said in one clear line, and nothing is made on the way."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipslog.engine.cli import down, image, main
from shipslog.engine.cli.shared.options import fail
from tests.runtime.containers.oci.test_images_in_use import pod


def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("without root the process would move into another namespace")


@pytest.mark.parametrize("how", [(), ("--all",)])
def test_nothing_to_stop(how: tuple[str, ...], tmp_path: Path) -> None:
    for data, why in ((tmp_path / "none", "does not exist"), (tmp_path, "has no cluster in it")):
        told = CliRunner().invoke(down.command, [*how, "--data", str(data)])
        assert told.exit_code == 2 and told.output.startswith(f"shipslog: nothing to stop: {data} {why}. --data"), told.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [("build", "nothing"), ("build", "."), ("remove", "nothing"), ("remove", "A B"), ("import", __file__)]
)
def test_an_image_that_is_none_leaves_nothing(arguments: tuple[str, str], tmp_path: Path) -> None:
    needs_root()
    data = tmp_path / "a" / "data"
    told = CliRunner().invoke(image.command, [*arguments, "--data", str(data)])
    assert told.exit_code == 1 and "shipslog: " in told.output, told.output
    assert not list(tmp_path.iterdir())


def test_a_list_of_nothing_leaves_nothing_and_what_is_there_stays(tmp_path: Path) -> None:
    needs_root()
    assert CliRunner().invoke(image.command, ["list", "--data", str(tmp_path / "data")]).exit_code == 0
    assert not list(tmp_path.iterdir())
    root, data = tmp_path / "root", tmp_path / "data"
    root.mkdir()
    (root / "file").touch()
    assert CliRunner().invoke(image.command, ["build", str(root), "--tag", "a", "--data", str(data)]).exit_code == 0
    for again in (["remove", "b"], ["list"], ["remove", "a"], ["list"]):
        CliRunner().invoke(image.command, [*again, "--data", str(data)])
    assert (data / "node" / "images").is_dir(), "it was there before"


def test_an_image_that_pods_use_is_left(tmp_path: Path) -> None:
    needs_root()
    root, data = tmp_path / "root", tmp_path / "data"
    root.mkdir()
    (root / "file").touch()

    def told(*arguments: str) -> str:
        done = CliRunner().invoke(image.command, [*arguments, "--data", str(data)])
        assert done.exit_code == (0 if "shipslog: " not in done.output else 1), done.output
        return done.output

    told("build", str(root), "--tag", "a")
    pod(data / "node" / "pods", "u", "p", "sha256:of-an-older-build", name_of_image="docker.io/library/a:latest")
    assert "docker.io/library/a:latest is used by pod default/p. It was left" in told("remove", "a")
    assert "library/a" in told("list")
    assert told("remove", "--force", "a") == "removed docker.io/library/a:latest\n"
    assert "library/a" not in told("list")


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_a_taken_port_is_told_with_its_holder(bind: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as taken:
        try:
            taken.bind((bind, 0))
        except OSError:
            pytest.skip(f"no {bind} here")
        taken.listen()
        port = taken.getsockname()[1]
        where = f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"
        data = tmp_path / "data"
        for command in (
            ("up", "--runtime", "simulated", "--data", str(data)),
            ("up", "--detach", "--runtime", "simulated", "--data", str(data)),
        ):
            told = subprocess.run(
                [sys.executable, "-m", "shipslog", *command, "--bind", bind, "--port", str(port)], capture_output=True,
                text=True, timeout=90, check=False,
            )  # fmt: skip
            assert told.returncode == 1 and "Errno" not in told.stderr, told.stderr
            said = f"shipslog: cannot listen: {where} is in use by process {os.getpid()} ("
            assert said in told.stderr and "Choose another --port" in told.stderr, told.stderr


def test_an_address_that_is_not_ours_is_told(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "shipslog", "up", "--runtime", "simulated", "--data", str(tmp_path / "d"), "--bind",
         "192.0.2.1"], capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert "192.0.2.1:6443 is no address of this machine. Choose another --bind" in told.stderr


def test_an_error_says_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fail("made by \x1b]0;mine\x07\x9b31m\u202e\nand a second line")
    told = capsys.readouterr().err
    assert told == "shipslog: made by \ufffd]0;mine\ufffd\ufffd31m\ufffd\nand a second line\n"


def test_a_command_that_is_none_is_told_with_what_it_may_be() -> None:
    told = CliRunner().invoke(main, ["statsu"])
    assert told.exit_code == 2 and "No such command 'statsu'. Did you mean 'status'?" in told.output, told.output
    told = CliRunner().invoke(main, ["xyzzy"])
    assert told.exit_code == 2 and told.output.endswith("No such command 'xyzzy'.\n"), told.output


@pytest.mark.parametrize("command", [("backup",), ("backup", "--only-log"), ("export",), ("export", "--redact")])
def test_a_directory_to_write_into_that_is_not_there_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    target = tmp_path / "none" / "file"
    told = CliRunner().invoke(main, [*command, str(target), "--data", str(tmp_path)])
    assert told.exit_code == 1 and not list(tmp_path.iterdir())
    assert told.output.startswith(f"shipslog: {target}: there is no directory {target.parent}. Nothing was written"), (
        told.output
    )


def test_a_backup_that_is_not_there_is_named_without_a_number(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["restore", str(tmp_path / "none"), "--data", str(tmp_path / "data")])
    assert told.output == f"shipslog: {tmp_path / 'none'}: No such file or directory\n" and not list(tmp_path.iterdir())
