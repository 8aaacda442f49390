"""Takes this process into the user namespace of its node, where it is root over what is the user's own.

A process of no further use, the holder, keeps the namespaces while no daemon runs: pods go on, and the next daemon joins them.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from shipslog.runtime.containers.oci.pod_sandbox import pause
from shipslog.runtime.containers.oci.recovery.records import Process, process
from shipslog.runtime.machine import linux, node_facts
from shipslog.runtime.machine.environment import mapped_ids
from shipslog.runtime.network.netlink import Netlink

from .outside import Outside

HOLDER, SLIRP = "holder.json", "slirp.json"  # which process it is, in the node's directory


class Unavailable(Exception):
    """This process cannot have a user namespace; the message says why."""


class Rootless(Struct, frozen=True, kw_only=True):
    """Where this process is now: inside, with a thread that is outside."""

    node: Path  # the node's directory
    address: str  # of the machine, and of the node inside
    ids: int  # how many user ids there are; 1 when the user has no subordinate ones
    outside: Outside

    def end_if_unused(self) -> None:
        """Let the namespaces go unless there are pods to keep them for."""
        if not any((self.node / "pods").glob("*/sandbox.json")):
            self.end()

    def end(self) -> None:
        """Let the namespaces go, and with them every mount, link and rule: the node's last daemon has ended its pods."""
        with _locked(self.node):
            for name in (SLIRP, HOLDER):
                record = read(self.node / name)
                if record is not None:
                    record.kill(signal.SIGKILL)
                (self.node / name).unlink(missing_ok=True)


def enter(data: Path) -> Rootless:
    """Join the namespaces of a data directory, or make them. Only before the first thread. Errors: Unavailable, OSError."""
    node = data.resolve() / "node"
    node.mkdir(parents=True, exist_ok=True)
    address = node_facts.main_address()
    here = Path.cwd()
    with _locked(node):
        holder = read(node / HOLDER)
        if holder is not None and holder.alive:
            spaces = _spaces(holder.pid)
            for fd in spaces[:2]:
                linux.setns(fd, 0)
            os.chdir(here)
        else:
            _try_out()
            _end_orphans(node)
            take_user_namespace()
            linux.unshare(linux.CLONE_NEWNS)
            linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SLAVE)
            (node / "run").mkdir(exist_ok=True)
            linux.mount("shipslog", str(node / "run"), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=700")
            spaces = _spaces(_hold(node))
    outside = Outside()  # strictly before the next step: its threads stay where they begin
    linux.setns(spaces[2], linux.CLONE_NEWNET)
    for fd in spaces:
        os.close(fd)
    _own_address(address)
    return Rootless(node=node, address=address, ids=mapped_ids(), outside=outside)


def _try_out() -> None:
    """Whether it can be done, tried by a child: there is no way back. Errors: Unavailable."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            take_user_namespace()
            linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET)
            linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SLAVE)
            with Netlink() as netlink:
                netlink.add_bridge("trial")
        except (OSError, Unavailable) as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        message = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    if message:
        raise Unavailable(message)


def take_user_namespace() -> None:
    """A fresh user namespace for this process alone, in which it is root. Only before the first thread. Errors: Unavailable."""
    uid, gid, process_id = os.getuid(), os.getgid(), os.getpid()
    ranges = _subordinate(uid)
    ready, go = os.pipe2(os.O_CLOEXEC)
    helper = os.fork()
    if helper == 0:  # newuidmap must be called from outside
        os.close(go)
        os.read(ready, 1)
        done = bool(ranges) and all(
            os.spawnl(os.P_WAIT, tool, tool, str(process_id), "0", str(own), "1", "1", *more) == 0
            for (tool, more), own in zip(ranges, (uid, gid), strict=False)
        )
        os._exit(0 if done else 1)
    os.close(ready)
    try:
        linux.unshare(linux.CLONE_NEWUSER)
    except OSError as error:
        os.close(go)
        os.waitpid(helper, 0)
        raise Unavailable(f"no user namespace: {error.strerror} (see the sysctl user.max_user_namespaces)") from error
    os.close(go)
    if os.waitpid(helper, 0)[1] == 0:
        return
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise Unavailable(f"no user namespace: {error.filename or 'uid_map'}: {error.strerror}") from error


def _subordinate(uid: int) -> "list[tuple[str, tuple[str, str]]]":
    """(program that maps them, (first id, count)) for users and groups; [] if the user has none or the programs are missing."""
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        return []
    found = []
    for program, file in (("newuidmap", "/etc/subuid"), ("newgidmap", "/etc/subgid")):
        tool = shutil.which(program)
        with contextlib.suppress(OSError):
            lines = [line.strip().split(":") for line in Path(file).read_text().splitlines()]
            mine = [(words[1], words[2]) for words in lines if len(words) == 3 and words[0] in names]
            if tool is not None and mine:
                found.append((tool, mine[0]))
    return found if len(found) == 2 else []


def _hold(node: Path) -> int:
    """Start the holder, in a network of its own; -> its pid."""
    command = pause.install(node)
    pid = os.fork()
    if pid == 0:
        try:
            linux.unshare(linux.CLONE_NEWNET)
            null = os.open("/dev/null", os.O_RDWR)
            for target in (0, 1, 2):
                os.dup2(null, target)
            os.setsid()
            os.closerange(3, 1 << 16)
            os.execve(command[0], [*command, pause.HOLDER], {})
        finally:
            os._exit(1)
    for _ in range(500):
        if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(pause.HOLDER.encode() + b"\0"):
            break
        if os.waitpid(pid, os.WNOHANG)[0]:
            raise Unavailable("no network namespace of its own: the holder ended at once")
        time.sleep(0.002)
    write(node / HOLDER, process(pid))
    return pid


def _spaces(pid: int) -> list[int]:
    return [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("user", "mnt", "net")]


def _own_address(address: str) -> None:
    """The machine's address is the node's too, inside: so pods reach node ports and the API as they do with root."""
    with Netlink() as netlink:
        loopback = socket.if_nametoindex("lo")
        netlink.up(loopback)
        netlink.add_address(loopback, f"{address}/32")


def _end_orphans(node: Path) -> None:
    """Pods whose namespaces have lost their holder cannot be gone on with: end their processes."""
    way_out = read(node / SLIRP)
    if way_out is not None:
        way_out.kill(signal.SIGKILL)
    marker = str(node).encode()
    for entry in list(os.scandir("/proc")):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            argv = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            is_conmon = b"conmon" in argv[0] and marker + b"/exits" in argv
            if is_conmon or argv[0] == marker + b"/pause" or marker + b"/pause" in argv[:5]:
                for child in Path(entry.path, "task", entry.name, "children").read_text().split() if is_conmon else ():
                    os.kill(int(child), signal.SIGKILL)
                os.kill(int(entry.name), signal.SIGKILL)


# --- what is written down ---


@contextlib.contextmanager
def _locked(node: Path) -> Iterator[None]:
    with (node / "holder.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read(path: Path) -> Process | None:
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Process)
    return None


def write(path: Path, record: Process) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(record))
    partial.rename(path)
