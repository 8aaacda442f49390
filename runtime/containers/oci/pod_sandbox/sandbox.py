"""A pod's sandbox: its directories, its namespaces with the pause process in them, its place in the network.

Every function here runs in a fresh thread: it starts in the machine's namespaces, enters the pod's, and ends there.

Tests: tests/runtime/containers/test_contract.py, tests/runtime/containers/oci/pod_sandbox/test_hosts.py
"""

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from shipslog.runtime.commands import RunPodSandbox
from shipslog.runtime.containers.oci import cgroups, user_namespaces
from shipslog.runtime.containers.oci.layout import Layout
from shipslog.runtime.containers.oci.recovery import records
from shipslog.runtime.containers.oci.recovery.records import SandboxRecord
from shipslog.runtime.machine import linux, trees
from shipslog.runtime.network import pod_network
from shipslog.runtime.network.netlink import Netlink
from shipslog.runtime.volumes import pod_volumes

from . import pause

SANDBOX_FILE = "sandbox.json"
FILES = ("hostname", "hosts", "resolv.conf")  # of /etc, that each container of the pod has
_SHM_SIZE = "67108864"


class SandboxPlace(Struct, frozen=True, kw_only=True):
    """What all sandboxes of a node share."""

    layout: Layout
    mount_ns_fd: int
    bridge: str
    gateways: tuple[str, ...]  # one of each family
    pause_command: tuple[str, ...]
    cgroups: cgroups.Cgroups


def redacted(request: RunPodSandbox) -> RunPodSandbox:
    """Without the content of files and secrets."""
    return msgspec.structs.replace(request, volumes=pod_volumes.redacted(request.volumes))


def _enter_node(place: SandboxPlace) -> None:
    linux.unshare(linux.CLONE_FS)
    linux.setns(place.mount_ns_fd, linux.CLONE_NEWNS)


def create(place: SandboxPlace, request: RunPodSandbox, record: SandboxRecord) -> SandboxRecord:
    """Make it; `record` says under which names. What was made when an error comes up is for `remove_network` to take back.
    Errors: VolumeFailed, OSError."""
    pod = place.layout.pod(request.pod_uid)
    pod.mkdir(parents=True, exist_ok=True)
    records.write(pod / SANDBOX_FILE, record)  # strictly before anything is made: a crash here must find what to take back
    pid = _start_with_users(place, request, record) if record.first_id else _start_pause(place, request, record)
    _enter_node(place)
    prepare_files(place, request, record.addresses)
    place.cgroups.limit_pod(request.pod_uid, cpu_milli=request.cpu_limit_milli, memory_bytes=request.memory_limit_bytes)
    ready = msgspec.structs.replace(record, pause=records.process(pid), ready=True, started_at_ns=time.time_ns())
    records.write(pod / SANDBOX_FILE, ready)
    return ready


def update(place: SandboxPlace, request: RunPodSandbox, record: SandboxRecord) -> SandboxRecord:
    """A sandbox that runs was asked for again: bring its volumes up to date. Errors: VolumeFailed, OSError."""
    _enter_node(place)
    pod = place.layout.pod(request.pod_uid)
    pod_volumes.prepare(pod / "volumes", request.volumes, request.fs_group)
    fresh = msgspec.structs.replace(record, request=redacted(request))
    if fresh != record:
        records.write(pod / SANDBOX_FILE, fresh)
    return fresh


def _start_pause(place: SandboxPlace, request: RunPodSandbox, record: SandboxRecord) -> int:
    flags = 0 if request.host_ipc else linux.CLONE_NEWIPC
    if not request.host_network:
        flags |= linux.CLONE_NEWNET | linux.CLONE_NEWUTS
    with Netlink() as outside:
        bridge = 0 if request.host_network else socket.if_nametoindex(place.bridge)
        if flags:
            linux.unshare(flags)
        if not request.host_network:
            linux.sethostname(request.hostname[:64])
            _connect(place, record, outside, bridge, "/proc/thread-self/ns/net")
    for name, value in request.sysctls.items():
        Path("/proc/sys", *name.split(".")).write_text(value)
    return pause.spawn(place.pause_command, record.sandbox_id, own_pid_namespace=request.share_process_namespace)


def _start_with_users(place: SandboxPlace, request: RunPodSandbox, record: SandboxRecord) -> int:
    """The same for a pod with users of its own: its namespaces belong to them, so who holds them makes them. It has none of the
    machine's namespaces (the API refuses that)."""
    pid = user_namespaces.spawn_pause(
        place.pause_command, record.sandbox_id, record.first_id, own_pid_namespace=request.share_process_namespace
    )
    with Netlink() as outside:
        bridge = socket.if_nametoindex(place.bridge)
        for name, kind in (("net", linux.CLONE_NEWNET), ("uts", linux.CLONE_NEWUTS)):
            descriptor = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                linux.setns(descriptor, kind)
            finally:
                os.close(descriptor)
        linux.sethostname(request.hostname[:64])
        _connect(place, record, outside, bridge, f"/proc/{pid}/ns/net")
    for name, value in request.sysctls.items():
        user_namespaces.write_inside(pid, Path("/proc/sys", *name.split(".")), value)
    return pid


def _connect(place: SandboxPlace, record: SandboxRecord, outside: Netlink, bridge: int, namespace: str) -> None:
    """Give the network that the calling thread is in a name, and join it to the bridge."""
    target = place.layout.netns / record.netns
    target.touch()
    linux.mount(namespace, str(target), flags=linux.MS_BIND)
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pod_network.connect_pod(
            outside, link=record.link, bridge=bridge, ips=record.addresses, gateways=place.gateways, netns_fd=descriptor
        )
    finally:
        os.close(descriptor)


