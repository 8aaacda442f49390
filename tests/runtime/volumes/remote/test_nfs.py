"""nfs: which client mounts it, and our own one against a real server (nfs-ganesha)."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shipslog.runtime.images import recipes
from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.runtime.volumes.remote import nfs, nfs_client
from shipslog.runtime.volumes.remote.libnfs import Address

from .conftest import Pods, Tools

pytestmark = pytest.mark.root
SOURCE = {"server": "127.0.0.1", "path": "/"}
Kernel = Callable[[str], None]
FAILS = "echo 'mount.nfs: Connection refused' >&2; exit 32"


def until(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, f"not within 30 s: {what}"
        time.sleep(0.05)


class Server:
    """Exports a directory on a port of its own; what it keeps for its clients is in memory."""

    def __init__(self, place: Path) -> None:
        self.exported = place / "exported"
        self.exported.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        text = (recipes.FILES / "nfs" / "ganesha.conf").read_text()
        self._conf = place / "ganesha.conf"
        self._conf.write_text(text.replace("2049", str(self.port)).replace("/mnt/data", str(self.exported)))
        self._log = place / "ganesha.log"
        self.start()

    def start(self) -> None:
        kept = ("/var/lib/nfs/ganesha", "/var/run/ganesha")
        own = " && ".join(f"mkdir -p {place} && /bin/mount -t tmpfs kept {place}" for place in kept)
        run = f"{own} && exec ganesha.nfsd -F -f {self._conf} -L {self._log} -p /var/run/ganesha/pid"
        self._process = subprocess.Popen(["unshare", "--mount", "sh", "-c", run], stdout=subprocess.DEVNULL)
        until(self._answers, f"the server answers: {self._log}")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(30)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("ganesha.nfsd") is None or not Path("/dev/fuse").exists():
        pytest.skip("Debian's nfs-ganesha-vfs and /dev/fuse are needed")
    made = Server(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def share(server: Server, pods: Pods, tools: Tools, kernel: Kernel) -> Path:
    """Where it is mounted, by our own client whatever the kernel can."""
    kernel("nfsd")
    tools.add("mount", "exit 32")
    return pods.mount("nfs", source=SOURCE, mount_options=(f"port={server.port}", "nfsvers=4.1", "noatime"))


def test_a_kernel_that_has_it_is_believed(pods: Pods, tools: Tools, kernel: Kernel) -> None:
    kernel("nfs4")
    tools.add("mount", FAILS)
    with pytest.raises(VolumeFailed, match=r"exit status 32\nMounting command: mount\n(.|\n)*Connection refused"):
        pods.mount("nfs", source=SOURCE)
    assert not nfs.clients()


def test_what_is_missing_is_said(
    pods: Pods, tools: Tools, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel("nfsd")
    monkeypatch.setattr(nfs, "FUSE", tmp_path / "none")
    tools.add("mount", "exit 32")
    with pytest.raises(VolumeFailed, match=r"(.|\n)*the kernel of this node has no NFS client; .*shipslog\[nfs\]"):
        pods.mount("nfs", source=SOURCE)
    pods.remove()


def test_why_our_own_did_not_mount_is_said(pods: Pods, tools: Tools, kernel: Kernel) -> None:
    kernel("nfsd")
    tools.add("mount", "exit 32")
    with pytest.raises(
        VolumeFailed, match=r"exit status 32\nOutput: mounting 127.0.0.1:/: sec=krb5: this client knows sec=sys only"
    ):
        pods.mount("nfs", source=SOURCE, mount_options=("sec=krb5",))
    pods.remove()
    assert not pods.volumes("p").exists()


@pytest.mark.parametrize(
    ("source", "options", "address"),
    [
        ("s:/", "", Address(server="s", path="/", port=2049)),
        ("[fd00::9]:/a:b", "nfsvers=3,soft", Address(server="[fd00::9]", path="/a:b", version=3, retries=3)),
        ("s:/e", "vers=4.2,port=20049,hard", Address(server="s", path="/e", port=20049)),
        ("s:/e", "soft,retrans=5,proto=tcp", Address(server="s", path="/e", port=2049, retries=5)),
    ],
)
def test_what_is_asked_for(source: str, options: str, address: Address) -> None:
    assert nfs_client.parsed(source, options.split(",") if options else []) == (address, False)
    assert nfs_client.parsed(source, ["ro"])[1]


@pytest.mark.parametrize(
    ("source", "option", "why"),
    [
        ("s:e", "ro", "is not SERVER:/PATH"),
        ("s?x=1:/e", "ro", "is not SERVER:/PATH"),
        ("s:/e", "vers=2", "speaks the versions 3 and 4.0"),
        ("s:/e", "port=x", "port=x is no port"),
        ("s:/e", "uid=0", "an incorrect mount option was specified"),
    ],
)
def test_what_it_cannot_is_refused(source: str, option: str, why: str) -> None:
    with pytest.raises(nfs_client.Refused, match=why):
        nfs_client.parsed(source, [option])


def test_files_are_the_servers(server: Server, share: Path) -> None:
    (server.exported / "there").write_text("from the server")
    assert (share / "there").read_text() == "from the server"
    content = os.urandom(3_000_000)
    (share / "made").write_bytes(content)
    assert (server.exported / "made").read_bytes() == content == (share / "made").read_bytes()
    with (share / "made").open("r+b") as file:
        file.truncate(10)
        file.seek(0, os.SEEK_END)
        file.write(b"more")
    assert (server.exported / "made").read_bytes() == content[:10] + b"more"
    os.truncate(share / "made", 3)
    assert (server.exported / "made").stat().st_size == 3
    (share / "d" / "e").mkdir(parents=True)
    (share / "made").rename(share / "d" / "e" / "moved")
    os.link(share / "d/e/moved", share / "hard")
    (share / "link").symlink_to("d/e/moved")
    assert (share / "link").read_bytes() == content[:3] and (share / "hard").stat().st_nlink == 2
    os.chmod(share / "hard", 0o640)
    os.chown(share / "hard", 1234, 55)
    os.utime(share / "hard", (1, 1_000_000_000))
    held = (server.exported / "d/e/moved").stat()
    assert (held.st_mode & 0o7777, held.st_uid, held.st_gid, held.st_mtime) == (0o640, 1234, 55, 1_000_000_000)
    assert sorted(os.listdir(share)) == ["d", "hard", "link", "there"]
    assert os.statvfs(share).f_blocks == os.statvfs(server.exported).f_blocks
    with pytest.raises(FileExistsError):
        (share / "there").open("x")
    with pytest.raises(OSError, match="not empty"):
        (share / "d").rmdir()
    shutil.rmtree(share / "d")
    for name in ("hard", "link", "there"):
        (share / name).unlink()
    assert not os.listdir(server.exported)


def test_one_file_may_be_open_many_times(server: Server, share: Path) -> None:
    (share / "f").write_text("first\n")
    with (share / "f").open() as one, (share / "f").open() as two, (share / "f").open("a") as three:
        assert one.read() == "first\n"
        three.write("second\n")
        three.flush()
        one.close()
        assert two.read() == "first\nsecond\n"
        (share / "f").rename(share / "g")
        three.write("third\n")
    with (share / "g").open("a") as gone:
        (share / "g").unlink()
        gone.write("nobody reads it\n")
    assert not os.listdir(share)


def test_the_server_asks_who_it_is(server: Server, share: Path) -> None:
    (share / "secret").write_text("x")
    (share / "secret").chmod(0o600)
    (share / "open").mkdir()
    with pytest.raises(OSError, match="not supported"):  # libnfs opens what it is to change
        (share / "open").chmod(0o777)
    (server.exported / "open").chmod(0o777)
    until(lambda: (share / "open").stat().st_mode & 0o777 == 0o777, "the client sees the mode")
    someone = ["setpriv", "--reuid", "4321", "--regid", "4321", "--clear-groups"]
    refused = subprocess.run([*someone, "cat", "secret"], capture_output=True, check=False, timeout=30, cwd=share)
    assert b"Permission denied" in refused.stderr
    subprocess.run([*someone, "touch", "open/mine"], check=True, timeout=30, cwd=share)
    assert (server.exported / "open" / "mine").stat().st_uid == 4321


def test_a_server_that_was_started_again_is_found(server: Server, share: Path) -> None:
    with (share / "f").open("w") as file:
        file.write("before\n")
        file.flush()
        server.stop()
        server.start()
        file.write("after\n")
    assert (share / "f").read_text() == "before\nafter\n"


def test_a_server_that_is_gone_keeps_no_pod(server: Server, share: Path, pods: Pods) -> None:
    until(lambda: [words[1] for words in nfs.clients().values()] == [str(share)], "the client of the test before has ended")
    (share / "f").write_text("x")
    server.stop()
    waiting = subprocess.Popen(["cat", str(share / "f")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pods.remove()
    until(lambda: not nfs.clients(), "its client has ended")
    assert waiting.wait(30) != 0, "who waited for it goes on"
    assert not linux.mounts_below(pods.place)


async def test_its_client_ends_with_the_mount(share: Path, pods: Pods) -> None:
    assert nfs.clients()
    await asyncio.to_thread(pods.remove)
    await asyncio.to_thread(until, lambda: not nfs.clients(), "its client has ended")
