"""A cluster in one file: taken while it is written to, put back whole, or not at all."""

import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from shipslog.engine.auth import certificates
from shipslog.engine.backups import CHECKING, COPYING, PACKING, UNPACKING, BackupError, Manifest, back_up, copy_log, restore
from shipslog.engine.cluster import Cluster
from shipslog.engine.redaction import export
from shipslog.engine.settings import keep, kept_in, resolve
from shipslog.store.log.event_log import LogBusy, LogCorrupt, LogError
from shipslog.store.objects.types import core_v1
from tests.engine.host.test_host import config_map


async def cluster_in(data: Path, *names: str) -> None:
    """A data directory as a daemon leaves it."""
    keep(resolve({"data": data, "node_name": "n1", "runtime": "simulated"}), "simulated")
    certificates.ensure(data / "pki")
    (data / "token").write_text("the token\n")
    async with Cluster.open(data / "cluster.db", runtime="none", reconcilers=()) as cluster:
        for name in names:
            await cluster.create(config_map(name))


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.endswith("-lock")
    }


def directory(tmp_path: Path, name: str = "data") -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


async def names_in(data: Path) -> set[str]:
    async with Cluster.open(data / "cluster.db", runtime="none", reconcilers=()) as cluster:
        return {found.metadata.name for found in cluster.list(core_v1.ConfigMap, "default")}


async def test_a_cluster_that_runs_is_backed_up_and_put_back(tmp_path: Path) -> None:
    data, file = directory(tmp_path), tmp_path / "backup.tar.gz"
    await cluster_in(data)
    async with Cluster.open(data / "cluster.db", runtime="none", reconcilers=()) as cluster:
        await cluster.create(config_map("kept"))
        manifest = await back_up(data, file, version="1")
        assert manifest.revision == cluster.log.revision
        await cluster.create(config_map("later"))
        with pytest.raises(LogBusy, match="has this log open"):
            await restore(file, data)
        assert cluster.get(core_v1.ConfigMap, "later")
    before = contents(data)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other, aside = await restore(file, tmp_path / "new")
    assert (other, aside) == (manifest, None)
    assert await names_in(tmp_path / "new") == {"kept"}
    same, aside = await restore(file, data)
    assert same == manifest and aside is not None and contents(aside) == before
    for name in ("token", "cluster.json", "pki/ca.key", "pki/service-accounts.key", "pki/admin.crt"):
        assert (data / name).read_bytes() == before[name] == (tmp_path / "new" / name).read_bytes()
    assert kept_in(tmp_path / "new") == kept_in(aside)
    assert await names_in(data) == {"kept"}, "a log that is shorter than what was acknowledged before is opened all the same"


async def test_nothing_is_left_behind_and_nothing_overwritten(tmp_path: Path) -> None:
    data, file = directory(tmp_path), tmp_path / "backup"
    await cluster_in(data, "a")
    before = contents(data)
    file.write_text("mine")
    for taking in (back_up(data, file, version="1"), copy_log(data / "cluster.db", file)):
        with pytest.raises(BackupError, match="is there already; it was left as it is"):
            await taking
    assert file.read_text() == "mine"
    file.unlink()
    await back_up(data, file, version="1")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backup", "data"] and contents(data) == before


async def test_what_a_killed_one_left_beside_its_target_goes_with_the_next(tmp_path: Path) -> None:
    data = directory(tmp_path)
    await cluster_in(data, "a")
    for pid in (os.getpid(), 999_999_999):  # one that runs, and one that was killed in the midst of it
        (tmp_path / f".shipslog-backup-{pid}-x").mkdir()
    await back_up(data, tmp_path / "backup", version="1")
    assert {p.name for p in tmp_path.iterdir()} == {"backup", "data", f".shipslog-backup-{os.getpid()}-x"}


async def test_how_far_it_is_is_told_step_by_step(tmp_path: Path) -> None:
    data, told = directory(tmp_path), list[tuple[str, int, int]]()
    await cluster_in(data, "a")
    await back_up(data, tmp_path / "backup", version="1", progress=lambda *how_far: told.append(how_far))
    await restore(tmp_path / "backup", tmp_path / "new", progress=lambda *how_far: told.append(how_far))
    assert list(dict.fromkeys(what for what, _, _ in told)) == [COPYING, CHECKING, PACKING, UNPACKING]
    ends = {what: (done, total) for what, done, total in told}
    assert all(done == total > 0 for done, total in ends.values()), ends


