"""What the machine has: the facts of a Node object. Read from /proc and /sys.

Tests: tests/runtime/containers/test_contract.py
"""

import contextlib
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from shipslog.runtime.containers.oci.layout import BRIDGE
from shipslog.store.facts import NodeObserved
from shipslog.store.families import FAMILIES, Family, families_in, of_family
from shipslog.store.objects.values.quantity import in_bytes

KUBELET_VERSION = "v1.37.0+shipslog"  # as the API says of itself
LOGS = "/var/log"
_PODS = "110"


def observe(node: str, data: Path, *, pod_cidr: str, crun: str, address: str = "") -> NodeObserved:
    """The node's NodeObserved; `address` defaults to the machine's own, one of each family that `pod_cidr` has."""
    huge = _huge_pages_ki()
    capacity = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{_memory_ki()}Ki",
        "pods": _PODS,
        "ephemeral-storage": f"{shutil.disk_usage(data).total // 1024}Ki",
        **{f"hugepages-{in_bytes(size << 10)}": in_bytes(amount << 10) for size, amount in huge.items()},
    }
    own = tuple(address.split(",")) if address else main_addresses(families_in(pod_cidr) or FAMILIES[:1])
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return NodeObserved(
        node=node,
        addresses=(*(("InternalIP", one) for one in own), ("Hostname", node)),
        capacity=capacity,
        allocatable={**capacity, "memory": f"{_memory_ki() - sum(huge.values())}Ki"},  # huge pages are set apart
        info={
            "architecture": architecture,
            "bootID": _first_line("/proc/sys/kernel/random/boot_id"),
            "containerRuntimeVersion": f"shipslog://crun-{_crun_version(crun)}",
            "kernelVersion": platform.release(),
            "kubeProxyVersion": KUBELET_VERSION,
            "kubeletVersion": KUBELET_VERSION,
            "machineID": _first_line("/etc/machine-id", "/var/lib/dbus/machine-id"),
            "operatingSystem": "linux",
            "osImage": _os_image(),
            "systemUUID": _first_line("/sys/class/dmi/id/product_uuid", "/etc/machine-id"),
        },
        labels={
            "kubernetes.io/hostname": node,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture,
            "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": architecture,
        },
        pod_cidr=pod_cidr,
    )


def main_address() -> str:
    """The address that the machine's default route goes out from; else the first that is not loopback; else loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # no packet is sent: the kernel only chooses the source
            return str(probe.getsockname()[0])
        except OSError:
            pass
    for line in subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=False).stdout.splitlines():
        words = line.split()
        if words[1] != "lo":
            return words[3].partition("/")[0]
    return "127.0.0.1"


def main_addresses(families: Sequence[Family], otherwise: Sequence[str] = ()) -> tuple[str, ...]:
    """The machine's own of each family, the primary one first. IPv6: as above, but for loopback and links, which nobody else
    reaches; without one it is that of `otherwise`, or it is left out."""
    found: list[str] = []
    for family in families:
        one = main_address() if family == "IPv4" else _main_address_6()
        found += [one] if one else of_family(otherwise, family)[:1]
    return tuple(found)


def _main_address_6() -> str:
    """ "" where there is none."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.connect(("2001:db8::1", 9))  # as above
        return str(probe.getsockname()[0])
    command = ["ip", "-6", "-o", "address", "show", "scope", "global"]
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        words = line.split()
        if not words[1].startswith(BRIDGE):
            return words[3].partition("/")[0]
    return ""


def _memory_ki() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return 0


def _huge_pages_ki() -> dict[int, int]:
    """How much memory lies in huge pages of each size that the machine has, both in KiB."""
    found = {}
    for place in sorted(Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB")):
        size = int(place.name.removeprefix("hugepages-").removesuffix("kB"))
        found[size] = size * int(_first_line(str(place / "nr_hugepages")) or 0)
    return found or {1 << 20: 0, 2 << 10: 0}  # a Node tells of those that there usually are


def _first_line(*paths: str) -> str:
    for path in paths:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text:
            return text.splitlines()[0]
    return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _crun_version(crun: str) -> str:
    try:
        text = subprocess.run([crun, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return "unknown"
    return text.split()[2] if text.startswith("crun version ") else "unknown"
