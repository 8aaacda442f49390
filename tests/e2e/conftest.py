"""A daemon as people start it, on real containers, and stock kubectl in every version at hand."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import as_user

ROOT = Path(__file__).parents[2]
READY_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kubectls() -> list[str]:
    """Those that `make test` has put beside the virtual environment, the oldest first; else what is installed."""
    there = (Path(sys.prefix) / "kubectl").glob("kubectl-*")
    found = [str(path) for path in sorted(there, key=lambda path: (path.name != "kubectl-debian", path.name))]
    installed = shutil.which("kubectl")
    return found if found or installed is None else [installed]


class Cluster:
    """One daemon on a data directory of its own; with `rootless` it is an ordinary user's."""

    def __init__(self, data: Path, *options: str, rootless: bool = False) -> None:
        self.data, self.port = data, free_port()
        self._as = as_user.prefix() if rootless else []
        self.kubectl = kubectls()[-1]
        self.options = (
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--pod-cidr",
            "10.231.0.0/16",
            "--service-cidr",
            "10.96.0.0/16",
            "--node-port-range",
            "31000-31999",
            "--resolv-conf",
            str(Path(__file__).with_name("resolv.conf")),
            *options,
        )

    def shipslog(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [*self._as, sys.executable, "-m", "shipslog", *arguments, "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def up(self) -> str:
        return self.shipslog("up", "--detach", *self.options).stdout

    @property
    def daemon(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "daemon.json").read_text())
        return found

    def k(self, *arguments: str, stdin: str | None = None, check: bool = True, kubectl: str = "") -> str:
        """kubectl's output; with `check` it has to succeed."""
        done = self.run(*arguments, stdin=stdin, kubectl=kubectl)
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout if check else done.stdout + done.stderr

    def run(self, *arguments: str, stdin: str | None = None, kubectl: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(self.data / "kubeconfig"), "HOME": str(self.data)}
        return subprocess.run(
            [kubectl or self.kubectl, *arguments], input=stdin, capture_output=True, text=True, env=environment, timeout=60,
            check=False,
        )  # fmt: skip

    def get(self, *arguments: str) -> Any:
        return json.loads(self.k("get", *arguments, "-o", "json"))


def until(condition: Callable[[], Any], what: str, seconds: float = READY_S) -> Any:
    """Wait until the condition is true; -> its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return value


def machine() -> dict[str, set[str]]:
    """What a cluster could leave behind: links, rules, namespaces, mounts, control groups, processes."""

    def lines(*command: str) -> set[str]:
        return set(subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines())

    processes = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                processes.add((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200])
            except OSError:
                continue
    return {
        "links": {line.split(":")[1].split("@")[0] for line in lines("ip", "-o", "link")},
        "tables": lines("nft", "list", "tables"),
        "netns": set(os.listdir("/run/netns")) if Path("/run/netns").is_dir() else set(),
        "mounts": {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()},
        "cgroups": {str(p) for p in Path("/sys/fs/cgroup").glob("*/shipslog-*")},
        "processes": {p for p in processes if "conmon" in p or "/pause " in p or "slirp4netns" in p},
    }


@pytest.fixture(scope="module", params=["root", "rootless"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster on real containers, of root and of an ordinary user; at its end the machine must be as it was."""
    rootless = request.param == "rootless"
    if os.geteuid() != 0 and not rootless:
        pytest.skip("needs root")
    if not kubectls() or shutil.which("crun") is None:
        pytest.skip("kubectl or crun is not installed, and only root can install it")
    if rootless and as_user.hindrance():
        pytest.skip(as_user.hindrance())
    before = machine()
    data = Path(tempfile.mkdtemp(prefix="shipslog-e2e-"))
    if rootless:
        as_user.give(data)
    one = Cluster(data, "--runtime", "oci", "--node-name", "n1", rootless=rootless)
    one.up()
    try:
        until(lambda: "n1" in one.k("get", "nodes", check=False), "the node registers")
        yield one
    finally:
        one.shipslog("down", "--all", check=False)
        shutil.rmtree(one.data, ignore_errors=True)
    after = machine()
    for what, found in after.items():
        assert not found - before[what], f"{what} left behind: {found - before[what]}"
