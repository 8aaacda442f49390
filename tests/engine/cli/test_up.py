"""What `shipslog up` leaves on the disk, and who can read it."""

import socket
import subprocess
import sys
from pathlib import Path


def shipslog(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shipslog", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, umask=0o022)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def test_the_data_is_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "a" / "data"
    place = ("--data", str(data))
    up = shipslog("up", "--detach", "--runtime", "simulated", "--bind", "127.0.0.1", "--port", str(free_port()), *place)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert data.stat().st_mode & 0o777 == 0o700
        for name in ("shipslog.log", "cluster.db", "token", "kubeconfig", "pki/ca.key", "pki/service-accounts.key"):
            assert (data / name).stat().st_mode & 0o077 == 0, name
    finally:
        down = shipslog("down", *place)
    assert down.returncode == 0, down.stdout + down.stderr


def test_a_log_file_of_an_older_version_is_closed_and_a_directory_is_left_as_somebody_wanted_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o750)
    (data / "shipslog.log").touch(0o644)
    (data / "cluster.db").write_text("no log " * 100)
    up = shipslog("up", "--detach", "--data", str(data), "--runtime", "simulated")
    assert up.returncode != 0
    assert (data / "shipslog.log").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o750
