"""What is on the machine under this node's names, whoever wrote it down: a record that somebody removed hides nothing.

In the machine's own namespaces."""

import contextlib
import os
import signal
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from shipslog.runtime.containers.oci import layout
from shipslog.runtime.containers.oci.cgroups import Cgroups
from shipslog.runtime.containers.oci.layout import Layout
from shipslog.runtime.containers.oci.pod_sandbox import pause
from shipslog.runtime.containers.oci.pod_sandbox.node_namespace import NodeNamespace
from shipslog.runtime.machine import linux, trees
from shipslog.runtime.network import pod_network

from . import adoption
from .records import SandboxRecord

FORWARDING_6 = "forwarding-ipv6"  # says that it was switched on here, and which interfaces listened to routers before


def end_unknown(
    places: Layout, cgroups: Cgroups, instance: str, *, bridge: str, pause_command: str, known: Collection[SandboxRecord]
) -> None:
    """End and remove every sandbox of this node but the known ones: processes, links, named namespaces, control groups."""
    for uid in cgroups.pods() - {record.request.pod_uid for record in known}:
        cgroups.kill_pod(uid)
    for name, pids in pause.running(pause_command).items():
        if name not in {record.sandbox_id for record in known}:
            for pid in pids:
                _kill(pid)
    for link in set(pod_network.links_of(bridge)) - {record.link for record in known}:
        if link.startswith(layout.link_name(instance, "")):
            pod_network.disconnect_pod(link)
    for entry in list(os.scandir(places.netns)) if places.netns.is_dir() else []:
        if entry.name.startswith(layout.netns_name(instance, "")) and entry.name not in {record.netns for record in known}:
            with contextlib.suppress(OSError):
                linux.unmount(entry.path)
            os.unlink(entry.path)
    for uid in cgroups.pods() - {record.request.pod_uid for record in known}:
        cgroups.remove_pod(uid)


def end_stray_conmons(places: Layout, known_ids: Collection[str]) -> None:
    """Kill those that watch a container which is not one of `ours`."""
    for name, pid in adoption.stray_conmons(places).items():
        if name not in known_ids:
            _kill(pid)


def leave(places: Layout, cgroups: Cgroups, namespace: NodeNamespace, *, bridge: str, keep_records: bool) -> list[str]:
    """Take from the machine what the node itself put there, when its pods are gone; -> what could not be, a line each.
    `keep_records`: of pods that could not be ended, so that they can be found again."""
    left: list[str] = []
    switched = places.data / "forwarding"
    steps: list[tuple[str, Callable[[], None]]] = [
        ("bridge", partial(pod_network.remove_bridge, bridge)),
        ("control groups", cgroups.remove_all),
        ("mount namespace", namespace.remove),
    ]
    if switched.exists():
        steps.append(("forwarding of packets", partial(_switch_forwarding_off, switched)))
    if (places.data / FORWARDING_6).exists():
        steps.append(("forwarding of IPv6", partial(_switch_forwarding_6_off, places.data / FORWARDING_6)))
    steps += [(str(places.exits), partial(trees.remove, places.exits)), (str(places.run), partial(_remove_run, places.run))]
    steps += [] if keep_records else [(str(places.pods), partial(trees.remove, places.pods))]
    for what, step in steps:
        try:
            step()
        except OSError as error:  # no reason not to do the others
            left.append(f"{what}: {error}")
    return left


def _remove_run(run: Path) -> None:
    """Of a rootless node it is a file system of its own namespaces, and goes with them: it is only emptied."""
    if not run.is_mount():
        trees.remove(run)
        return
    for path in run.iterdir():
        trees.remove(path)


def _switch_forwarding_off(mark: Path) -> None:
    """`mark` says that it was this node that switched it on: it stays until it is off."""
    pod_network.disable_forwarding()
    mark.unlink(missing_ok=True)


def switch_forwarding_6_on(places: Layout) -> None:
    """Packets of IPv6 are passed on; what has to be put back is noted. Errors: OSError."""
    kept = pod_network.enable_forwarding_6()
    if kept is not None:
        (places.data / FORWARDING_6).write_text("\n".join(kept))


def _switch_forwarding_6_off(mark: Path) -> None:
    pod_network.disable_forwarding_6(mark.read_text().split())
    mark.unlink(missing_ok=True)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
