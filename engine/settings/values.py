"""Each value of the settings on its own, and the ranges together: what is wrong with which option, and what to do.

Tests: tests/engine/settings/test_resolved.py
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from shipslog.engine.kinds import names
from shipslog.engine.options import flag
from shipslog.store.address_pool import ranges_of
from shipslog.store.families import Network, one_each

from .scheduling import configuration

if TYPE_CHECKING:
    from .resolved import Settings

# by version of IP, lengths of prefixes
LARGEST_SERVICES = {4: 12, 6: 64}  # as Kubernetes has it
SMALLEST_PODS = {4: 28, 6: 124}  # 13 pods beside the bridge's address
SMALLEST_SERVICES = {4: 28, 6: 124}
NODES_AT_MOST = 1000
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
SMALLEST_LOG = 64 << 10


def faults(settings: "Settings") -> Iterator[str]:
    """What is wrong with which option, and what to do; nothing when all is well."""
    if not 0 <= settings.port <= 65535:
        yield f"--port {settings.port}: give a port from 1 to 65535, or 0 for a free one"
    for name in ("kubelet_port", "read_only_port", "cadvisor_port"):
        port = getattr(settings, name)
        if port is not None and not 0 <= port <= 65535:
            yield f"{flag(name)} {port}: give a port from 1 to 65535, or 0"
    try:
        ipaddress.ip_address(settings.bind)
    except ValueError:
        yield f"--bind {settings.bind!r}: give an address of this machine, for example 127.0.0.1, or 0.0.0.0 for all"
    if not 1 <= settings.nodes <= NODES_AT_MOST:
        yield f"--nodes {settings.nodes}: give a number from 1 to {NODES_AT_MOST}"
    elif settings.nodes > 1 and settings.runtime != "simulated":
        yield f"--nodes {settings.nodes}: several are for --runtime simulated; with real containers this machine is one"
    if names.subdomain(settings.node_name):
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
    try:
        configuration(settings)
    except ValueError as error:
        yield str(error)
    yield from _range_faults(settings)
    yield from _node_faults(settings)
    yield from _access_faults(settings)
    yield from _log_faults(settings)


def _range_faults(settings: "Settings") -> Iterator[str]:
    pods = services = None
    for version, usual in ((4, 24), (6, 64)):
        option, smallest = f"node_cidr_mask_size_ipv{version}", SMALLEST_PODS[version]
        if not 1 <= (mask := getattr(settings, option)) <= smallest:
            yield f"{flag(option)} {mask}: give a number from 1 to {smallest}, for example {usual}"
    try:
        pods = _networks(settings.pod_cidr, "--pod-cidr", "10.244.0.0/16", "10.244.0.0/16,fd00:10:244::/56")
        yield from _pod_faults(pods)
    except ValueError as error:
        yield str(error)
    try:
        services = _networks(settings.service_cidr, "--service-cidr", "10.96.0.0/16", "10.96.0.0/16,fd00:10:96::/112")
        yield from _service_faults(services)
    except ValueError as error:
        yield str(error)
    if pods and services:
        yield from _faults_of_both(pods, services)
    yield from _pool_faults(settings, (*(pods or ()), *(services or ())))


def _pod_faults(pods: tuple[Network, ...]) -> Iterator[str]:
    for network in pods:
        smallest, example = SMALLEST_PODS[network.version], "10.244.0.0/16" if network.version == 4 else "fd00:10:244::/56"
        if network.prefixlen > smallest:
            yield f"--pod-cidr {network}: too small for pods; give a /{smallest} or larger, for example {example}"


def _service_faults(services: tuple[Network, ...]) -> Iterator[str]:
    for network in services:
        largest, smallest = LARGEST_SERVICES[network.version], SMALLEST_SERVICES[network.version]
        example = "10.96.0.0/16" if network.version == 4 else "fd00:10:96::/112"
        if not largest <= network.prefixlen <= smallest:
            yield f"--service-cidr {network}: give a range from /{largest} to /{smallest}, for example {example}"


def _faults_of_both(pods: tuple[Network, ...], services: tuple[Network, ...]) -> Iterator[str]:
    for one in pods:
        for other in services:
            if one.version == other.version and one.overlaps(other):
                yield f"--pod-cidr {one} and --service-cidr {other} overlap: choose ranges that share no address"
    if services[0].version != pods[0].version or not {s.version for s in services} <= {p.version for p in pods}:
        listed, theirs = ",".join(map(str, pods)), ",".join(map(str, services))
        yield (
            f"--service-cidr {theirs}: Services need pods of the same families, the primary one first, and --pod-cidr is "
            f"{listed}; give both in the same order"
        )


def _pool_faults(settings: "Settings", others: tuple[Network, ...]) -> Iterator[str]:
    """A pool of load balancers is of the machine's network, and not of the cluster's own."""
    try:
        pool = ranges_of(settings.load_balancer_pool)
    except ValueError as error:
        yield f"--load-balancer-pool {error}; give a range or FIRST-LAST, for example 192.168.1.240-192.168.1.250"
        return
    for part in pool:
        for network in others:
            if part.meets(network):
                yield f"--load-balancer-pool {settings.load_balancer_pool}: {network} is the cluster's own; choose others"


def _networks(text: str, option: str, example: str, of_both: str) -> tuple[Network, ...]:
    """One range of each family at most. Errors: ValueError, saying what to give."""
    parts = text.split(",")
    found = tuple(network for network in map(_network, parts) if network is not None)
    if len(found) != len(parts) or len({network.version for network in found}) != len(parts):
        raise ValueError(
            f"{option} {text!r}: give a range of addresses, or one of each family with a comma between, for example {example} "
            f"or {of_both}"
        )
    return found


def _network(text: str) -> Network | None:
    """The range; None for what is none, has bits set behind its length, or holds addresses that nobody can be given."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    unusable = network.is_loopback or network.is_multicast or network.is_link_local or network.prefixlen == 0 or "/" not in text
    mapped = isinstance(network, ipaddress.IPv6Network) and network[0].ipv4_mapped is not None
    return None if unusable or mapped else network


