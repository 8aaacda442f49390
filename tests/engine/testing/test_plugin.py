"""The pytest plugin, as its users run it: a pytest of their own in a folder of their own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import asyncio, ssl, urllib.request
import pytest
from shipslog import testing
from shipslog.store.objects import core_v1

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.mark.shipslog(nodes=3, start="2026-02-28T23:59:00Z", flows=False)
async def test_async(cluster, kubeconfig, served):
    assert isinstance(cluster, testing.TestCluster) and len(cluster.nodes) == 3
    await cluster.create(POD)
    await cluster.advance(hours=1)
    assert cluster.get(core_v1.Pod, "p").metadata.creation_timestamp == "2026-02-28T23:59:00Z"
    assert kubeconfig == served.kubeconfig and served.url in kubeconfig.read_text()


def get(served, path):
    request = urllib.request.Request(served.url + path, headers={"Authorization": f"Bearer {served.token}"})
    return urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(served.ca))).read()


async def test_the_one_that_is_served_is_the_cluster(cluster, served):
    await cluster.create(POD)
    assert b'"name":"p"' in await asyncio.to_thread(get, served, "/api/v1/pods")


@pytest.mark.shipslog(nodes=2)
def test_plain(served, kubeconfig):
    served.run(lambda cluster: cluster.create(POD))
    served.run(lambda cluster: cluster.advance(minutes=1))
    assert b"node-1" in get(served.served, "/api/v1/nodes") and kubeconfig.exists()


def test_session_a(session_served, session_kubeconfig):
    session_served.run(lambda cluster: cluster.create(POD))


async def test_session_b(session_served):
    assert b'"name":"p"' in await asyncio.to_thread(get, session_served.served, "/api/v1/pods")


async def test_that_fails(cluster):
    await cluster.create(POD)
    await cluster.wait(core_v1.Pod, "p", until=lambda pod: pod.status.phase == "Running")
    assert cluster.get(core_v1.Pod, "p").status.phase == "Failed"


def test_that_asks_wrongly(cluster):
    pass
"""


def run(folder: Path, *arguments: str) -> str:
    (folder / "test_mine.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")  # a user's: nothing is configured
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", *arguments, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
    return done.stdout + done.stderr


def test_clusters_are_fixtures_and_a_failure_keeps_its_log(tmp_path: Path) -> None:
    out = run(tmp_path, f"--basetemp={tmp_path / 'kept'}")
    assert "5 passed" in out and "1 failed" in out and "1 error" in out, out
    assert "a plain test asks for `served`" in out
    found = re.search(r"(\d+) events are kept.*\n  shipslog replay (\S+)", out)
    assert found and int(found[1]) > 10 and Path(found[2]).exists(), out
    assert out.count("shipslog replay") == 1, "of the one that failed, and of no other"
    verify = [str(Path(sys.executable).parent / "shipslog"), "replay", found[2], "--verify"]
    verified = subprocess.run(verify, capture_output=True, text=True, timeout=60)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_markers_are_documented(tmp_path: Path) -> None:
    assert "@pytest.mark.shipslog(nodes=1" in run(tmp_path, "--markers")


@pytest.mark.parametrize("module", ["shipslog.engine.cluster", "aiohttp", "msgspec"])
def test_a_run_without_clusters_pays_nothing(module: str) -> None:
    code = f"import sys, shipslog.engine.testing.plugin; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


WORKERS = """
def test_{name}(session_served, session_kubeconfig, kubeconfig):
    with open("urls", "a") as urls:
        print(session_served.url, file=urls)
    assert session_kubeconfig.exists() and kubeconfig.read_text() != session_kubeconfig.read_text()
    assert "{name}" == "a"
"""


def test_each_worker_has_a_cluster_of_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"test_{name}.py").write_text(WORKERS.replace("{name}", name))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    workers = ("-n", "2", "--dist", "loadfile", f"--basetemp={tmp_path / 'kept'}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120).stdout
    assert "1 passed" in out and "1 failed" in out, out
    assert len(set((tmp_path / "urls").read_text().splitlines())) == 2
    kept = re.findall(r"events are kept.*\n  shipslog replay (\S+)", out)
    assert kept and all(Path(path).exists() for path in kept), out


CUT_OFF = """
import os, signal, sys
from pathlib import Path


async def test_that_waits_for_ever(cluster, served):
    loader = type(sys.modules["shipslog.engine.cluster"].__loader__).__name__
    Path("started").write_text(f"{loader} {served.kubeconfig.parent}")
    os.kill(os.getpid(), signal.SIGINT)
    await cluster.wait("pods", "nobody", timeout_s=100)


def test_after_it(served):
    pass
"""


def test_a_run_that_is_cut_off_keeps_the_log_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(CUT_OFF)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--basetemp={tmp_path / 'kept'}",
        "test_mine.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 2, done.stdout + done.stderr
    found = re.search(r"test_that_waits_for_ever was cut off; (\d+) events are kept.*\n  shipslog replay (\S+)", done.stdout)
    assert found and int(found[1]) > 10 and Path(found[2]).exists() and done.stdout.count("cut off") == 1, done.stdout
    loader, served = (tmp_path / "started").read_text().split()
    assert not Path(served).exists()
    assert loader == "SourceFileLoader", "modules of ours are not to be rewritten by pytest: that takes seconds"
