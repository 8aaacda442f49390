"""Which runtime a daemon uses: what was asked for, or what this machine can do best.

Tests: tests/engine/cli/test_down.py, tests/e2e/test_command_line.py
"""

import ipaddress
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from shipslog.store.families import Family, families_in, family_of, first_in, ranges_in

from .containers.logs.limits import LIMITS, LogLimits
from .node import NodeRuntime, RuntimeUnavailable
from .rootless.internet import PROGRAM as OUTWARD
from .rootless.namespace import Rootless, Unavailable, enter

if TYPE_CHECKING:
    from .images.credential_providers import CredentialProviders

MASKS: Mapping[Family, int] = {"IPv4": 24, "IPv6": 64}  # as Kubernetes has it
BINARIES = ("crun", "conmon", "skopeo", "nft")
PACKAGES = {"nft": "nftables"}


class Ground(Struct, frozen=True):
    """Where this process stands: `rootless` once it is in a user namespace, or `why` it cannot have real containers."""

    rootless: Rootless | None = None
    why: str = ""


UNMOVED = Ground()


class Choice(Struct, frozen=True):
    """The nodes of this daemon, and one line for people that says what was chosen and why."""

    runtimes: Sequence[NodeRuntime]
    summary: str
    reached_at: str = ""  # where pods find what listens in this process, an address of a family; "" where they have no network

    @property
    def name(self) -> str:
        """What --runtime calls it."""
        return self.summary.partition(":")[0]


def prepare(wanted: str, data: Path) -> Ground:
    """What has to be done before this process has any thread: without root, where real containers are `wanted` and possible, it
    moves into the user namespace of its node. Errors: RuntimeUnavailable."""
    if wanted not in ("auto", "oci"):
        return Ground()
    missing = [name for name in BINARIES if _which(name) is None]
    if missing and wanted == "oci":
        packages = " ".join(PACKAGES.get(name, name) for name in missing)
        raise RuntimeUnavailable(f"real containers need {', '.join(missing)}; on Debian: apt-get install {packages}")
    if missing:
        return Ground(why=f"{', '.join(missing)} missing: no containers")
    if os.geteuid() == 0:
        return Ground()
    try:
        return Ground(enter(data))
    except Unavailable as error:
        if wanted == "oci":
            raise RuntimeUnavailable(str(error)) from error
        return Ground(why=str(error))


def shares_machine(wanted: str) -> bool:
    """Whether such a runtime will have its bridge, addresses and packet rules in the machine's own network."""
    if os.geteuid() != 0 or wanted not in ("auto", "oci", "cri"):
        return False
    return wanted != "auto" or all(_which(name) for name in BINARIES)


def choose(
    wanted: str,
    *,
    data: Path,
    node: str,
    nodes: int = 1,
    pod_cidr: str = "10.244.0.0/16",
    service_cidr: str = "10.96.0.0/16",
    cri_socket: str = "",
    address: str = "",
    ground: Ground = UNMOVED,
    limits: LogLimits = LIMITS,
    proxy_mode: str = "nftables",
    providers: "CredentialProviders | None" = None,
    masks: Mapping[Family, int] = MASKS,
) -> Choice:
    """The runtime `wanted`: auto, oci, cri, process or simulated, on the `ground` that `prepare` found. `address`: of the node,
    one of each family with a comma between; `masks`: how large a part of the pods' ranges a node has. Errors:
    RuntimeUnavailable, saying what to install."""
    if wanted == "simulated":
        return _simulated(node, nodes, families_in(pod_cidr))
    if wanted == "process":
        return _process(data, node, address, "as asked for", limits)
    if wanted == "cri":
        return _cri(data, node, pod_cidr_of_node(pod_cidr, masks), cri_socket, address, limits, proxy_mode)
    if ground.why:
        return _process(data, node, address, ground.why, limits)
    own = pod_cidr_of_node(pod_cidr, masks)
    return _oci(data, node, own, pod_cidr, address, ground.rootless, limits, proxy_mode, providers)


