"""Where a node keeps what: directories, names and ids, all derived from the data directory, the pod and the container.

Tests: tests/runtime/containers/oci/recovery/test_leftovers.py, tests/runtime/containers/test_hostile_containers.py
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from msgspec import Struct


class Layout(Struct, frozen=True):
    """The paths of one node. `data` lasts, `run` is gone after a reboot."""

    data: Path
    run: Path
    netns: Path = Path("/run/netns")  # where namespaces have names; `ip netns` looks there

    @property
    def pods(self) -> Path:
        return _pods(self.data)

    @property
    def exits(self) -> Path:
        return self.data / "exits"

    @property
    def images(self) -> Path:
        return self.data / "images"

    @property
    def logs(self) -> Path:
        """Of containers that are gone."""
        return self.data / "logs"

    @property
    def crun(self) -> Path:
        return self.run / "crun"

    @property
    def pinned(self) -> Path:
        return self.run / "pinned"

    def mapped(self, container_id: str) -> Path:
        """What a container with users of its own mounts; empty but in the node's mount namespace."""
        return self.run / "mapped" / container_id

    def pod(self, pod_uid: str) -> Path:
        return self.pods / pod_uid

    def container(self, pod_uid: str, container: str, attempt: int) -> Path:
        return _container(self.pods, pod_uid, container, attempt)


@lru_cache(16)
def _pods(data: Path) -> Path:
    return data / "pods"


@lru_cache(1_024)  # what runs is looked at every few seconds, and a path is slow to make
def _container(pods: Path, pod_uid: str, container: str, attempt: int) -> Path:
    return pods / pod_uid / "containers" / container / str(attempt)


def instance_of(data: Path) -> str:
    """Eight characters that tell apart the daemons of one machine."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]


def layout_of(data: Path, *, rootless: bool = False) -> Layout:
    """The layout under a data directory. Its `run` is one in /run that no other has; without root DATA/run, where a file system
    in memory is mounted."""
    data = data.resolve()
    if rootless:
        return Layout(data, data / "run", data / "run" / "netns")
    return Layout(data, Path("/run/shipslog") / instance_of(data))


def container_id(pod_uid: str, container: str, attempt: int) -> str:
    """The same for the same start, so that a start that is asked for twice happens once."""
    return hashlib.sha256(f"{pod_uid}_{container}_{attempt}".encode()).hexdigest()


def sandbox_id(pod_uid: str, generation: int) -> str:
    return hashlib.sha256(f"{pod_uid}_{generation}".encode()).hexdigest()


def netns_name(instance: str, sandbox: str) -> str:
    """Never used twice: a name that comes back while its link is still going away fails."""
    return f"sl-{instance}-{sandbox[:12]}"


def link_name(instance: str, sandbox: str) -> str:
    """15 characters at most."""
    return f"sl{instance[:4]}{sandbox[:9]}"


BRIDGE = "slbr"  # so the names of bridges begin


def bridge_name(instance: str) -> str:
    return f"{BRIDGE}{instance}"
