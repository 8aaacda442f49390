"""A cluster on real containers is removed, and the machine is as it was: of root and of an ordinary user, running or not."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests import as_user

from .conftest import Cluster, kubectls, machine, until


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("rootless", [False, True], ids=["root", "rootless"])
def test_down_purge_leaves_nothing(rootless: bool, running: bool) -> None:
    if os.geteuid() != 0 and not rootless:
        pytest.skip("needs root")
    if not kubectls() or shutil.which("crun") is None:
        pytest.skip("kubectl or crun is not installed, and only root can install it")
    if rootless and as_user.hindrance():
        pytest.skip(as_user.hindrance())
    before = machine()
    parent = Path(tempfile.mkdtemp(prefix="shipslog-purge-"))
    if rootless:
        as_user.give(parent)
    one = Cluster(parent / "data", "--runtime", "oci", "--node-name", "n1", rootless=rootless)
    try:
        one.up()
        one.shipslog("image", "build", "guestbook")
        one.k("run", "p", "--image=kubeguide/redis-master", "--restart=Never", "--command", "--", "sleep", "1000")
        until(lambda: "Running" in one.k("get", "pod", "p", check=False), "the pod runs")
        if not running:
            one.shipslog("down")
        said = one.shipslog("down", "--purge", "--yes").stdout
        assert f"The cluster in {one.data} is gone." in said
        assert not one.data.exists() or os.listdir(one.data) == [".kube"], "kubectl wrote that"
    finally:
        if one.data.exists():
            one.shipslog("down", "--all", check=False)
        shutil.rmtree(parent, ignore_errors=True)
    after = machine()
    for what, found in after.items():
        assert not found - before[what], f"{what} left behind: {found - before[what]}"


def test_a_directory_that_was_removed_leaves_nobody_stuck() -> None:
    """Its bridge holds the ranges: who asks for them is told how to end it, and that way goes."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if shutil.which("crun") is None:
        pytest.skip("crun is not installed")
    before = machine()
    one = Cluster(Path(tempfile.mkdtemp(prefix="shipslog-removed-")) / "data", "--runtime", "oci", "--node-name", "n1")
    try:
        one.up()
        one.shipslog("down")
        shutil.rmtree(one.data.parent)
        refused = one.shipslog("down", check=False)
        assert refused.returncode == 2 and f"is ended by: shipslog down --all --data {one.data}" in refused.stderr
    finally:
        ended = one.shipslog("down", "--all")
    assert "what its pods had left on the machine is gone" in ended.stdout and not one.data.exists()
    after = machine()
    for what, found in after.items():
        assert not found - before[what], f"{what} left behind: {found - before[what]}"
