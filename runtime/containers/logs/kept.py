"""The logs of containers that are gone: moved aside when they would be removed, and kept for a while.

    DIRECTORY/POD_UID/pod.json               whose it was
    DIRECTORY/POD_UID/CONTAINER/ATTEMPT/     its files, as they were

What is kept is bounded in time and size; the oldest goes first. Every method blocks and may be called in any thread.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from shipslog.runtime.machine import trees
from shipslog.runtime.node import Written
from shipslog.store.logger import logger

from .limits import LogLimits
from .reading import files_of
from .rotation import packed

POD = "pod.json"
PACK_FROM = 64 * 1024
_BLOCK = 512  # bytes, of st_blocks

log = logger(__name__)


class Owner(msgspec.Struct, frozen=True):
    """A pod's name, to find its logs by."""

    namespace: str
    name: str


class Attempt(NamedTuple):
    pod_uid: str
    container: str
    attempt: int


class Held(NamedTuple):
    """When it was last written to, and how much room it takes."""

    until_ns: int
    size: int


class KeptLogs:
    """Kept under `directory`; what lives is under `pods`, as POD_UID/containers/CONTAINER/ATTEMPT."""

    def __init__(self, directory: Path, pods: Path, limits: LogLimits) -> None:
        self._directory, self._pods, self._limits = directory, pods, limits
        self._owners: dict[str, Owner] = {}
        self._held: dict[Attempt, Held] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Find what a process before this one has kept."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for pod in self._directory.iterdir():
            owner = _owner(pod / POD)
            if owner is not None:
                self._owners[pod.name] = owner
            for path in pod.glob("*/*"):
                if path.name.isdigit() and path.is_dir():
                    self._held[Attempt(pod.name, path.parent.name, int(path.name))] = _held(path)

    def begin(self, pod_uid: str, namespace: str, name: str) -> None:
        """Whose logs they will be."""
        owner = Owner(namespace, name)
        if self._owners.get(pod_uid) == owner:
            return
        place = self._directory / pod_uid
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = place / (POD + ".new")
        draft.write_bytes(msgspec.json.encode(owner))
        draft.rename(place / POD)
        with self._lock:
            self._owners[pod_uid] = owner

    def keep(self, pod_uid: str, container: str, attempt: int) -> None:
        """Move the log of one start aside; nothing if it has none, or if that was done."""
        source = self._pods / pod_uid / "containers" / container / str(attempt)
        files = files_of(source)
        if not any(path.stat().st_size for path in files):
            return
        target = self._directory / pod_uid / container / str(attempt)
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in files:
            path.rename(target / path.name)
        with self._lock:
            self._held[Attempt(pod_uid, container, attempt)] = _held(target)

    def keep_pod(self, pod_uid: str) -> None:
        """All that is there of a pod that goes. That something cannot be kept does not keep the pod from going."""
        for path in self._live(pod_uid):
            try:
                self.keep(pod_uid, path.parent.name, int(path.name))
            except OSError as error:
                log.warning("pod_log_not_kept", pod_uid=pod_uid, container=path.parent.name, why=str(error))
        self._forget_if_empty(pod_uid)

    def place(self, pod_uid: str, container: str, attempt: int) -> Path | None:
        """Where the files of one start are, live or kept; None when they are not there."""
        for directory in (self._pods / pod_uid / "containers", self._directory / pod_uid):
            path = directory / container / str(attempt)
            if files_of(path):
                return path
        return None

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Iterator[Written]:
        """What there is of the pods of that name, or of the one with the uid; in the order of their ends."""
        found: list[Written] = []
        with self._lock:
            owners = {
                uid: owner
                for uid, owner in self._owners.items()
                if uid == pod_uid or (not pod_uid and owner == Owner(namespace, name))
            }
            held = [(attempt, kept) for attempt, kept in self._held.items() if attempt.pod_uid in owners]
        for attempt, kept in held:
            owner = owners[attempt.pod_uid]
            found.append(Written(owner.namespace, owner.name, *attempt, kept.until_ns, kept.size, gone=True))
        for uid, owner in owners.items():
            for path in self._live(uid):
                kept = _held(path)
                where = uid, path.parent.name, int(path.name)
                found.append(Written(owner.namespace, owner.name, *where, kept.until_ns, kept.size, gone=False))
        yield from sorted(found, key=lambda w: (w.until_ns, w.container, w.attempt))

    def prune(self, now_ns: int) -> None:
        """Let go of what is too old or too much, and pack what is large."""
        with self._lock:
            oldest_first = sorted(self._held.items(), key=lambda item: item[1].until_ns)
        room = sum(held.size for _, held in oldest_first)
        end_ns = now_ns - int(self._limits.kept_for_s * 1e9)
        for attempt, held in oldest_first:
            if held.until_ns >= end_ns and room <= self._limits.kept_bytes:
                break
            trees.remove(self._directory / attempt.pod_uid / attempt.container / str(attempt.attempt))
            room -= held.size
            with self._lock:
                self._held.pop(attempt, None)
            self._forget_if_empty(attempt.pod_uid)

    def pack(self) -> None:
        """Make large files of what is gone smaller."""
        with self._lock:
            large = [attempt for attempt, held in self._held.items() if held.size > PACK_FROM]
        for attempt in large:
            place = self._directory / attempt.pod_uid / attempt.container / str(attempt.attempt)
            for path in files_of(place):
                if not path.name.endswith(".gz") and path.stat().st_size > PACK_FROM:
                    packed(path)
            with self._lock:
                if attempt in self._held:
                    self._held[attempt] = _held(place)

    def _live(self, pod_uid: str) -> list[Path]:
        found = (self._pods / pod_uid / "containers").glob("*/*")
        return [path for path in found if path.name.isdigit() and files_of(path)]

    def _forget_if_empty(self, pod_uid: str) -> None:
        """A pod of which nothing is kept, and which does not live, is forgotten."""
        with self._lock:
            if any(attempt.pod_uid == pod_uid for attempt in self._held) or self._live(pod_uid):
                return
            self._owners.pop(pod_uid, None)
        trees.remove(self._directory / pod_uid)


def _held(directory: Path) -> Held:
    until_ns = size = 0
    for path in files_of(directory):
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(path)
            until_ns, size = max(until_ns, status.st_mtime_ns), size + max(status.st_blocks * _BLOCK, status.st_size)
    return Held(until_ns, size)


def _owner(path: Path) -> Owner | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Owner)
    except (OSError, msgspec.DecodeError):
        return None
