"""What mount(8) is called with, volume by volume."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.volumes.failed import VolumeFailed

from .conftest import Pods, Tools

pytestmark = pytest.mark.root
KEY = {"key": b"AQ==\n"}
ACCOUNT = {"azurestorageaccountname": b"acc", "azurestorageaccountkey": b"k3y"}


@pytest.mark.parametrize(
    ("plugin", "remote", "line"),
    [
        ("nfs", {"source": {"server": "10.0.0.9", "path": "/exports"}}, "-t nfs 10.0.0.9:/exports TARGET"),
        ("nfs", {"source": {"server": "fd00::9", "path": "/", "readOnly": True}}, "-t nfs -o ro [fd00::9]:/ TARGET"),
        (
            "nfs",
            {"source": {"server": "s", "path": "/e"}, "mount_options": ("hard", "nfsvers=4.2")},
            "-t nfs -o hard,nfsvers=4.2 s:/e TARGET",
        ),
        (
            "glusterfs",
            {"source": {"endpoints": "g", "path": "vol"}, "hosts": ("10.0.0.1", "10.0.0.2")},
            "-t glusterfs -o auto_unmount,backup-volfile-servers=10.0.0.1:10.0.0.2,log-file=BESIDE/glusterfs.log,"
            "log-level=ERROR 10.0.0.1:vol TARGET",
        ),
        (
            "cephfs",
            {"source": {"monitors": ["10.0.0.1:6789", "10.0.0.2:6789"], "path": "/d", "user": "u"}, "secret": KEY},
            "-t ceph -o name=u,secretfile=BESIDE/key 10.0.0.1:6789,10.0.0.2:6789:/d TARGET",
        ),
        (
            "cephfs",
            {"source": {"monitors": ["m"], "secretFile": "/etc/ceph/mine"}},
            "-t ceph -o name=admin,secretfile=/etc/ceph/mine m:/ TARGET",
        ),
        (
            "azureFile",
            {"source": {"secretName": "s", "shareName": "share"}, "secret": ACCOUNT},
            "-t cifs -o credentials=BESIDE/credentials,file_mode=0777,dir_mode=0777,vers=3.0,actimeo=30,mfsymlinks"
            " //acc.file.core.windows.net/share TARGET",
        ),
    ],
    ids=["nfs", "nfs read only", "nfs with options", "glusterfs", "cephfs with a secret", "cephfs with a file", "azureFile"],
)
def test_the_command(plugin: str, remote: dict[str, Any], line: str, pods: Pods, tools: Tools) -> None:
    tools.add("mount")
    target = pods.mount(plugin, **remote)
    beside = target.parent / "..remote" / "v"
    assert tools.calls == ["mount " + line.replace("TARGET", str(target)).replace("BESIDE", str(beside))]
    for held in beside.iterdir():
        assert held.stat().st_mode & 0o077 == 0
    record = (target.parent / "..remote" / "v.json").read_text()
    assert "AQ==" not in record and "k3y" not in record


def test_what_a_tool_says_is_said(pods: Pods, tools: Tools, kernel: Callable[[str], None]) -> None:
    kernel("nfs")
    tools.add("mount", "echo 'mount.nfs: Connection refused' >&2; exit 32")
    with pytest.raises(VolumeFailed) as caught:
        pods.mount("nfs", source={"server": "10.0.0.9", "path": "/e"})
    target = pods.volumes("p") / "v"
    assert str(caught.value).startswith(
        'MountVolume.SetUp failed for volume "v" : mount failed: exit status 32\nMounting command: mount\n'
        f"Mounting arguments: -t nfs 10.0.0.9:/e {target}\nOutput: mount.nfs: Connection refused\n"
    )


@pytest.mark.parametrize("server", ["-oexec", "a\nb"], ids=["an option", "two lines"])
def test_a_server_that_would_be_an_option_is_refused(server: str, pods: Pods, tools: Tools) -> None:
    tools.add("mount")
    with pytest.raises(VolumeFailed, match="is none"):
        pods.mount("nfs", source={"server": server, "path": "/e"})
    assert not tools.calls


def test_an_option_in_a_name_is_refused(pods: Pods, tools: Tools) -> None:
    tools.add("mount")
    with pytest.raises(VolumeFailed, match="comma"):
        pods.mount("cephfs", source={"monitors": ["m"], "user": "u,secret=x"})
    assert not tools.calls


def test_a_missing_key_is_named(pods: Pods, tools: Tools) -> None:
    with pytest.raises(VolumeFailed, match="the secret of the volume holds no 'azurestorageaccountname', but other"):
        pods.mount("azureFile", source={"shareName": "s"}, secret={"other": b""})


def has_ended(pid: int) -> bool:
    """It was killed; on a busy machine its end takes a moment."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_tool_that_hangs_is_ended(
    pods: Pods, tools: Tools, kernel: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel("nfs")
    tools.add("mount", f"sleep 300 & echo $! > {tmp_path}/child; wait")
    monkeypatch.setattr("shipslog.runtime.volumes.remote.tools.TIMEOUT_S", 0.5)
    with pytest.raises(VolumeFailed, match=r"timed out after 0\.5 s"):
        pods.mount("nfs", source={"server": "s", "path": "/e"})
    child = int((tmp_path / "child").read_text())
    assert has_ended(child), "what the tool had started goes on 30 s after it was killed"
