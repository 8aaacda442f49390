"""Users and groups of a pod's own: root in it is nobody on the machine.

A namespace with the pod's ids is made by a process that lives only for that; in it, and as its root, another makes the pod's
other namespaces, so that they belong to it, and becomes the pause process. What its containers mount shows ids on the disk as
ids inside. See docs/adr/0070-user-namespaces.md.

Tests: tests/runtime/containers/oci/test_user_namespaces.py
"""

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shipslog.runtime.containers.id_ranges import ID_COUNT
from shipslog.runtime.machine import linux

from .pod_sandbox import pause

PATIENCE_S = 10.0
_UNSHARE, _NSENTER = "/usr/bin/unshare", "/usr/bin/nsenter"
_HELD = ("/bin/sh", "-c", "echo; read _")  # says that it is there, and waits


def spawn_pause(command: tuple[str, ...], sandbox: str, first_id: int, *, own_pid_namespace: bool) -> int:
    """The pause process of a pod with users, network, names and IPC of its own; its pid, once all of them are there.
    Errors: OSError."""
    executable = os.open(command[0], os.O_PATH | os.O_CLOEXEC)  # whoever is root in there does not reach its directory
    try:
        with _made(first_id) as namespace:
            before = [_NSENTER, f"--user={namespace}", "--setuid=0", "--setgid=0", "--", _UNSHARE, "--net", "--uts", "--ipc"]
            pid = pause.spawn(command, sandbox, own_pid_namespace=own_pid_namespace, before=(*before,), executable=executable)
            _wait_for(pid)
            return pid
    finally:
        os.close(executable)


def mapping(first_id: int) -> list[dict[str, int]]:
    """As config.json words it."""
    return [{"containerID": 0, "hostID": first_id, "size": ID_COUNT}]


def write_inside(pid: int, path: Path, value: str) -> None:
    """Write a file of /proc/sys as root of the namespaces of a pause process. Errors: OSError, with the kernel's reason."""
    inside = [_NSENTER, f"--target={pid}", "--user", "--net", "--ipc", "--uts", "--setuid=0", "--setgid=0", "--"]
    done = subprocess.run(
        [*inside, "/bin/sh", "-c", 'printf %s "$2" >"$1"', "sh", str(path), value],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"{path}: {done.stderr.decode(errors='replace').strip()[-500:]}")


@contextlib.contextmanager
def _made(first_id: int) -> Iterator[str]:
    """A namespace with these ids, as a path. Errors: OSError."""
    holder = subprocess.Popen(
        (_UNSHARE, "--user", "--", *_HELD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None and holder.stderr is not None
        if not select.select([holder.stdout], [], [], PATIENCE_S)[0] or not holder.stdout.read(1):
            holder.kill()
            why = holder.stderr.read(500).decode(errors="replace").strip()
            raise OSError(f"no user namespace can be made on this machine: {why or 'unshare gave no reason'}")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text(f"0 {first_id} {ID_COUNT}\n")
        yield f"/proc/{holder.pid}/ns/user"
    finally:
        holder.kill()
        with holder:  # reaps it, and closes its pipes
            pass


def _wait_for(pid: int) -> None:
    """Until it is what it is to become. Errors: OSError, when it ends before."""
    descriptor = os.pidfd_open(pid)
    try:
        for _ in range(round(PATIENCE_S / 0.002)):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") not in (os.path.realpath(_NSENTER), os.path.realpath(_UNSHARE)):
                    return
            if select.select([descriptor], [], [], 0.002)[0]:
                break
    finally:
        os.close(descriptor)
    raise OSError("the pause process did not begin in a user namespace of its own; see the kernel's limits on namespaces")


class MappedMounts:
    """What a container with users of its own mounts, at a place that its root can reach: the directories of a node are for
    root of the machine alone. `user_namespace`: a path of it. Errors: OSError."""

    def __init__(self, directory: Path, user_namespace: str) -> None:
        self._directory = directory
        self._user_namespace = user_namespace
        self._made = 0

    def root(self, rootfs: Path) -> Path:
        """Its root file system, which has the right ids already."""
        return self._bind(rootfs, mapped=False)

    def source(self, source: Path, *, mapped: bool = True) -> Path:
        """A file or a directory that it mounts."""
        return self._bind(source, mapped=mapped)

    def _bind(self, source: Path, *, mapped: bool) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        for place in (self._directory.parent, self._directory):
            place.chmod(0o711)
        target = self._directory / str(self._made)
        self._made += 1
        if source.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        if mapped:
            bind(source, target, self._user_namespace)
        else:
            linux.mount(str(source), str(target), flags=linux.MS_BIND | linux.MS_REC)
        return target


def bind(source: Path, target: Path, user_namespace: str) -> None:
    """Errors: OSError, that says whose fault it is."""
    descriptor = os.open(user_namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.bind_with_ids(str(source), str(target), descriptor)
    except OSError as error:
        why = f"the file system of {source.name!r} cannot be mounted with mapped ids ({error.strerror})"
        raise OSError(f"hostUsers: false: {why}") from error
    finally:
        os.close(descriptor)


def remap(config: dict[str, Any], rootfs: Path, mounts: MappedMounts, first_id: int, plain: tuple[Path, ...]) -> None:
    """Have a config.json name what its root can reach. `plain`: what already shows the right ids, or nobody's."""
    config["root"]["path"] = str(mounts.root(rootfs))
    for mount in config["mounts"]:
        if mount["type"] == "bind":
            source = Path(mount["source"])
            own = any(source.is_relative_to(place) for place in plain)
            mount["source"] = str(mounts.source(source, mapped=not own))
    config["linux"] |= {"uidMappings": mapping(first_id), "gidMappings": mapping(first_id)}
