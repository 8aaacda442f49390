"""Which cluster of this machine has which ranges. Bridges, packet rules and node ports are the machine's: two clusters with the
same ones would take each other's packets, so the second is refused.

A claim is a file in memory, gone after a reboot; it counts as long as its daemon or its bridge is there. Pods that go on
running without a daemon keep their cluster's ranges.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from shipslog.runtime.containers.oci.layout import bridge_name, instance_of
from shipslog.runtime.node import RuntimeUnavailable
from shipslog.store.families import families_in, networks_in
from shipslog.store.log.writer_lock import writer_lives

RUN = Path("/run/shipslog")
LINKS = Path("/sys/class/net")
CHAINS_OF_THE_MACHINE = {"iptables", "userspace"}  # their chains have the same names for everybody
PORTS_AT_ONCE = 1000  # of a range of node ports that is proposed


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What one cluster has of the machine."""

    data: str  # its data directory
    pod_cidr: str
    service_cidr: str
    node_port_range: str  # first-last
    proxy_mode: str = "nftables"

    @property
    def instance(self) -> str:
        return instance_of(Path(self.data) / "node")


class RangesTaken(RuntimeUnavailable):
    """Another cluster of this machine has some of the ranges; nothing was made."""


def check(claim: Claim) -> None:
    """Errors: RangesTaken, naming the other cluster, what clashes and which options to give."""
    others = [other for other in claims() if other.instance != claim.instance]
    for other in others:
        try:
            clashing = _clashing(claim, other)
        except ValueError as error:
            raise RangesTaken(
                f"the cluster in {other.data} runs in another version, and what it has of the machine is not known: {error}. "
                f"Nothing was made. End that one first, with its own version: shipslog down --all --data {other.data}"
            ) from error
        if clashing:
            what = "; ".join(f"{_option(name)} {getattr(claim, name)} (it has {getattr(other, name)})" for name in clashing)
            options = " ".join(f"{_option(name)} {_free(name, claim, others)}" for name in clashing)
            raise RangesTaken(
                f"the cluster in {other.data} has the same addresses or ports on this machine: {what}. Nothing was made. Begin "
                f"this one with others, for example {options}; or end that one: shipslog down --all --data {other.data}"
            )


def take(claim: Claim) -> None:
    """Have the ranges until `release`. Errors: RangesTaken, OSError."""
    with _alone():
        check(claim)
        path = _path(claim.instance)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(path.name + ".new")
        draft.write_bytes(msgspec.json.encode(claim))
        draft.replace(path)


def release(claim: Claim) -> None:
    """The ranges are free again. Idempotent."""
    with suppress(OSError), _alone():
        _path(claim.instance).unlink(missing_ok=True)
        _path(claim.instance).parent.rmdir()  # if there is nothing else of it


def claims() -> list[Claim]:
    """Those that count, by data directory."""
    found = []
    for path in RUN.glob(f"*/{_path('').name}"):
        with suppress(OSError, msgspec.DecodeError):
            claim = msgspec.json.decode(path.read_bytes(), type=Claim)
            if (LINKS / bridge_name(claim.instance)).exists() or writer_lives(Path(claim.data) / "cluster.db"):
                found.append(claim)
    return sorted(found, key=lambda claim: claim.data)


def of(data: Path) -> Claim | None:
    """That of the cluster in a data directory, which may be gone meanwhile."""
    try:
        return msgspec.json.decode(_path(instance_of(data / "node")).read_bytes(), type=Claim)
    except (OSError, msgspec.DecodeError):
        return None


def _path(instance: str) -> Path:
    return RUN / instance / "claim.json"


@contextmanager
def _alone() -> Iterator[None]:
    RUN.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(RUN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _clashing(one: Claim, other: Claim) -> list[str]:
    """The names of the fields that cannot stand beside the other's."""
    pairs = [(a, b) for a in ("pod_cidr", "service_cidr") for b in ("pod_cidr", "service_cidr")]
    found = {a for a, b in pairs if _overlap(getattr(one, a), getattr(other, b))}
    (first, last), (its_first, its_last) = _ports(one.node_port_range), _ports(other.node_port_range)
    if first <= its_last and its_first <= last:
        found.add("node_port_range")
    if {one.proxy_mode, other.proxy_mode} <= CHAINS_OF_THE_MACHINE:
        found.add("proxy_mode")
    return [name for name in one.__struct_fields__ if name in found]


def _free(name: str, claim: Claim, others: Sequence[Claim]) -> str:
    """A value of the field that clashes with nobody's."""
    candidates: Iterator[str]
    if name == "proxy_mode":
        return "nftables"
    if name == "node_port_range":
        candidates = (
            f"{first}-{first + PORTS_AT_ONCE - 1}" for first in (*range(30_000, 64_000, 1000), *range(1000, 30_000, 1000))
        )
    else:
        candidates = _candidates(name, getattr(claim, name))
    for value in candidates:
        wanted = msgspec.structs.replace(claim, **{name: value})
        own = name == "node_port_range" or not _overlap(wanted.pod_cidr, wanted.service_cidr)
        if own and not any(name in _clashing(wanted, other) for other in others):
            return value
    return "..."


def _candidates(name: str, cidr: str) -> Iterator[str]:
    """Ranges of the same families that another cluster may have."""
    start, bits = {"pod_cidr": (244, 56), "service_cidr": (96, 112)}[name]
    for i in range(256):
        second = (start + i) % 256
        of = {"IPv4": f"10.{second}.0.0/16", "IPv6": f"fd00:10:{second}::/{bits}"}
        yield ",".join(of[family] for family in families_in(cidr))


def _overlap(one: str, other: str) -> bool:
    return any(a.version == b.version and a.overlaps(b) for a in networks_in(one) for b in networks_in(other))


def _ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