def prepare_files(place: SandboxPlace, request: RunPodSandbox, ips: Sequence[str]) -> None:
    """Volumes, /dev/shm and the files of /etc that every container of the pod gets."""
    pod = place.layout.pod(request.pod_uid)
    (pod / "containers").mkdir(exist_ok=True)
    (pod / "hostname").write_text(request.hostname + "\n")
    (pod / "hosts").write_text(_hosts(request, ips))
    (pod / "resolv.conf").write_text(_resolv_conf(request))
    for name in FILES:
        (pod / name).chmod(0o644)
    if not request.host_ipc:
        shm = pod / "shm"
        shm.mkdir(exist_ok=True)
        if not os.path.ismount(shm):
            flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
            linux.mount("shm", str(shm), "tmpfs", flags, f"mode=1777,size={_SHM_SIZE}")
    pod_volumes.prepare(pod / "volumes", request.volumes, request.fs_group)


def _hosts(request: RunPodSandbox, ips: Sequence[str]) -> str:
    if request.host_network:
        text = Path("/etc/hosts").read_text() if Path("/etc/hosts").exists() else "127.0.0.1\tlocalhost\n"
        lines = ["# Kubernetes-managed hosts file (host network).", text.rstrip("\n")]
    else:
        lines = [
            "# Kubernetes-managed hosts file.",
            "127.0.0.1\tlocalhost",
            "::1\tlocalhost ip6-localhost ip6-loopback",
            "fe00::0\tip6-localnet",
            "fe00::0\tip6-mcastprefix",
            "fe00::1\tip6-allnodes",
            "fe00::2\tip6-allrouters",
        ]
        short = request.fqdn.partition(f".{request.namespace}.svc.")[0].rpartition(".")[0]  # where its hostname is all of it
        names = [request.fqdn, short or request.hostname] if request.fqdn else [request.hostname]
        lines += ["\t".join([ip, *names]) for ip in ips]
    if request.host_aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([address, *names]) for address, names in request.host_aliases]
    return "\n".join(lines) + "\n"


def _resolv_conf(request: RunPodSandbox) -> str:
    """Without servers of its own the pod asks those of the node, and looks where the node looks."""
    lines: list[str] = []
    if not request.dns_servers:
        with contextlib.suppress(OSError):
            lines = Path("/etc/resolv.conf").read_text(errors="replace").splitlines()
            skipped = ("#", ";", *(("search", "domain") if request.dns_searches else ()))
            lines = [line for line in lines if line.strip() and not line.startswith(skipped)]
    lines += [f"search {' '.join(request.dns_searches)}"] if request.dns_searches else []
    lines += [f"nameserver {server}" for server in request.dns_servers]
    lines += [f"options {' '.join(request.dns_options)}"] if request.dns_options else []
    return "\n".join(lines) + "\n" if lines else ""


def reconnect(place: SandboxPlace, record: SandboxRecord) -> str:
    """Have a pod that is cut off be on the bridge again; -> what was done, for people. Errors: OSError."""
    with Netlink() as outside:
        bridge = socket.if_nametoindex(place.bridge)
        with contextlib.suppress(OSError):
            socket.if_nametoindex(record.link)
            pod_network.rejoin(outside, link=record.link, bridge=bridge)
            return "The pod's link had left the bridge of its node, and has joined it again."
        descriptor = record.open_network(place.layout.netns)
        try:
            linux.setns(descriptor, linux.CLONE_NEWNET)
            pod_network.connect_pod(
                outside, link=record.link, bridge=bridge, ips=record.addresses, gateways=place.gateways, netns_fd=descriptor
            )
        finally:
            os.close(descriptor)
    which = " and ".join(record.addresses)
    return f"The pod's link to the bridge of its node was gone, and was made again with its address {which}."


def remove_network(layout: Layout, record: SandboxRecord) -> None:
    """Link and named namespace; idempotent. In the machine's namespaces."""
    if record.link:
        pod_network.disconnect_pod(record.link)
    if record.netns:
        path = layout.netns / record.netns
        with contextlib.suppress(OSError):
            linux.unmount(str(path))
        with contextlib.suppress(OSError):
            path.unlink()


def end_pause(record: SandboxRecord) -> None:
    """Kill the pause process and wait until it is gone."""
    if record.pause is None:
        return
    descriptor = record.pause.open()
    if descriptor is None:
        return
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    wait_gone(descriptor)
    os.close(descriptor)


def end_unwritten(place: SandboxPlace, sandbox_id: str) -> None:
    """End a pause process that was started and not yet written down."""
    for pid in pause.running(place.pause_command[0]).get(sandbox_id, ()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def wait_gone(descriptor: int, timeout_s: float = 5.0) -> bool:
    """Wait for the process of a pidfd; it is reaped if it is ours."""
    gone = bool(select.select([descriptor], [], [], timeout_s)[0])
    if gone:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
    return gone


def remove(place: SandboxPlace, pod_uid: str, record: SandboxRecord | None) -> None:
    """All of the pod but its containers, which have ended: nothing of it is left afterwards. Idempotent."""
    if record is not None:
        end_pause(record)
        remove_network(place.layout, record)
    _enter_node(place)
    place.cgroups.kill_pod(pod_uid)
    place.cgroups.remove_pod(pod_uid)
    pod = place.layout.pod(pod_uid)
    # strictly last: the record is what a crash before here takes up again
    for entry in list(os.scandir(pod)) if pod.is_dir() else []:
        if entry.name != SANDBOX_FILE and entry.is_dir(follow_symlinks=False):
            remove = pod_volumes.remove if entry.name == "volumes" else pod_volumes.remove_tree
            remove(Path(entry.path))
    trees.remove(pod)