def port_range(text: str) -> tuple[int, int]:
    """`30000-32767` -> (30000, 32767). Errors: ValueError."""
    first, dash, last = text.partition("-")
    numbers = first.isascii() and first.isdigit() and last.isascii() and last.isdigit() and len(text) <= 11
    if not dash or not numbers or not 0 < int(first) <= int(last) < 65536:
        raise ValueError(f"--node-port-range {text!r}: give the first and the last port, for example 30000-32767")
    return int(first), int(last)


def _node_faults(settings: "Settings") -> Iterator[str]:
    if settings.node_ip and settings.nodes > 1:
        yield f"--node-ip {settings.node_ip!r}: leave it out; with --nodes {settings.nodes} each has an address of its own"
    given = settings.node_ip.split(",") if settings.node_ip else []
    if any(names.ip(one) for one in given) or len(one_each(given)) != len(given):
        yield f"--node-ip {settings.node_ip!r}: give an address of this machine, for example 192.0.2.10, or one of each family"
    for text in settings.node_label:
        key, equals, value = text.partition("=")
        if not equals or names.qualified(key) or names.label_value(value):
            yield f"--node-label {text!r}: give KEY=VALUE as Kubernetes' labels are, for example disk=ssd"
    for text in settings.node_taint:
        rest, _, effect = text.rpartition(":")
        key, _, value = rest.partition("=")
        if names.qualified(key) or names.label_value(value) or effect not in EFFECTS:
            yield (
                f"--node-taint {text!r}: give KEY=VALUE:EFFECT or KEY:EFFECT, the effect one of {', '.join(EFFECTS)}, for "
                "example dedicated=gpu:NoSchedule"
            )


def _access_faults(settings: "Settings") -> Iterator[str]:
    for name in settings.tls_san:
        if names.ip(name) and names.subdomain(name.removeprefix("*.")):
            yield f"--tls-san {name!r}: give a host's name or an address, for example cluster.example.com"
    if settings.cluster_dns and names.ip(settings.cluster_dns):
        yield f"--cluster-dns {settings.cluster_dns!r}: give the address of a name server, for example 10.96.0.10"
    if not Path(settings.resolv_conf).is_absolute():
        yield f"--resolv-conf {settings.resolv_conf!r}: give the whole path of the file, for example /etc/resolv.conf"
    if names.subdomain(settings.cluster_domain):
        yield f"--cluster-domain {settings.cluster_domain!r}: give a domain, for example cluster.local"
    yield from _kubeconfig_faults(settings.kubeconfig)
    if (
        not re.fullmatch("0?[0-7]{3}", settings.write_kubeconfig_mode)
        or int(settings.write_kubeconfig_mode, 8) & 0o600 != 0o600
    ):
        yield (
            f"--write-kubeconfig-mode {settings.write_kubeconfig_mode!r}: give three octal digits, of which the first lets its "
            "owner read and write, for example 640"
        )


def _kubeconfig_faults(path: Path | None) -> Iterator[str]:
    if path is None:
        return
    from shipslog.engine.auth.kubeconfig import in_the_way

    if found := in_the_way(path):
        yield f"--kubeconfig {path}: {found}, and would be lost. Name another file, or move this one away"


def _log_faults(settings: "Settings") -> Iterator[str]:
    for option, parse in PARSED.items():
        try:
            parse(getattr(settings, option), option)
        except ValueError as error:
            yield str(error)
    if (most := settings.terminated_pod_gc_threshold) is not None and most < 0:
        yield f"--terminated-pod-gc-threshold {most}: give how many pods that have ended are kept, or 0 for all"
    for name in ("log_max_files", "container_log_max_files"):
        if not 1 <= (number := getattr(settings, name)) <= 100:
            yield f"{flag(name)} {number}: give a number from 1 to 100"


def size_bytes(text: str, option: str) -> int:
    """`10Mi` -> bytes. Errors: ValueError, naming the option."""
    found = re.fullmatch(r"([0-9]{1,12})(k|M|G|Ki|Mi|Gi)?", text)
    size = int(found[1]) * UNITS[found[2] or ""] if found else 0
    if size < SMALLEST_LOG:
        raise ValueError(f"{flag(option)} {text!r}: give a size of 64Ki or more, for example 10Mi")
    return size


def seconds(text: str, option: str) -> float:
    """`500ms` -> 0.5. Errors: ValueError, naming the option."""
    if text == "0":
        return 0.0
    found = re.fullmatch(r"([0-9]{1,6}(?:[.][0-9]{1,6})?)(ms|s|m|h)", text)
    if not found:
        raise ValueError(f"{flag(option)} {text!r}: give a time with its unit, for example 500ms or 2s")
    return float(found[1]) * SECONDS[found[2]]


PARSED: dict[str, Callable[[str, str], float]] = {
    "log_max_size": size_bytes,
    "slow_request": seconds,
    "container_log_max_size": size_bytes,
    "kept_log_max_size": size_bytes,
    "kept_log_duration": seconds,
    "eviction_pressure_transition_period": seconds,
    "minimum_image_ttl_duration": seconds,
}
