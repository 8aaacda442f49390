"""What `shipslog up` was asked for, checked before anything is made; and what a cluster is, kept in its data directory."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shipslog.runtime.choice import shares_machine
from shipslog.runtime.claims import Claim

from .begun import known_of
from .kinds.names import subdomain

KEPT_IN = "cluster.json"
LARGEST_SERVICES = 12  # a range of services must not be larger than a /12 of IPv4, as Kubernetes has it (20 bits)
SMALLEST_PODS = 28  # 13 pods beside the bridge's address
SMALLEST_SERVICES = 28
NODES_AT_MOST = 1000

Network = ipaddress.IPv4Network


class BadSettings(ValueError):
    """Options that cannot be; nothing was made. One line an option, each with what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a daemon runs with. `port` 0 takes a free one."""

    data: Path
    bind: str = "0.0.0.0"
    port: int = 6443
    runtime: str = "auto"
    cri_socket: str = ""
    nodes: int = 1
    node_name: str = ""
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    node_port_range: str = "30000-32767"
    kubeconfig: Path | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """DATA/cluster.json: what a cluster is, so that a plain `up` begins the same one."""

    node_name: str
    runtime: str
    service_cidr: str
    pod_cidr: str
    bind: str
    port: int
    nodes: int = 1
    node_port_range: str = "30000-32767"
    cri_socket: str = ""


FIXED = {
    "node_name": "its pods are bound to that node",
    "runtime": "its pods run there",
    "service_cidr": "its Services have addresses of it",
    "pod_cidr": "its pods have addresses of it",
}  # the rest may change with --reconfigure: nothing on the log depends on it
ANY = {"runtime": "auto", "port": 0}  # values that leave it to us: what is kept will do


def resolve(asked: dict[str, object], *, reconfigure: bool = False) -> Settings:
    """The settings of a daemon: what was `asked` (None: not said), else what the data directory keeps, else the defaults.

    Errors: BadSettings for a value that cannot be, or one that would make another cluster of it."""
    given = {name: value for name, value in asked.items() if value is not None}
    settings = Settings(**given)  # type: ignore[arg-type]
    kept = kept_in(settings.data)
    told = known_of(settings.data / "cluster.db") if kept is None else {}
    if told:  # of a version that kept nothing: what its log does not tell is as asked for now
        kept = Kept(**{name: told.get(name, getattr(settings, name)) for name in Kept.__struct_fields__})
    if kept is not None:
        _check_same(settings.data, kept, given, reconfigure)
        of_before = {n: getattr(kept, n) for n in kept.__struct_fields__ if n not in given or given[n] == ANY.get(n)}
        settings = msgspec.structs.replace(settings, **of_before)
    if not settings.node_name:
        settings = msgspec.structs.replace(settings, node_name=socket.gethostname().lower())
    wrong = tuple(faults(settings))
    if wrong:
        raise BadSettings("\n  ".join(wrong))
    if told:
        keep(settings, settings.runtime)
    return settings


def _check_same(data: Path, kept: Kept, given: dict[str, object], reconfigure: bool) -> None:
    wrong = []
    for name in kept.__struct_fields__:
        was, wanted = getattr(kept, name), given.get(name)
        if wanted is None or wanted in (was, ANY.get(name)):
            continue
        difference = f"{option(name)} {wanted}: this cluster has {was!r}, kept in {data / KEPT_IN}"
        if name in FIXED:
            wrong.append(
                f"{difference}. It cannot change: {FIXED[name]}. Leave the option out, or begin another cluster with --data."
            )
        elif not reconfigure:
            wrong.append(f"{difference}. Leave the option out, or change it with --reconfigure.")
    if wrong:
        raise BadSettings("\n  ".join(wrong))


def claim_of(settings: Settings) -> Claim | None:
    """What the cluster will have of the machine; None if that is nothing that two could want."""
    if not shares_machine(settings.runtime):
        return None
    return Claim(
        data=str(settings.data.resolve()), pod_cidr=settings.pod_cidr, service_cidr=settings.service_cidr,
        node_port_range=settings.node_port_range,
    )  # fmt: skip


def option(name: str) -> str:
    return "--" + name.replace("_", "-")


def kept_in(data: Path) -> Kept | None:
    """What the cluster of a data directory is; None when none was begun there. Errors: BadSettings."""
    path = data / KEPT_IN
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}. Mend it, or remove it and give `up` the options anew.") from error


def keep(settings: Settings, runtime: str) -> None:
    """Note what this cluster is; `runtime` is the one that was chosen, `settings.port` the one that it listens on."""
    of_settings = {name: getattr(settings, name) for name in Kept.__struct_fields__}
    kept = Kept(**of_settings | {"runtime": runtime})
    text = msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
    path = settings.data / KEPT_IN
    if path.exists() and path.read_bytes() == text:
        return
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


# --- each value on its own, and the ranges together ---


def faults(settings: Settings) -> Iterator[str]:
    """What is wrong with which option, and what to do; nothing when all is well."""
    if not 0 <= settings.port <= 65535:
        yield f"--port {settings.port}: give a port from 1 to 65535, or 0 for a free one"
    try:
        ipaddress.ip_address(settings.bind)
    except ValueError:
        yield f"--bind {settings.bind!r}: give an address of this machine, for example 127.0.0.1, or 0.0.0.0 for all"
    if not 1 <= settings.nodes <= NODES_AT_MOST:
        yield f"--nodes {settings.nodes}: give a number from 1 to {NODES_AT_MOST}"
    elif settings.nodes > 1 and settings.runtime != "simulated":
        yield f"--nodes {settings.nodes}: several are for --runtime simulated; with real containers this machine is one"
    if subdomain(settings.node_name):
        yield (
            f"--node-name {settings.node_name!r}: give small letters, digits, '-' and '.', beginning and ending with a letter "
            "or a digit, for example worker-1"
        )
    if settings.runtime == "cri" and not settings.cri_socket:
        yield "--runtime cri needs --cri-socket PATH, for example /run/containerd/containerd.sock"
    try:
        port_range(settings.node_port_range)
    except ValueError as error:
        yield str(error)
    yield from _range_faults(settings)


def _range_faults(settings: Settings) -> Iterator[str]:
    pods, services = _network(settings.pod_cidr), _network(settings.service_cidr)
    if pods is None:
        yield f"--pod-cidr {settings.pod_cidr!r}: give a range of IPv4 addresses, for example 10.244.0.0/16"
    elif pods.prefixlen > SMALLEST_PODS:
        yield f"--pod-cidr {pods}: too small for pods; give a /{SMALLEST_PODS} or larger, for example 10.244.0.0/16"
    if services is None:
        yield f"--service-cidr {settings.service_cidr!r}: give a range of IPv4 addresses, for example 10.96.0.0/16"
    elif not LARGEST_SERVICES <= services.prefixlen <= SMALLEST_SERVICES:
        yield (
            f"--service-cidr {services}: give a range from /{LARGEST_SERVICES} to /{SMALLEST_SERVICES}, for example "
            "10.96.0.0/16"
        )
    if pods is not None and services is not None and pods.overlaps(services):
        yield f"--pod-cidr {pods} and --service-cidr {services} overlap: choose ranges that share no address"


def _network(text: str) -> Network | None:
    """The range; None for what is none, has bits set behind its length, or holds addresses that nobody can be given."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return None
    unusable = network.is_loopback or network.is_multicast or network.is_link_local or network.prefixlen == 0 or "/" not in text
    return None if unusable else network


def port_range(text: str) -> tuple[int, int]:
    """`30000-32767` -> (30000, 32767). Errors: ValueError."""
    first, dash, last = text.partition("-")
    numbers = first.isascii() and first.isdigit() and last.isascii() and last.isdigit() and len(text) <= 11
    if not dash or not numbers or not 0 < int(first) <= int(last) < 65536:
        raise ValueError(f"--node-port-range {text!r}: give the first and the last port, for example 30000-32767")
    return int(first), int(last)


def first_address(cidr: str) -> str:
    """The first usable address of a range."""
    return str(ipaddress.ip_network(cidr)[1])
