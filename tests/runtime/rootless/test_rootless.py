"""Containers without root: the contract of every runtime, kept inside a user namespace, with many ids and with one."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import as_user

CONTRACT = "tests/runtime/containers/test_contract.py"
PROGRAMS = ("crun", "conmon", "skopeo", "nft", "busybox")


@pytest.fixture
def directory() -> Iterator[Path]:
    missing = [name for name in PROGRAMS if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed, and only root can install it")
    if as_user.hindrance():
        pytest.skip(as_user.hindrance())
    made = Path(tempfile.mkdtemp(prefix="shipslog-rootless-"))
    as_user.give(made)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("ids", ["many", "one"])
def test_the_contract_is_kept(directory: Path, ids: str) -> None:
    if ids == "one" and os.geteuid() != 0:
        pytest.skip("needs root, to be a user without subordinate ids")
    before = as_user.prefix(*["--no-ids"] if ids == "one" else [])
    command = [*before, sys.executable, "-m", "tests.runtime.rootless.inside", str(directory), CONTRACT, "-k", "oci"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout, done.stdout


def test_no_user_namespace_is_said() -> None:
    if as_user.hindrance():
        pytest.skip(as_user.hindrance())
    take = "from shipslog.runtime.rootless.namespace import take_user_namespace; take_user_namespace()"
    script = f'echo 0 > /proc/sys/user/max_user_namespaces; exec {sys.executable} -c "{take}"'
    done = subprocess.run(["unshare", "-Ur", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert "no user namespace: No space left on device (see the sysctl user.max_user_namespaces)" in done.stderr


def test_a_user_beyond_the_ids_is_said(directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to be a user without subordinate ids")
    command = [*as_user.prefix("--no-ids"), sys.executable, "-m", "tests.runtime.rootless.inside", str(directory)]
    done = subprocess.run([*command, "tests/runtime/rootless/one_id.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
