"""The process that holds a pod's namespaces: 200 bytes of machine code, so that a machine needs no compiler and no image.

It lets go of every file but the first three, shuts itself into an empty directory, gives up root, ignores SIGCHLD (so that in a
shared pid namespace orphans vanish by themselves) and sleeps. See docs/adr/0011-pause-process.md.
"""

import os
import platform
import select
import struct
from pathlib import Path
from typing import Any

from shipslog.runtime.machine.descriptors import inherited

_NOBODY = 65535
_EXECUTABLE = 3  # a descriptor that only who starts it needs
_CLOSE_RANGE, _CHROOT, _CHDIR, _SETGROUPS, _SETGID, _SETUID, _RT_SIGACTION, _PAUSE = 436, 161, 80, 116, 106, 105, 13, 34
_SIGCHLD, _SIG_IGN = 17, 1
_BASE = 0x400000
_HEADERS = 64 + 56
_FALLBACK = ("/bin/sh", "-c", "trap '' CHLD; exec sleep infinity")
HOLDER = "holder"  # in place of a sandbox: it keeps the namespaces of a rootless node


def pause_binary() -> bytes:
    """A static ELF executable for x86-64."""

    def call(number: int) -> bytes:
        return b"\xb8" + struct.pack("<I", number) + b"\x0f\x05"  # mov eax, number; syscall

    def first(value: int) -> bytes:
        return b"\xbf" + struct.pack("<I", value)  # mov edi, value

    def build(path: int, root: int, action: int) -> bytes:
        return b"".join(
            (
                # mov esi, all ones; xor edx, edx
                first(3) + b"\xbe\xff\xff\xff\xff" + b"\x31\xd2" + call(_CLOSE_RANGE),
                first(path) + call(_CHROOT),  # /proc/self/fdinfo: nothing can be made in it
                first(root) + call(_CHDIR),
                first(0) + b"\x31\xf6" + call(_SETGROUPS),  # xor esi, esi
                first(_NOBODY) + call(_SETGID),
                first(_NOBODY) + call(_SETUID),
                first(_SIGCHLD) + b"\xbe" + struct.pack("<I", action),  # mov esi, action
                b"\x31\xd2" + b"\x41\xba" + struct.pack("<I", 8) + call(_RT_SIGACTION),  # xor edx, edx; mov r10d, 8
                call(_PAUSE) + b"\xeb\xf7",  # jmp to the call before
            )
        )

    start = _BASE + _HEADERS
    path = start + len(build(0, 0, 0))
    words = b"/proc/self/fdinfo\0/\0"
    code = build(path, path + words.index(b"/\0", 1), path + len(words))
    content = code + words + struct.pack("<QQQQ", _SIG_IGN, 0, 0, 0)
    size = _HEADERS + len(content)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, start, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + content


def install(directory: Path) -> tuple[str, ...]:
    """Put the executable there; the command to run is returned, its first member the path."""
    if platform.machine() != "x86_64":
        return _FALLBACK
    path, binary = directory / "pause", pause_binary()
    if not path.exists() or path.read_bytes() != binary:  # of an older version
        partial = directory / f"pause-{os.getpid()}"
        partial.write_bytes(binary)
        partial.chmod(0o555)
        partial.rename(path)
    return (str(path),)


def spawn(
    command: tuple[str, ...],
    sandbox: str,
    *,
    own_pid_namespace: bool,
    before: tuple[str, ...] = ("/usr/bin/unshare",),
    executable: int = -1,
) -> int:
    """Start it in the calling thread's namespaces, in a session of its own; its pid. The last argument tells whose it is.
    `before`: an `unshare` that is to start it; `executable`: a descriptor of it, for one that does not reach its path."""
    argv = [*command, sandbox]
    if own_pid_namespace or executable >= 0:
        pid_namespace = ["--pid", "--fork", "--kill-child"] if own_pid_namespace else []
        inside = [f"/proc/self/fd/{_EXECUTABLE}"] if executable >= 0 else []
        argv = [*before, *pid_namespace, "--", *inside, *argv]
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        actions: list[Any] = [(os.POSIX_SPAWN_DUP2, null, target) for target in (0, 1, 2)]
        actions += [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in inherited()]
        actions += [(os.POSIX_SPAWN_DUP2, executable, _EXECUTABLE)] if executable >= 0 else []
        pid = os.posix_spawn(argv[0], argv, {}, file_actions=actions, setsid=True)
    finally:
        os.close(null)
    return _child_of(pid) if own_pid_namespace else pid


def _child_of(pid: int) -> int:
    descriptor = os.pidfd_open(pid)
    try:
        while True:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if text:
                return int(text[0])
            if select.select([descriptor], [], [], 0.002)[0]:
                raise OSError(0, "unshare ended before the pause process began", str(pid))
    finally:
        os.close(descriptor)


def running(executable: str) -> dict[str, list[int]]:
    """All pause processes of one executable: sandbox -> pids (with the `unshare` in front of it, if any). What holds the
    namespaces of a rootless node is the same program and no sandbox."""
    found: dict[str, list[int]] = {}
    for entry in list(os.scandir("/proc")):
        if not entry.name.isdigit():
            continue
        try:
            argv = Path(entry.path, "cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            continue
        if len(argv) >= 2 and executable.encode() in argv and argv[-1] != HOLDER.encode():
            found.setdefault(argv[-1].decode(errors="replace"), []).append(int(entry.name))
    return found
