"""The page for who runs a cluster names what is there, and its unit starts a daemon as systemd would."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipslog import Cluster
from shipslog.engine.api.connection.tracking import Requests
from shipslog.engine.api.server_info import metrics
from shipslog.engine.cli import COMMANDS, main
from shipslog.engine.dns.serving import serving
from shipslog.runtime.dns.sockets import opened
from tests.engine.cli.test_up import free_port

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operations.md").read_text()
UNIT = DOCS / "examples" / "shipslog.service"
READY_S = 60


def lines() -> list[str]:
    """The commands of the page, without their comments."""
    return [line.partition("#")[0].strip() for line in re.findall(r"^    (shipslog .*)$", PAGE, re.M)]


def test_its_commands_and_their_options_are_there() -> None:
    assert len(lines()) > 12
    for line in (*lines(), *re.findall(r"`(shipslog [^`]+)`", PAGE)):
        _, command, *words = line.split()
        assert command in COMMANDS, line
        told = CliRunner().invoke(main, [command, "--help"]).output
        for option in [word.partition("=")[0] for word in words if word.startswith("-")]:
            assert option in told, f"{line}: {command} has no {option}"


def test_options_that_it_speaks_of_are_those_of_up() -> None:
    told = CliRunner().invoke(main, ["up", "--help"]).output
    for option in re.findall(r"`(--[a-z-]+)", PAGE):
        assert option in told or option in ("--purge", "--all"), option


async def test_its_metrics_are_there(tmp_path: Path) -> None:
    async with Cluster.open() as cluster, serving(cluster, opened("127.0.0.1", 0), resolv_conf=tmp_path):
        families = [*metrics.of_requests(Requests()), *metrics.of_state(cluster), *cluster.measured()]
    names = {family.name + ("_total" if family.kind == "counter" else "") for family in families}
    named = set(re.findall(r"`((?:apiserver|workqueue|shipslog|etcd)_\w+)`", PAGE))
    assert len(named) > 15 and named - {"etcd_db_total_size_in_bytes"} <= names


def of_unit(key: str) -> str:
    found = re.search(rf"^{key}=(.*)$", UNIT.read_text(), re.M)
    assert found is not None, key
    return found[1]


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    unit = tmp_path / "shipslog.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/shipslog", sys.executable))
    done = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "shipslog" not in done.stderr, done.stderr


def test_the_unit_starts_and_stops_a_daemon(tmp_path: Path) -> None:
    """As systemd does it: the notification, then the signal, and the end within its time."""
    program, *words = of_unit("ExecStart").split()
    assert program.endswith("/shipslog") and of_unit("Type") == "notify"
    config, data = tmp_path / "config.yaml", tmp_path / "data"
    example = (DOCS / "examples" / "config.yaml").read_text()
    port = free_port()
    text = re.sub(r"^data:.*$", f"data: {data}\nruntime: simulated", example, flags=re.M)
    config.write_text(re.sub(r"^port:.*$", f"port: {port}", text, flags=re.M))
    words = [str(config) if word.endswith("config.yaml") else word for word in words]
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(address))
        listener.settimeout(READY_S)
        process = subprocess.Popen(
            [sys.executable, "-m", "shipslog", *words], env={**os.environ, "NOTIFY_SOCKET": str(address)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            told = listener.recv(4096).decode().splitlines()
            assert told == ["READY=1", f"MAINPID={process.pid}", f"STATUS=Listening on 127.0.0.1:{port}: this machine only."]
            with socket.create_connection(("127.0.0.1", port), 5):
                pass
            process.send_signal(getattr(signal, of_unit("KillSignal")))
            assert listener.recv(4096).decode() == "STOPPING=1"
            output, _ = process.communicate(timeout=int(of_unit("TimeoutStopSec")))
        finally:
            if process.poll() is None:
                process.kill()
    assert (process.returncode == 0 and output.startswith("Listening on 127.0.0.1:")) or "INFO    starting" in output, output
    assert "INFO    stopped" in output
