"""A cluster in one file: its log as it is at one moment, what it is, and its keys; taken while it runs, and put back.

The file is a tar with manifest.json first. Images and what pods have written are not in it.
"""

import errno
import gzip
import io
import lzma
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from shipslog.store.log.event_log import LogError
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.log.sqlite_connection import is_full
from shipslog.store.log.writer_lock import WriterLock, lock_path
from shipslog.store.objects.values.times import api_time

from .progress import Progress, step, to_nobody
from .settings import KEPT_IN, BadSettings, kept_in

FORMAT = 1
LOG, MANIFEST, KEYS = "cluster.db", "manifest.json", "pki"
BESIDE = ("token", KEPT_IN)  # further files of a cluster
OF_LOG = ("", "-wal", "-shm", "-reserve")  # the lock stays where it is: it is held
COMPRESSION = 3
COPYING, CHECKING, PACKING, UNPACKING = "Copying the log", "Checking the copy", "Packing it", "Unpacking it"
DRAFTS = ".shipslog-backup-"  # and the number of the process that uses it
SCRATCH = ".restoring"
ASIDE = "before-restore-"  # what a restored cluster took the place of, with the time


class BackupError(Exception):
    """It was not backed up, or not restored; the message says why and what was left as it was."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of."""

    format: int = FORMAT
    version: str  # of what made it
    made_ns: int
    revision: int  # the last that it holds

    @property
    def made(self) -> str:
        return api_time(self.made_ns)


async def back_up(data: Path, target: Path, *, version: str, progress: Progress = to_nobody) -> Manifest:
    """Write a backup of a data directory's cluster, whether or not it runs. It is whole and synced when it gets its name.

    Errors: BackupError, LogError, OSError."""
    with _scratch_beside(target) as scratch, room_for(target.absolute().parent):
        revision = await _copied(data / LOG, scratch / LOG, progress)
        manifest = Manifest(version=version, made_ns=time.time_ns(), revision=revision)
        draft = scratch / "draft"
        _pack(data, scratch / LOG, manifest, draft, progress)
        _name(draft, target)
    return manifest


async def copy_log(source: Path, target: Path, *, progress: Progress = to_nobody) -> int:
    """Write the log alone, to be read elsewhere. -> its last revision. Errors: BackupError, LogError, OSError."""
    with _scratch_beside(target) as scratch, room_for(target.absolute().parent):
        revision = await _copied(source, scratch / LOG, progress)
        _name(scratch / LOG, target)
    return revision


async def restore(source: Path, data: Path, *, progress: Progress = to_nobody) -> tuple[Manifest, Path | None]:
    """Put a backup's cluster into a data directory. -> (its manifest, where what was there before is now; None for nothing).

    What was there is put aside only when all of the backup was unpacked and every checksum of its log holds.
    Errors: BackupError, LogBusy when a daemon runs there, LogError, OSError."""
    _look_into(source)
    new = not data.exists()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = WriterLock(data / LOG)
    scratch = data / SCRATCH
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        with room_for(data):
            manifest = _unpacked(source, scratch, progress)
        await _check(source, scratch, manifest, progress)
        aside = _put_aside(data)
        lock.note(manifest.revision)  # from now on no start begins another log here, until this one has its place
        for name in (KEYS, *BESIDE, LOG):
            if (scratch / name).exists():
                (scratch / name).replace(data / name)
        _sync(data)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if new and [path.name for path in data.iterdir()] == [lock_path(data / LOG).name]:  # nothing came of it
            lock_path(data / LOG).unlink()
            data.rmdir()
        lock.release()
    return manifest, aside


