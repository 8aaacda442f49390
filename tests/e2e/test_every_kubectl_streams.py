"""A day with real containers for each kubectl at hand: exec, attach, cp, debug, port-forward, run, logs, top, drain.

How they say it differs over twenty releases: SPDY or WebSockets, forms of debug, of evictions, of what is left out.
"""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import Cluster, kubectls, until

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]
IMAGE = "kubeguide/guestbook-php-frontend"
TICKS = "i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.2; done"
READS = "while read line; do echo got $line; done"
CONTAINERS = [
    {"name": "web", "image": IMAGE},
    {"name": "ticks", "image": IMAGE, "command": ["sh", "-c", TICKS]},
    {"name": "reads", "image": IMAGE, "command": ["sh", "-c", READS], "stdin": True},
]
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"terminationGracePeriodSeconds": 0, "containers": CONTAINERS},
}
KUBECTLS = kubectls()
OLD = "kubectl-debian"  # 1.20: the ephemeral containers that it writes Kubernetes has not taken since 1.22


class Day:
    """One kubectl in a namespace of its own."""

    def __init__(self, cluster: Cluster, kubectl: str) -> None:
        self.cluster, self.kubectl, self.namespace = cluster, kubectl, Path(kubectl).name.replace(".", "-")

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> str:
        done = self.cluster.run("-n", self.namespace, *arguments, stdin=stdin, kubectl=self.kubectl)
        assert done.returncode == code, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """kubectl while something is done with it; it is ended then."""
        environment = {**os.environ, "KUBECONFIG": str(self.cluster.data / "kubeconfig"), "HOME": str(self.cluster.data)}
        command = [self.kubectl, "-n", self.namespace, *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture(params=KUBECTLS, ids=[Path(path).name for path in KUBECTLS])
def k(request: pytest.FixtureRequest, cluster: Cluster) -> Day:
    day = Day(cluster, request.param)
    cluster.shipslog("image", "build", "guestbook")
    cluster.k("create", "namespace", day.namespace)
    day("create", "-f", "-", stdin=json.dumps(POD))
    day("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    return day


@pytest.mark.parametrize("cluster", ["root"], indirect=True)
def test_a_day(k: Day, tmp_path: Path) -> None:
    look_in(k)
    copy(k, tmp_path)
    forward(k)
    begin_others(k)
    top = ("-n", k.namespace, "top", "pod", "web", "--containers")
    until(lambda: "ticks" in k.cluster.k(*top, check=False, kubectl=k.kubectl), "top has numbers")
    assert "n1 " in k("top", "node")
    k("drain", "n1", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=60s", "--pod-selector=app=web")
    assert "web" not in k("get", "pods", "-l", "app=web", "-o", "name")
    k("uncordon", "n1")
    k("delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")


def look_in(k: Day) -> None:
    assert k("exec", "web", "-c", "web", "--", "echo", "hello") == "hello\n"
    assert k("exec", "-i", "web", "-c", "web", "--", "cat", stdin="through\n") == "through\n"
    k("exec", "web", "--", "sh", "-c", "exit 7", code=7)
    with k.running("attach", "-i", "web", "-c", "reads") as attached:
        assert attached.stdin is not None and attached.stdout is not None
        attached.stdin.write("aye\n")
        attached.stdin.flush()
        assert attached.stdout.readline() == "got aye\n"
    with k.running("logs", "-f", "web", "-c", "ticks", "--tail=1") as following:
        assert following.stdout is not None
        first, second = (int(following.stdout.readline().removeprefix("tick ")) for _ in range(2))
        assert second == first + 1
    assert "[pod/web/ticks] tick " in k("logs", "web", "--all-containers", "--prefix", "--tail=1")


def copy(k: Day, directory: Path) -> None:
    there, back = directory / "there", directory / "back"
    there.mkdir()
    (there / "file").write_bytes(bytes(range(256)) * 1000)
    k("cp", str(there), "web:/tmp/there", "-c", "web")
    k("cp", "web:/tmp/there", str(back), "-c", "web")
    assert (back / "file").read_bytes() == (there / "file").read_bytes()


def forward(k: Day) -> None:
    k("expose", "pod", "web", "--port=80")
    for target in ("pod/web", "service/web"):
        with k.running("port-forward", target, ":80") as process:
            assert process.stdout is not None
            port = process.stdout.readline().split("127.0.0.1:")[1].split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                assert b"Guestbook" in answer.read()


def begin_others(k: Day) -> None:
    run = ("run", "alone", f"--image={IMAGE}", "--restart=Never", "--rm", "-i", "--", "sh")
    assert "typed\n" in k(*run, stdin="echo typed; exit 3\n", code=3)
    k("debug", "web", f"--image={IMAGE}", "--copy-to=copy", "--same-node", "-c", "tools", "--", "sleep", "60")
    k("debug", "node/n1", f"--image={IMAGE}", "--", "ls", "/host")
    if Path(k.kubectl).name == OLD:
        k("debug", "web", f"--image={IMAGE}", "-c", "extra", "--", "true", code=1)
        return
    k("debug", "web", f"--image={IMAGE}", "-c", "extra", "--target=web", "--", "echo", "seen")
    until(lambda: "seen" in k.cluster.k("-n", k.namespace, "logs", "web", "-c", "extra", check=False), "it runs")
