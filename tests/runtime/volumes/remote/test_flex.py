"""FlexVolumes: a driver that mounts by itself, one that attaches, and one that talks nonsense."""

import json
from pathlib import Path

import pytest

from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.runtime.volumes.remote import flex

from .conftest import Pods, Tools

pytestmark = pytest.mark.root
SUCCESS = 'echo \'{"status": "Success"}\''
MOUNTS = f"""
case "$1" in
  init) echo '{{"status": "Success", "capabilities": {{"attach": false}}}}';;
  mount) mount -t tmpfs flex "$2" && {SUCCESS};;
  unmount) umount "$2" && {SUCCESS};;
  *) echo '{{"status": "Not supported"}}'; exit 1;;
esac
"""
ATTACHES = f"""
case "$1" in
  attach|waitforattach) echo '{{"status": "Success", "device": "/dev/x"}}';;
  mountdevice) mount -t tmpfs flex "$2" && {SUCCESS};;
  unmountdevice) umount "$2" && {SUCCESS};;
  *) {SUCCESS};;
esac
"""


@pytest.fixture
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setattr(flex, "DIRECTORY", tmp_path / "drivers")
    (tmp_path / "drivers").mkdir()
    return Tools(tmp_path / "drivers" / "example.com~lvm")


SOURCE = {"driver": "example.com/lvm", "fsType": "ext4", "options": {"size": "1Gi"}}


def test_a_driver_that_mounts_by_itself(pods: Pods, drivers: Tools) -> None:
    drivers.add("lvm", MOUNTS)
    target = pods.mount("flexVolume", source=SOURCE, secret={"password": b"w"}, pod={"pod.name": "p"})
    assert linux.mounts_below(target) == [str(target)]
    call = next(call for call in drivers.calls if call.startswith("lvm mount"))
    assert json.loads(call.partition(f"{target} ")[2]) == {
        "size": "1Gi",
        "kubernetes.io/fsType": "ext4",
        "kubernetes.io/readwrite": "rw",
        "kubernetes.io/pvOrVolumeName": "v",
        "kubernetes.io/pod.name": "p",
        "kubernetes.io/secret/password": "dw==",
    }
    pods.remove()
    assert f"lvm unmount {target}" in drivers.calls and not linux.mounts_below(pods.place)


def test_a_driver_that_attaches(pods: Pods, drivers: Tools) -> None:
    drivers.add("lvm", ATTACHES)
    target = pods.mount("flexVolume", source=SOURCE, volume="pv-1")
    assert [call.split()[1] for call in drivers.calls if call != "lvm init"] == ["attach", "waitforattach", "mountdevice"]
    drivers.forget()
    pods.remove()
    assert [call.split()[1:3] for call in drivers.calls if call != "lvm init"] == [
        ["unmountdevice", str(target)],
        ["detach", "pv-1"],
    ]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo nonsense", "init answered with exit status 0 and no status: nonsense"),
        ('echo \'{"status": "Failure", "message": "no group"}\'; exit 1', "driver example.com/lvm: init: Failure: no group"),
    ],
    ids=["nonsense", "failure"],
)
def test_what_it_answers_is_said(script: str, message: str, pods: Pods, drivers: Tools) -> None:
    drivers.add("lvm", script)
    with pytest.raises(VolumeFailed, match=message):
        pods.mount("flexVolume", source=SOURCE)
    pods.remove()
    assert not pods.volumes("p").exists(), "it never said what it can, so there is nothing to take back"


def test_what_it_says_once_counts_for_the_way_back(pods: Pods, drivers: Tools) -> None:
    drivers.add("lvm", MOUNTS)
    target = pods.mount("flexVolume", source=SOURCE)
    drivers.add("lvm", MOUNTS.replace("init)", "init) exit 1;; was)"))
    pods.remove()
    assert f"lvm unmount {target}" in drivers.calls and not linux.mounts_below(pods.place)


@pytest.mark.parametrize("driver", ["../../bin/sh", "a/../b", "x y"])
def test_a_driver_is_no_path(driver: str, pods: Pods, drivers: Tools) -> None:
    with pytest.raises(VolumeFailed, match="is no name of a driver"):
        pods.mount("flexVolume", source={"driver": driver})


def test_a_driver_that_is_not_there_lets_the_pod_go(pods: Pods, drivers: Tools) -> None:
    with pytest.raises(
        VolumeFailed, match=r"no volume plugin matched: the driver example.com/none is not at .*example.com~none/none"
    ):
        pods.mount("flexVolume", source={"driver": "example.com/none"})
    pods.remove()
    assert not pods.volumes("p").exists()