def _which(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def _simulated(node: str, nodes: int, families: tuple[Family, ...]) -> Choice:
    from .containers.simulated import SimulatedNode

    names = [node] if nodes == 1 else [f"{node}-{i}" for i in range(nodes)]
    runtimes = [SimulatedNode(name, now_ns=time.time_ns, number=i, families=families) for i, name in enumerate(names)]
    which = "1 node that only pretends" if nodes == 1 else f"{nodes} nodes that only pretend"
    return Choice(runtimes, f"simulated: {which} to run pods")


def _oci(
    data: Path,
    node: str,
    own_cidr: str,
    pod_cidr: str,
    address: str,
    rootless: Rootless | None,
    limits: LogLimits,
    proxy_mode: str,
    providers: "CredentialProviders | None",
) -> Choice:
    from shipslog.runtime.containers.oci.node import OciNode

    from .containers.oci.layout import bridge_name, instance_of, layout_of
    from .netfilter.family import IPV6, machine_has
    from .netfilter.network_policies import NetworkPolicyAdapter
    from .netfilter.proxy import ServiceProxy

    if "IPv6" in families_in(pod_cidr) and not machine_has(IPV6):
        raise RuntimeUnavailable(f"--pod-cidr {pod_cidr}: this kernel has no IPv6; give a range of IPv4 alone, or switch it on")
    instance = instance_of(data / "node")
    own, run = data / "node", layout_of(data / "node", rootless=rootless is not None).run
    rules = ServiceProxy(proxy_mode, instance, data=own, run=run, bridge=bridge_name(instance))
    runtime = OciNode(
        node, own, pod_cidr=own_cidr, cluster_cidr=pod_cidr, ground=rootless, limits=limits, address=address,
        rules=rules, policies=NetworkPolicyAdapter(instance), providers=providers,
    )  # fmt: skip
    summary = f"oci: containers by crun and conmon, services by {proxy_mode}"
    if rootless is not None:
        summary += f"; rootless in a user namespace of {rootless.ids} id{'s' if rootless.ids > 1 else ''}"
        summary += "" if _which(OUTWARD) else f" (pods cannot reach the outside: install {OUTWARD})"
    return Choice([runtime], summary, reached_at=",".join(map(first_in, ranges_in(own_cidr))))


def _cri(data: Path, node: str, pod_cidr: str, socket: str, address: str, limits: LogLimits, proxy_mode: str) -> Choice:
    from .containers.cri.node import CriNode
    from .containers.oci.layout import instance_of, layout_of
    from .netfilter.proxy import ServiceProxy

    if not socket:
        raise RuntimeUnavailable("--runtime cri needs --cri-socket PATH, for example /run/containerd/containerd.sock")
    rules = None
    if os.geteuid() == 0 and _which("nft"):
        own, instance = data / "cri", instance_of(data / "cri")
        rules = ServiceProxy(proxy_mode, instance, data=own, run=layout_of(own).run)
    runtime = CriNode(node, data / "cri", socket, own=(pod_cidr, address), rules=rules, limits=limits)
    return Choice([runtime], f"cri: containers by the runtime at {socket}", reached_at=address)


def _process(data: Path, node: str, address: str, why: str, limits: LogLimits) -> Choice:
    from .containers.process import ProcessNode

    return Choice([ProcessNode(node, data / "processes", address=address, limits=limits)], f"process: plain processes ({why})")


def pod_cidr_of_node(pod_cidr: str, masks: Mapping[Family, int] = MASKS) -> str:
    """The first part, so large as `masks` says, of each of the cluster's ranges; or all of a smaller one."""
    parts = []
    for text in ranges_in(pod_cidr):
        network, mask = ipaddress.ip_network(text), masks[family_of(text)]
        whole = network.prefixlen >= mask
        parts.append(str(network if whole else ipaddress.ip_network((network.network_address, mask))))
    return ",".join(parts)
