"""What is written down, shared and taken back, whatever happens in between."""

import threading
from pathlib import Path

import pytest

from shipslog.runtime.commands import RemoteVolume, VolumeSource
from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.runtime.volumes.remote import mounter
from shipslog.runtime.volumes.remote.plugin import Plugin, Work

from .conftest import Pods

pytestmark = pytest.mark.root


class Fake(Plugin):
    """Mounts a tmpfs, writes down what was asked, and fails at will."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails = ""
        self.waits: dict[str, threading.Event] = {}

    def _called(self, what: str, work: Work) -> None:
        self.calls.append(f"{what} {work.target.parent.parent.name}")
        if what in self.waits:
            assert self.waits[what].wait(10)
        if self.fails == what:
            raise VolumeFailed("at will")

    def key(self, work: Work) -> str:
        return str(work.remote.source["disk"])

    def attach(self, work: Work) -> str:
        self._called("attach", work)
        return "device"

    def mount(self, work: Work, device: str) -> None:
        self._called("mount", work)
        linux.mount("fake", str(work.target), "tmpfs")

    def unmount(self, work: Work) -> None:
        self._called("unmount", work)
        super().unmount(work)

    def detach(self, work: Work) -> None:
        self._called("detach", work)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(mounter, "PLUGINS", {"fake": made})
    return made


def test_again_is_nothing(pods: Pods, fake: Fake) -> None:
    for _ in range(2):
        pods.mount("fake", source={"disk": "d"})
    assert fake.calls == ["attach p", "mount p"]
    for _ in range(2):
        mounter.unmount_all(pods.volumes("p"))
    assert fake.calls[2:] == ["unmount p", "detach p"]


@pytest.mark.parametrize("step", ["attach", "mount", "unmount", "detach"])
def test_what_failed_is_tried_again(step: str, pods: Pods, fake: Fake) -> None:
    fake.fails = step
    if step in ("attach", "mount"):
        with pytest.raises(VolumeFailed, match=r'MountVolume.SetUp failed for volume "v" : at will'):
            pods.mount("fake", source={"disk": "d"})
        fake.fails = ""
    pods.mount("fake", source={"disk": "d"})
    if fake.fails:
        with pytest.raises(VolumeFailed, match=r'UnmountVolume.TearDown failed for volume "v" : at will'):
            pods.remove()
        fake.fails = ""
    pods.remove()
    assert fake.calls[-1] == "detach p" and not pods.volumes("p").exists()


def test_a_crash_before_anything_was_mounted_is_taken_back(pods: Pods, fake: Fake) -> None:
    fake.fails = "attach"
    with pytest.raises(VolumeFailed):
        pods.mount("fake", source={"disk": "d"})
    fake.fails = ""
    pods.remove()
    assert fake.calls == ["attach p", "unmount p", "detach p"]


def test_one_disk_of_two_pods_is_detached_once(pods: Pods, fake: Fake) -> None:
    for pod in ("a", "b"):
        pods.mount("fake", pod, source={"disk": "d"})
    pods.mount("fake", "c", source={"disk": "another"})
    for pod in ("a", "b", "c"):
        pods.remove(pod)
    assert [call for call in fake.calls if call.startswith("detach")] == ["detach b", "detach c"]


def test_pods_of_other_disks_do_not_wait(pods: Pods, fake: Fake) -> None:
    fake.waits["detach"] = threading.Event()
    pods.mount("fake", "a", source={"disk": "d"})
    removes = threading.Thread(target=pods.remove, args=("a",))
    removes.start()
    while "detach a" not in fake.calls:
        removes.join(0.01)
    comes = threading.Thread(target=pods.mount, args=("fake", "b"), kwargs={"source": {"disk": "d"}})
    comes.start()
    pods.mount("fake", "c", source={"disk": "another"})
    assert "attach c" in fake.calls and "attach b" not in fake.calls
    fake.waits["detach"].set()
    for thread in (removes, comes):
        thread.join(10)
    assert fake.calls.index("detach a") < fake.calls.index("attach b")


@pytest.mark.parametrize(
    ("plugin", "source"),
    [
        ("iscsi", {"targetPortal": "-x", "iqn": "i", "lun": 0}),
        ("iscsi", {"targetPortal": "10.0.0.9", "iqn": "", "lun": 0}),
        ("rbd", {"monitors": ["m"], "image": "../x"}),
        ("flexVolume", {"driver": "../../bin/sh"}),
    ],
    ids=["a portal", "a target", "an image", "a driver"],
)
def test_names_that_are_none_keep_no_pod(plugin: str, source: dict[str, object], pods: Pods) -> None:
    with pytest.raises(VolumeFailed, match="is no"):
        pods.mount(plugin, source=source)
    pods.remove()
    assert not pods.volumes("p").exists()


def test_an_unknown_kind_is_said(pods: Pods) -> None:
    with pytest.raises(VolumeFailed, match="volumes of kind nothing are not supported on this node"):
        pods.mount("nothing", source={})


def test_secrets_are_not_written_down(tmp_path: Path) -> None:
    remote = RemoteVolume(plugin="nfs", source={}, secret={"k": b"w"}, stage_secret={"k": b"w"})
    kept = mounter.without_secrets(VolumeSource(name="v", kind="remote", remote=remote)).remote
    assert isinstance(kept, RemoteVolume) and not kept.secret and not kept.stage_secret
