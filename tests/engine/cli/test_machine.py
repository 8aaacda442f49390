"""The commands about a machine's cluster: status, logs, config, certificates."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipslog import Cluster
from shipslog.engine.auth import certificates
from shipslog.engine.cli import main, status
from shipslog.engine.cli.shared.options import Daemon, daemon_of
from shipslog.engine.library import Background
from shipslog.engine.settings import keep, resolve
from shipslog.store.log.writer_lock import WriterLock
from shipslog.store.objects.types import core_v1

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def shipslog(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Background[Cluster]]:
    """A cluster on a data directory, as a daemon leaves it for other commands."""
    with Cluster.serving(tmp_path / "cluster.db") as served:
        daemon = Daemon(
            pid=os.getpid(), server=served.url, kubeconfig=str(served.kubeconfig), runtime="simulated", node="node-0"
        )
        import msgspec

        (tmp_path / "daemon.json").write_bytes(msgspec.json.encode(daemon))
        served.run(lambda cluster: cluster.apply(POD))
        served.run(lambda cluster: cluster.wait(core_v1.Pod, "p", until=lambda pod: pod.status.phase == "Running"))
        yield served


def test_a_daemon_that_runs_is_told_of(served: Background[Cluster], tmp_path: Path) -> None:
    certificates.ensure(tmp_path / "pki")
    done = shipslog("status", "--data", str(tmp_path), "-o", "json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert (told["running"], told["ready"], told["server"], told["pid"]) == (True, True, served.url, os.getpid())
    assert (list(told["nodes"].values()), told["pods"]) == ([True], {"Running": 1})
    assert told["revision"] > 10 and told["log_bytes"] > 10_000 and set(told["certificates"]) > {"ca.crt", "server.crt"}
    text = shipslog("status", "--data", str(tmp_path)).stdout
    assert text.startswith(f"● ready  {served.url}") and "1 of 1 ready" in text and "1: 1 Running" in text


def test_pods_are_counted_page_by_page(served: Background[Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "PAGE", 2)
    for i in range(4):
        served.run(lambda cluster, i=i: cluster.apply({**POD, "metadata": {"name": f"p{i}"}}))
    assert sum(status.look(tmp_path).pods.values()) == 5


def test_rules_in_trouble_and_a_server_that_does_not_answer_are_told(
    served: Background[Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served._cluster, "troubles", lambda: ["endpoints: it raised"])
    assert status.look(tmp_path).troubles == ["rule endpoints: it raised"]
    dead = served.kubeconfig.read_text().replace(served.url, "https://127.0.0.1:1")
    record = json.loads((tmp_path / "daemon.json").read_text())
    (tmp_path / "dead").write_text(dead)
    (tmp_path / "daemon.json").write_text(json.dumps({**record, "kubeconfig": str(tmp_path / "dead")}))
    done = shipslog("status", "--data", str(tmp_path))
    assert done.exit_code == 1 and "not ready" in done.stdout and "the server does not answer" in done.stdout


def test_a_daemon_that_does_not_run_is_told_of(tmp_path: Path) -> None:
    done = shipslog("status", "--data", str(tmp_path))
    assert (done.exit_code, done.stdout) == (3, f"○ not running  {tmp_path}: no cluster was started there\n")
    with Cluster.serving(tmp_path / "cluster.db", runtime="none") as served:
        revision = served._cluster.view.revision
    done = shipslog("status", "--data", str(tmp_path), "-o", "json")
    assert done.exit_code == 3 and json.loads(done.stdout)["revision"] >= revision


def test_what_a_killed_daemon_left_names_no_stranger(tmp_path: Path) -> None:
    record = {"pid": 1, "server": "https://127.0.0.1:1", "kubeconfig": "", "runtime": "", "node": ""}
    (tmp_path / "daemon.json").write_text(json.dumps(record))
    lock = WriterLock(tmp_path / "cluster.db")  # a restore, or a daemon that has not told of itself yet
    try:
        assert daemon_of(tmp_path) is None, "process 1 is somebody else's"
        assert shipslog("status", "--data", str(tmp_path)).exit_code == 3
        (tmp_path / "daemon.json").write_text(json.dumps({**record, "pid": os.getpid()}))
        assert daemon_of(tmp_path) is not None
    finally:
        lock.release()


def test_what_is_kept_is_told_under_the_names_of_options(tmp_path: Path) -> None:
    import yaml

    assert "no cluster was started" in shipslog("config", "--data", str(tmp_path)).stderr
    keep(resolve({"data": tmp_path, "port": 7443, "node_name": "n1", "runtime": "simulated"}), "simulated")
    told = shipslog("config", "--data", str(tmp_path)).stdout
    assert 'node-name: "n1"  # fixed: its pods are bound to that node\n' in told
    values = yaml.safe_load(told)
    assert (values["port"], values["node-port-range"]) == (7443, "30000-32767")
    assert json.loads(shipslog("config", "-o", "json", "--data", str(tmp_path)).stdout) == values
    options = {option for parameter in main.get_command(None, "up").params for option in parameter.opts}  # type: ignore[attr-defined]
    assert {f"--{name}" for name in values} <= options


def test_certificates_say_when_they_end(tmp_path: Path) -> None:
    assert "there are no certificates" in shipslog("certificates", "--data", str(tmp_path)).stderr
    year_ns = 360 * 86_400 * 10**9
    certificates.ensure(tmp_path / "pki", ("10.1.2.3",), now_ns=lambda: time.time_ns() - year_ns)
    told = shipslog("certificates", "--data", str(tmp_path)).stdout.splitlines()
    assert [line.split()[0] for line in told[1:] if line[0] != " "] == ["ca.crt", "server.crt", "admin.crt"]
    assert told[2].split()[2] in ("4", "5") and "10.1.2.3" in told[3] and "O=system:masters" in told[4]
    assert json.loads(shipslog("certificates", "-o", "json", "--data", str(tmp_path)).stdout.splitlines()[0])["renews"] is None
    certificates.ensure(tmp_path / "old", now_ns=lambda: time.time_ns() - 2 * year_ns)
    (tmp_path / "old").rename(tmp_path / "pki2")
    for path in (tmp_path / "pki2").iterdir():
        path.replace(tmp_path / "pki" / path.name)
    assert status.look(tmp_path).troubles == ["server.crt is not valid any more", "admin.crt is not valid any more"]


def test_the_daemons_log_is_printed_and_followed(tmp_path: Path) -> None:
    assert "writes to its terminal" in shipslog("logs", "--data", str(tmp_path)).stderr
    path = tmp_path / "shipslog.log"
    path.write_text("".join(f"line {i}\n" for i in range(5)))
    assert shipslog("logs", "--data", str(tmp_path)).stdout == path.read_text()
    assert shipslog("logs", "--tail", "2", "--data", str(tmp_path)).stdout == "line 3\nline 4\n"
    command = [sys.executable, "-m", "shipslog", "logs", "-f", "--tail", "1", "--data", str(tmp_path)]
    following = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert following.stdout is not None
        assert following.stdout.readline() == "line 4\n"
        with path.open("a") as file:
            file.write("more\n")
        assert following.stdout.readline() == "more\n"
        path.rename(tmp_path / "shipslog.log.1")
        path.write_text("another\n")
        assert following.stdout.readline() == "another\n"
    finally:
        following.kill()
        following.communicate()


def test_a_cluster_is_backed_up_while_it_runs_and_put_back_elsewhere(served: Background[Cluster], tmp_path: Path) -> None:
    file, log, new = (str(tmp_path / name) for name in ("backup", "sent.db", "new"))
    done = shipslog("backup", file, "--data", str(tmp_path))
    assert done.exit_code == 0 and "keep it as you keep those" in done.stdout, done.output
    assert "is there already" in shipslog("backup", file, "--data", str(tmp_path)).stderr
    assert shipslog("backup", log, "--only-log", "--data", str(tmp_path)).exit_code == 0
    assert "created pod default/p" in shipslog("log", log, "--kind", "pod").stdout
    assert "`shipslog down` stops a daemon" in shipslog("restore", file, "--data", str(tmp_path)).stderr
    done = shipslog("restore", file, "--data", new)
    assert done.exit_code == 0 and f"Start it: shipslog up --detach --data {new}" in done.stdout, done.output
    assert "created pod default/p" in shipslog("log", "--data", new, "--kind", "pod").stdout
    assert "there is no log here" in shipslog("backup", str(tmp_path / "b"), "--data", str(tmp_path / "none")).stderr
    assert "No such file" in shipslog("restore", str(tmp_path / "none"), "--data", new).stderr