async def test_the_log_alone_is_a_log(tmp_path: Path) -> None:
    data = directory(tmp_path)
    await cluster_in(data, "a", "b")
    revision = await copy_log(data / "cluster.db", tmp_path / "sent.db")
    async with Cluster.open(tmp_path / "sent.db", runtime="none", reconcilers=()) as cluster:
        assert cluster.log.revision >= revision and {c.metadata.name for c in cluster.list(core_v1.ConfigMap)} >= {"a", "b"}


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def members_of(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as found:
        return {m.name: f.read() for m in found if (f := found.extractfile(m)) is not None}


async def test_what_is_no_backup_changes_nothing(tmp_path: Path) -> None:
    data, file = directory(tmp_path), tmp_path / "backup"
    await cluster_in(data, "a")
    await back_up(data, file, version="1")
    good, before = members_of(file), contents(data)
    newer = msgspec.json.encode(Manifest(format=99, version="9.9", made_ns=1, revision=1))
    broken = bytearray(good["cluster.db"])
    at = broken.rfind(b'"ConfigMap"')
    broken[at + 1] ^= 1
    (tmp_path / "text").write_text("this is no archive")
    (tmp_path / "cut").write_bytes(file.read_bytes()[:-3000])
    (tmp_path / "end").write_bytes(file.read_bytes()[:-3])
    (tmp_path / "altered").write_bytes(file.read_bytes()[:-8] + bytes(4) + file.read_bytes()[-4:])
    wrong = {
        "is no backup, or is cut off": tuple(tmp_path / name for name in ("text", "cut", "end", "altered")),
        "manifest.json is not its first file": (archive(tmp_path / "other", {"a": b"b"}),),
        "is no backup of a cluster": (archive(tmp_path / "none", {"manifest.json": good["manifest.json"]}),),
        r"newer version \(9.9\)": (archive(tmp_path / "newer", {**good, "manifest.json": newer}),),
        "cannot be restored: .*breaks at revision": (archive(tmp_path / "bad", {**good, "cluster.db": bytes(broken)}),),
        "cluster.json cannot be read": (archive(tmp_path / "settings", {**good, "cluster.json": b"{"}),),
    }
    for said, files in wrong.items():
        for path in files:
            with pytest.raises(BackupError, match=said):
                await restore(path, data)
            assert contents(data) == before, path


async def test_where_no_backup_is_put_back_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no archive")
    with pytest.raises(BackupError, match=r"text is no backup, or is cut off: it is no tar\. Nothing was changed\.$"):
        await restore(tmp_path / "text", tmp_path / "data")
    with pytest.raises(FileNotFoundError):
        await restore(tmp_path / "missing", tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    await cluster_in(directory(tmp_path, "other"), "a")
    await back_up(tmp_path / "other", tmp_path / "backup", version="1")
    (tmp_path / "cut").write_bytes((tmp_path / "backup").read_bytes()[:-3000])
    with pytest.raises(BackupError, match="cut off"):
        await restore(tmp_path / "cut", tmp_path / "data")
    assert not (tmp_path / "data").exists()
    left = directory(tmp_path, "left")  # one that was there is not taken away
    with pytest.raises(BackupError, match="cut off"):
        await restore(tmp_path / "cut", left)
    assert left.exists()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("before", range(12))
async def test_a_restore_that_is_killed_begins_no_other_log_and_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    data, file = directory(tmp_path), tmp_path / "backup"
    await cluster_in(data, "kept")
    await back_up(data, file, version="1")
    async with Cluster.open(data / "cluster.db", runtime="none", reconcilers=()) as cluster:
        await cluster.create(config_map("later"))
    for suffix in ("-wal", "-shm"):  # as a kill leaves them
        (data / f"cluster.db{suffix}").touch()
    was, moves = contents(data), 0
    replaced = Path.replace

    def replace(path: Path, target: Path) -> Path:
        nonlocal moves
        moves += 1
        if moves == before + 1:
            raise Killed
        return replaced(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Killed) if before < 11 else nullcontext():
        await restore(file, data)
    monkeypatch.undo()
    if not (data / "cluster.db").exists():
        with pytest.raises(LogError, match=r"the log is gone; its revision \d+ was acknowledged\. Nothing was begun"):
            await names_in(data)
    again = await names_in(data) if (data / "cluster.db").exists() else set[str]()
    assert again == ({"kept"} if before == 11 else {"kept", "later"} if before == 0 else set())
    if 0 < before < 11:
        _, aside = await restore(file, data)
        assert aside is not None and contents(aside) == was and await names_in(data) == {"kept"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk with little room."""
    (tmp_path / "small").mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path / "small")]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


async def test_a_disk_without_room_is_named_and_keeps_nothing(tmp_path: Path, small: Path) -> None:
    data = directory(tmp_path)
    await cluster_in(data)
    async with Cluster.open(data / "cluster.db", runtime="none", reconcilers=()) as cluster:
        for number in range(8):
            await cluster.create(replace(config_map(f"c{number}"), data={"noise": os.urandom(50_000).hex()}))
    await back_up(data, tmp_path / "backup", version="1")
    said = rf"^{small}(/new)?: there is not enough room on this disk\. Nothing was changed\.$"
    for work in (
        back_up(data, small / "backup", version="1"),
        copy_log(data / "cluster.db", small / "sent.db"),
        export(data / "cluster.db", small / "sent.db"),
        restore(tmp_path / "backup", small / "new"),
    ):
        with pytest.raises(BackupError, match=said):
            await work
        assert not list(small.iterdir())


async def test_an_archive_cannot_write_anywhere_else(tmp_path: Path) -> None:
    data, file = directory(tmp_path), tmp_path / "backup"
    await cluster_in(data, "a")
    await back_up(data, file, version="1")
    evil = {"../evil": b"x", "pki/../../evil": b"x", "/evil": b"x", "pki/sub/evil": b"x", "evil": b"x", "pki/.evil": b"x"}
    await restore(archive(tmp_path / "evil.tar", {**members_of(file), **evil}), tmp_path / "new")
    assert not [path for path in tmp_path.rglob("*evil*") if path.name != "evil.tar"]
    assert not Path("/evil").exists()


async def test_a_broken_log_is_not_backed_up(tmp_path: Path) -> None:
    data = directory(tmp_path)
    await cluster_in(data, "a")
    broken = bytearray((data / "cluster.db").read_bytes())
    broken[broken.rfind(b'"ConfigMap"') + 1] ^= 1
    (data / "cluster.db").write_bytes(broken)
    with pytest.raises(LogCorrupt):
        await back_up(data, tmp_path / "backup", version="1")
    assert sorted(os.listdir(tmp_path)) == ["data"]
