"""The command line as people use it, on simulated nodes: life, errors in one line, recordings."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, Cluster, kubectls, until


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Cluster]:
    one = Cluster(tmp_path / "data", "--runtime", "simulated", "--nodes", "3", "--node-name", "sim")
    yield one
    one.shipslog("down", check=False)


def test_a_cluster_starts_stops_and_comes_back(simulated: Cluster) -> None:
    told = simulated.up()
    assert "Your cluster is ready" in told and str(simulated.data / "kubeconfig") in told
    assert "Already running" in simulated.up()
    until(lambda: simulated.k("get", "nodes").count(" Ready ") == 3, "three nodes are ready")
    simulated.k("create", "configmap", "kept", "--from-literal=a=b")
    assert "Stopped the daemon" in simulated.shipslog("down").stdout
    assert "No daemon runs" in simulated.shipslog("down").stdout
    simulated.up()
    assert "kept" in simulated.k("get", "configmaps")


def refused(cluster: Cluster, *arguments: str) -> str:
    done = cluster.shipslog(*arguments, check=False)
    assert done.returncode != 0
    said = (done.stdout + done.stderr).strip()
    assert "Traceback" not in said
    return said


def test_errors_are_one_clear_line(simulated: Cluster, tmp_path: Path) -> None:
    simulated.up()
    other = Cluster(tmp_path / "other", "--runtime", "simulated")
    other.options = ("--bind", "127.0.0.1", "--port", str(simulated.port), "--runtime", "simulated")
    assert f"cannot listen: 127.0.0.1:{simulated.port} is in use" in refused(other, "up", *other.options)
    assert "has this log open for writing" in refused(simulated, "up", *simulated.options)
    assert "--node-port-range" in refused(other, "up", "--runtime", "simulated", "--node-port-range", "9-1")
    assert "neither a directory nor one of our recipes" in refused(other, "image", "build", "nonsense")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "cluster.db").write_text("this is no log " * 100)
    strange = Cluster(foreign, "--runtime", "simulated")
    assert "is not a log of Shipslog" in refused(strange, "up", *strange.options)
    assert (foreign / "cluster.db").read_text().startswith("this is no log")


def test_a_cluster_keeps_what_it_is_and_the_port_that_it_took(tmp_path: Path) -> None:
    """Also when the first start failed: that leaves nothing that the next one has to agree with."""
    one = Cluster(tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(one, "up", "--detach", "--runtime", "simulated", "--node-name", "x", "--bind", "127.0.0.1", "--port", port)
    assert not (one.data / "cluster.json").exists()
    try:
        told = one.shipslog(
            "up", "--detach", "--bind", "127.0.0.1", "--port", "0", "--runtime", "simulated", "--node-name", "y"
        ).stdout
        server = one.daemon["server"]
        assert not server.endswith(":0") and server in told and f"shipslog down --data {one.data}" in told
        assert server in (one.data / "kubeconfig").read_text()
        one.shipslog("down")
        assert "--node-name z: this cluster has 'y'" in refused(one, "up", "--node-name", "z")
        one.shipslog("up", "--detach")
        assert (one.daemon["server"], one.daemon["node"]) == (server, "y")
    finally:
        one.shipslog("down", check=False)


def test_a_missing_binary_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    code = (
        "import pathlib, shipslog.runtime.choice as c; c._which = lambda name: None; "
        "c.prepare('oci', pathlib.Path('/nonexistent'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert "apt-get install crun conmon skopeo nftables" in done.stderr


def test_help_is_everywhere() -> None:
    from shipslog.engine.cli import COMMANDS

    for arguments in ((), ("image", "build"), *((name,) for name in COMMANDS)):
        done = subprocess.run(
            [sys.executable, "-m", "shipslog", *arguments, "--help"], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0 and "Usage:" in done.stdout, arguments


def test_a_recording_is_verified_and_read(simulated: Cluster, tmp_path: Path) -> None:
    simulated.up()
    simulated.k("run", "p", "--image=img")
    simulated.k("wait", "--for=condition=Ready", "pod/p", "--timeout=20s")
    simulated.k("delete", "pod", "p")
    simulated.shipslog("down")
    log = simulated.data / "cluster.db"
    environment = {**os.environ}
    command = [sys.executable, "-m", "shipslog", "replay", str(log)]
    done = subprocess.run([*command, "--verify"], capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every checksum holds" in done.stdout and "all the same" in done.stdout
    damaged = tmp_path / "damaged.db"
    data = bytearray(log.read_bytes())
    at = data.rfind(b'"reason":"now')
    at = at if at > 0 else data.rfind(b'"reason":')
    data[at + 12] ^= 1
    damaged.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "shipslog", "replay", str(damaged), "--verify"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode != 0 and "breaks at revision" in done.stdout + done.stderr


def test_stock_kubectl_reads_a_log_file(simulated: Cluster, tmp_path: Path) -> None:
    simulated.up()
    simulated.k("create", "configmap", "old", "--from-literal=a=b")
    version = simulated.get("configmap", "old")["metadata"]["resourceVersion"]
    simulated.k("delete", "configmap", "old")
    simulated.shipslog("down")
    kubeconfig = tmp_path / "replay.kubeconfig"
    from .conftest import free_port

    log = str(simulated.data / "cluster.db")
    command = [
        sys.executable,
        "-m",
        "shipslog",
        "replay",
        log,
        "--at",
        version,
        "--port",
        str(free_port()),
        "--kubeconfig",
        str(kubeconfig),
    ]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert serving.stdout is not None
        serving.stdout.readline()
        done = subprocess.run(
            [kubectls()[-1], "--kubeconfig", str(kubeconfig), "get", "configmaps"], capture_output=True, text=True, check=False
        )
        assert "old" in done.stdout, done.stderr
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=10)
