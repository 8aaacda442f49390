"""gitRepo, from a real repository over git's own protocol."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipslog.runtime.volumes.failed import VolumeFailed
from tests.e2e.conftest import free_port

from .conftest import Pods

pytestmark = pytest.mark.root


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    work, port = tmp_path / "served" / "hello", free_port()
    work.mkdir(parents=True)
    about = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "init.defaultBranch=main"]
    for line in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *about, "-C", str(work), *line], check=True)
    (work / "file").write_text("two")
    for line in (["add", "file"], ["commit", "-q", "-m", "two"], ["tag", "v2"]):
        subprocess.run(["git", *about, "-C", str(work), *line], check=True)
    daemon = ["git", "daemon", "--export-all", f"--base-path={work.parent}", "--listen=127.0.0.1", f"--port={port}"]
    process = subprocess.Popen([*daemon, "--reuseaddr"], stderr=subprocess.DEVNULL)
    for _ in range(100):
        probe = subprocess.run(["git", "ls-remote", f"git://127.0.0.1:{port}/hello"], capture_output=True, check=False)
        if probe.returncode == 0:
            break
        time.sleep(0.05)
    yield f"git://127.0.0.1:{port}/hello"
    process.terminate()
    process.wait()


def test_it_is_cloned_once(pods: Pods, repository: str) -> None:
    target = pods.mount("gitRepo", source={"repository": repository}, group=4711)
    assert (target / "hello" / "file").read_text() == "two" and (target / "hello").stat().st_gid == 4711
    (target / "hello" / "file").write_text("mine")
    pods.mount("gitRepo", source={"repository": repository})
    assert (target / "hello" / "file").read_text() == "mine"
    pods.remove()


def test_a_revision_into_a_directory(pods: Pods, repository: str) -> None:
    target = pods.mount("gitRepo", source={"repository": repository, "revision": "v2~1", "directory": "."})
    assert (target / ".git").is_dir() and not (target / "file").exists()
    named = pods.mount("gitRepo", name="w", source={"repository": repository, "revision": "v2", "directory": "a/b"})
    assert (named / "a" / "b" / "file").read_text() == "two"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"repository": "--upload-pack=x"}, "the repository '--upload-pack=x' is none"),
        ({"repository": "git://127.0.0.1/x", "directory": "../out"}, "leaves its volume"),
        ({"repository": "file:///etc"}, "transport 'file' not allowed"),
        ({"repository": "ext::sh -c touch% /tmp/x"}, "transport 'ext' not allowed"),
    ],
    ids=["an option", "a way out", "a file of the node", "a program"],
)
def test_what_a_stranger_may_not(source: dict[str, str], message: str, pods: Pods) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    with pytest.raises(VolumeFailed, match=message):
        pods.mount("gitRepo", source=source)
    assert not os.listdir(pods.volumes("p") / "v")