@contextmanager
def room_for(directory: Path) -> Iterator[None]:
    """Errors: BackupError where the disk of the directory, in which nothing has its name yet, is full."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if (error.errno not in (errno.ENOSPC, errno.EDQUOT)) if isinstance(error, OSError) else not is_full(error):
            raise
        raise BackupError(f"{directory}: there is not enough room on this disk. Nothing was changed.") from error


# --- taking one ---


@contextmanager
def _scratch_beside(target: Path) -> Iterator[Path]:
    """A directory on the same disk, for a file that gets its name when it is whole."""
    if target.exists():
        raise BackupError(f"{target} is there already; it was left as it is. Name another file.")
    parent = target.absolute().parent
    for left in parent.glob(f"{DRAFTS}*"):  # by one that was killed: there may be keys in it
        if not Path(f"/proc/{left.name.removeprefix(DRAFTS).partition('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{DRAFTS}{os.getpid()}-", dir=parent) as name:
        yield Path(name)


async def _copied(source: Path, target: Path, progress: Progress) -> int:
    async with await SqliteLog.open(source, read_only=True) as log:
        await log.copy_to(target, step(progress, COPYING))
    async with await SqliteLog.open(target, read_only=True) as copy:
        await copy.verify(step(progress, CHECKING))
        return copy.revision


def _pack(data: Path, log: Path, manifest: Manifest, draft: Path, progress: Progress) -> None:
    with open(draft, "xb", opener=_private) as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=COMPRESSION) as archive:
            _add_bytes(archive, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
            for name in BESIDE:
                if (data / name).exists():
                    _add_bytes(archive, name, (data / name).read_bytes())
            for path in sorted((data / KEYS).glob("*")):
                _add_bytes(archive, f"{KEYS}/{path.name}", path.read_bytes())
            with open(log, "rb") as whole:
                size = os.fstat(whole.fileno()).st_size
                _add(archive, LOG, _Read(whole, size, step(progress, PACKING)), size)
        file.flush()
        os.fsync(file.fileno())


def _name(draft: Path, target: Path) -> None:
    """Give a file its name, unless another has it by now."""
    try:
        os.link(draft, target)
    except FileExistsError as error:
        raise BackupError(f"{target} is there already; it was left as it is. Name another file.") from error
    except OSError:  # no links on this disk
        draft.rename(target)
    _sync(target.absolute().parent)


class _Read(io.RawIOBase):
    """A file that is read from end to end, and tells how far."""

    def __init__(self, file: IO[bytes], size: int, report: Callable[[int, int], None]) -> None:
        self._file, self._size, self._report = file, size, report

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._report(self._file.tell(), self._size)
        return data


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    _add(archive, name, io.BytesIO(data), len(data))


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes] | _Read, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


# --- putting one back ---


@contextmanager
def _archive(source: Path) -> Iterator[tarfile.TarFile]:
    """A backup, to be read. Errors: BackupError, also from what is read inside; OSError."""
    try:
        with tarfile.open(source, mode="r:*") as archive:
            yield archive
    except (tarfile.TarError, EOFError, FileExistsError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        why = "it is no tar" if "\n" in str(error) else error  # of what is no archive at all each format has a line
        raise BackupError(f"{source} is no backup, or is cut off: {why}. Nothing was changed.") from error


def _look_into(source: Path) -> None:
    """Refuse what does not begin as a backup does, before anything is made. Errors: BackupError, OSError."""
    with _archive(source) as archive:
        for member in archive:
            if file := archive.extractfile(member) if member.isreg() else None:
                _manifest(source, member.name, file.read(1 << 20))
                return
    raise BackupError(f"{source} is no backup of a cluster. Nothing was changed.")


def _unpacked(source: Path, scratch: Path, progress: Progress) -> Manifest:
    """Only files that a backup has are looked at, whatever else an archive holds. Errors: BackupError, OSError."""
    manifest: Manifest | None = None
    (scratch / KEYS).mkdir(mode=0o700)
    with _archive(source) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is None:
                continue
            if manifest is None:
                manifest = _manifest(source, member.name, file.read(1 << 20))
            elif member.name in (LOG, *BESIDE) or _is_key(member.name):
                with open(scratch / member.name, "xb", opener=_private) as target:
                    shutil.copyfileobj(_Read(file, member.size, step(progress, UNPACKING)), target)
                    target.flush()
                    os.fsync(target.fileno())
        assert archive.fileobj is not None
        while archive.fileobj.read(1 << 20):  # its own checksum stands at its end
            pass
    if manifest is None or not (scratch / LOG).exists():
        raise BackupError(f"{source} is no backup of a cluster. Nothing was changed.")
    return manifest


def _is_key(name: str) -> bool:
    directory, _, file = name.partition("/")
    return directory == KEYS and bool(file) and "/" not in file and not file.startswith(".")


def _manifest(source: Path, name: str, data: bytes) -> Manifest:
    try:
        found = msgspec.json.decode(data, type=Manifest) if name == MANIFEST else None
    except msgspec.DecodeError:
        found = None
    if found is None:
        raise BackupError(f"{source} is no backup of a cluster: {MANIFEST} is not its first file. Nothing was changed.")
    if found.format > FORMAT:
        raise BackupError(f"{source} was made by a newer version ({found.version}); restore it with that. Nothing was changed.")
    return found


async def _check(source: Path, scratch: Path, manifest: Manifest, progress: Progress) -> None:
    try:
        async with await SqliteLog.open(scratch / LOG, read_only=True) as log:
            await log.verify(step(progress, CHECKING))
            revision = log.revision
        kept_in(scratch)
    except (LogError, BadSettings) as error:
        raise BackupError(f"{source} cannot be restored: {error} Nothing was changed.") from error
    if revision != manifest.revision:
        raise BackupError(f"{source}: its log ends at {revision}, not at {manifest.revision}. Nothing was changed.")


def _put_aside(data: Path) -> Path | None:
    """What the backup takes the place of, into a directory beside it; after a restore that was cut off, into the one that it
    began: what is here and there is of its backup."""
    begun = _cut_off(data)
    there = [data / name for name in (*(LOG + suffix for suffix in OF_LOG), KEYS, *BESIDE) if (data / name).exists()]
    if not there:
        return begun
    aside = begun or data / f"{ASIDE}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    aside.mkdir(mode=0o700, exist_ok=begun is not None)
    for path in there:
        if not (aside / path.name).exists():
            path.replace(aside / path.name)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return aside


def _cut_off(data: Path) -> Path | None:
    """Where a restore that did not come to its end has put the log; None where there is a log."""
    if (data / LOG).exists():
        return None
    return max((path.parent for path in data.glob(f"{ASIDE}*/{LOG}")), default=None)
