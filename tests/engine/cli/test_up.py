"""What `shipslog up` leaves on the disk, and who can read it."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
from cryptography import x509

from shipslog.engine.cli.up import why_not
from shipslog.engine.past.views import load
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1


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


def test_a_place_for_messages_that_is_not_there(tmp_path: Path) -> None:
    place = ("--data", str(tmp_path / "d"), "--log-file", str(tmp_path / "no" / "x"))
    for how in ((), ("--detach",)):
        up = shipslog("up", *how, "--runtime", "simulated", *place)
        assert up.returncode == 1 and "No such file or directory" in up.stderr and "Traceback" not in up.stderr


def test_a_start_that_fails_leaves_no_cluster(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ("--runtime", "simulated", "--bind", "127.0.0.1", "--port", str(taken.getsockname()[1]))
        up = shipslog("up", *options, "--data", str(tmp_path / "a"))
        assert up.returncode == 1 and "is in use" in up.stderr, up.stderr
        assert not (tmp_path / "a").exists()
        up = shipslog("up", "--detach", *options, "--data", str(tmp_path / "b"))
        assert up.returncode == 1 and "is in use" in up.stderr, up.stderr
        assert [path.name for path in (tmp_path / "b").iterdir()] == ["shipslog.log"]  # which the message names


def test_the_last_word_of_a_start_is_its_own() -> None:
    """Two of a moment write into one file."""
    other = "2026-11-28T00:32:47.613Z INFO    ready took_s=0.671"
    assert why_not(f"shipslog: process 7 has this log open\n{other}\n".encode()) == "process 7 has this log open"
    assert why_not(f"{other}\nKilled\n".encode()) == "Killed"
    assert why_not(b"\n") == "the daemon ended at once"


def test_two_starts_of_a_moment_come_to_one_daemon(tmp_path: Path) -> None:
    place = ("--data", str(tmp_path))
    start = ("up", "--detach", "--runtime", "simulated", "--bind", "127.0.0.1", "--port", str(free_port()), *place)
    try:
        both = [subprocess.Popen([sys.executable, "-m", "shipslog", *start], stdout=-1, stderr=-1, text=True) for _ in "ab"]
        told = [(*one.communicate(timeout=90), one.returncode) for one in both]
    finally:
        down = shipslog("down", *place)
    assert down.returncode == 0, down.stdout + down.stderr
    assert sorted("Your cluster is ready" in out for out, _, _ in told) == [False, True], told
    (other,) = [one for one in told if "Your cluster is ready" not in one[0]]
    assert other[0].startswith("Already running") or "open for writing" in other[1] or "is in use" in other[1], other
    assert "INFO" not in other[1], other


def test_a_file_and_the_environment_say_what_a_cluster_is(tmp_path: Path) -> None:
    """As one would put it into a unit of systemd: no option but --config."""
    data, config = tmp_path / "data", tmp_path / "shipslog.yaml"
    lines = (
        f"data-dir: {data}",
        "bind-address: 127.0.0.1",
        f"https-listen-port: {free_port()}",
        "runtime: simulated",
        "node-name: one",
        "node-ip: 192.0.2.7",
        "node-label: [disk=ssd]",
        "node-taint: [gpu=1:NoSchedule]",
        "tls-san: [cluster.example.com]",
        f"write-kubeconfig: {tmp_path / 'kubeconfig'}",
        "write-kubeconfig-mode: '640'",
        "cluster-domain: ships.example",
        "cluster-dns: 10.96.0.10",
        "log-format: json",
    )
    config.write_text("\n".join(lines) + "\n")
    up = shipslog("up", "--detach", "--config", str(config))
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert up.stdout.startswith("Listening on 127.0.0.1:")
        assert (tmp_path / "kubeconfig").stat().st_mode & 0o777 == 0o640
        certificate = x509.load_pem_x509_certificate((data / "pki" / "server.crt").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert {"cluster.example.com", "kubernetes.default.svc.ships.example"} <= set(names.get_values_for_type(x509.DNSName))
        told = [msgspec.json.decode(line) for line in (data / "shipslog.log").read_bytes().splitlines()]
        assert [t["event"] for t in told][:1] == ["starting"] and {"node_started", "api_listening", "ready"} <= {
            t["event"] for t in told
        }
    finally:
        down = shipslog("down", "--data", str(data))
    assert down.returncode == 0, down.stdout + down.stderr
    again = shipslog("up", "--detach", "--data", str(data), "--node-label", "disk=hdd")
    assert again.returncode == 2 and "--node-label disk=hdd: this cluster has 'disk=ssd'" in again.stderr

    async def looked() -> None:
        async with await SqliteLog.open(data / "cluster.db", read_only=True) as log:
            view = await load(log)
        node = view.get(core_v1.Node, "one")
        assert node is not None and node.metadata.labels["disk"] == "ssd"
        assert [(t.key, t.value, t.effect) for t in node.spec.taints] == [("gpu", "1", "NoSchedule")]
        assert [a.address for a in node.status.addresses if a.type == "InternalIP"] == ["192.0.2.7"]
        assert (view.config.dns_domain, view.config.cluster_dns) == ("ships.example", "10.96.0.10")

    asyncio.run(looked())


def test_what_a_start_has_no_use_for_is_not_imported(tmp_path: Path) -> None:
    """A third of a cold start was this."""
    code = (
        "import sys, click\n"
        "from shipslog.engine.cli import up\n"
        "up._detached = up._foreground = lambda settings: up._start_lightly()\n"
        f"up.command.main(['--data', {str(tmp_path)!r}, '--runtime', 'simulated'], standalone_mode=False)\n"
        "import shipslog.engine.daemon\n"
        "print([m for m in ('rich', 'yaml', 'prometheus_client', 'pygments') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_threads_of_a_daemon_have_one_heap() -> None:
    """Of many, what each once held would stay resident."""
    code = """
import ctypes, threading
from shipslog.engine.cli import up
up.in_one_arena()
libc, together = ctypes.CDLL(None), threading.Barrier(4)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
def work():
    together.wait(30)
    libc.malloc(10000)
    together.wait(30)
threads = [threading.Thread(target=work) for _ in range(4)]
[one.start() for one in threads]
[one.join() for one in threads]
libc.malloc_info(0, libc.fopen(b"/dev/stdout", b"w"))
libc.fflush(None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.count("<heap nr=") == 1, done.stdout
