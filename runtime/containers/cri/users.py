"""Pods with users of their own over the CRI: which ids each has, written down beside it, and whether its runtime knows of that.

Tests: tests/runtime/containers/cri/test_users.py
"""

import contextlib
from pathlib import Path
from typing import Any

from shipslog.runtime.commands import RunPodSandbox
from shipslog.runtime.containers.id_ranges import ID_COUNT, IdRanges

from .client import CallFailed, CriClient

_FILE = "userns"


class PodUsers:
    """Those of one node. `data`: where its pods have their directories."""

    def __init__(self, data: Path, instance: str) -> None:
        self._data = data
        self._ranges = IdRanges(instance)

    def open(self) -> None:
        """Remember what pods have that were there before."""
        for file in self._data.glob(f"*/{_FILE}"):
            if first := first_id(file.parent):
                self._ranges.hold(first, file.parent.name)

    def give(self, request: RunPodSandbox, client: CriClient) -> None:
        """Have the pod have some, if it is to. Errors: CallFailed for a runtime that cannot, OSError."""
        directory = self._data / request.pod_uid
        if request.own_users is not True or first_id(directory):
            return
        if not client.user_namespaces(request.handler or ""):
            called = f"{client.name} {client.version}"
            raise CallFailed(
                "UNIMPLEMENTED", f'RuntimeClass handler "{request.handler or ""}" of {called} does not support user namespaces'
            )
        (directory / _FILE).write_text(str(self._ranges.take(request.pod_uid)))

    def release(self, pod_uid: str) -> None:
        """It is gone."""
        self._ranges.release(first_id(self._data / pod_uid), pod_uid)


def first_id(directory: Path) -> int:
    """The first id of the pod whose directory it is; 0 for one that has the machine's."""
    with contextlib.suppress(OSError, ValueError):
        return int((directory / _FILE).read_text())
    return 0


def options(api: Any, first: int) -> Any:
    """UserNamespace"""
    return api.UserNamespace(mode=api.POD, uids=mappings(api, first), gids=mappings(api, first))


def mappings(api: Any, first: int) -> list[Any]:
    """IDMapping, for a pod's namespace and for each of its mounts; none for a pod with the machine's users."""
    return [api.IDMapping(host_id=first, container_id=0, length=ID_COUNT)] if first else []
