"""Runs a function in a child process and kills it right before one of its system calls that change a file (or tell somebody).

A seccomp filter (https://docs.kernel.org/userspace-api/seccomp_filter.html) has the kernel stop the child at those calls alone;
ptrace lets it go on, or not. Threads of the child count together, in the order in which they come.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
from collections import Counter
from collections.abc import Callable

from msgspec import Struct

CALLS = {  # by the name that uname gives the machine
    "x86_64": {
        1: "write",
        18: "pwrite64",
        74: "fsync",
        75: "fdatasync",
        77: "ftruncate",
        82: "rename",
        87: "unlink",
        285: "fallocate",
    },
    "aarch64": {
        64: "write",
        68: "pwrite64",
        82: "fsync",
        83: "fdatasync",
        46: "ftruncate",
        38: "renameat",
        35: "unlinkat",
        47: "fallocate",
    },
}
TRACEME, CONT, SETOPTIONS, GET_SYSCALL_INFO = 0, 7, 0x4200, 0x420E
OPTIONS = 0x8 | 0x80 | 0x100000  # TRACECLONE, TRACESECCOMP, EXITKILL
EVENT_SECCOMP = 7
WALL = 0x40000000  # wait for threads too
BY_PATH = frozenset({"rename", "renameat", "unlink", "unlinkat"})
SET_NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2
RET_TRACE, RET_ALLOW = 0x7FF00000, 0x7FFF0000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Stopped(Struct, frozen=True):
    """How the child ended. `calls` counts those at which it stopped, by what they are: "pwrite64 log.db-wal". `killed`: before
    the call that was asked for, else it ended by itself. `said` is what it wrote to its pipe."""

    calls: Counter[str]
    killed: bool
    said: bytes


def run(work: Callable[[int], None], call: str = "", count: int = 0) -> Stopped:
    """Run `work` (which is given a pipe to write to) in a child; kill it before the `count`th time that it makes `call`.

    Errors: RuntimeError when it failed by itself."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pid = os.fork()
    if pid == 0:
        _child(work, writing)
    os.close(writing)
    try:
        calls, killed = _follow(pid, call, count)
        return Stopped(calls, killed, _rest(reading))
    finally:
        os.close(reading)


def _child(work: Callable[[int], None], writing: int) -> None:
    try:
        _ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _filter(CALLS[platform.machine()])
        work(writing)
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)


def _filter(calls: dict[int, str]) -> None:
    """Load the number of the call; one that is listed is traced, any other allowed."""
    wanted = [struct.pack("HBBI", 0x15, len(calls) - i, 0, number) for i, number in enumerate(calls)]
    allow, trace = struct.pack("HBBI", 0x06, 0, 0, RET_ALLOW), struct.pack("HBBI", 0x06, 0, 0, RET_TRACE)
    program = struct.pack("HBBI", 0x20, 0, 0, 0) + b"".join(wanted) + allow + trace
    held = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held)))
    if _libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.prctl(SET_SECCOMP, FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no seccomp filter")


def _follow(pid: int, call: str, count: int) -> tuple[Counter[str], bool]:
    os.waitpid(pid, 0)
    _ptrace(SETOPTIONS, pid, OPTIONS)
    _ptrace(CONT, pid)
    calls: Counter[str] = Counter()
    while True:
        thread, status = os.waitpid(-1, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if thread != pid:
                continue
            if status != 0:
                raise RuntimeError(f"the writer failed by itself: status {status:#x}")
            return calls, False
        passed_on = 0
        if status >> 16 == EVENT_SECCOMP:
            coming = _call(thread)
            calls[coming] += 1
            if coming == call and calls[call] == count:
                os.kill(pid, signal.SIGKILL)
                while os.waitpid(-1, WALL)[0] != pid:
                    pass
                return calls, True
        elif os.WSTOPSIG(status) not in (signal.SIGTRAP, signal.SIGSTOP):
            passed_on = os.WSTOPSIG(status)
        _ptrace(CONT, thread, passed_on)


def _call(thread: int) -> str:
    """What the thread is about to do, and to which file."""
    info = ctypes.create_string_buffer(88)
    _ptrace(GET_SYSCALL_INFO, thread, len(info), ctypes.addressof(info))
    number, argument = struct.unpack_from("QQ", info, 24)
    name = CALLS[platform.machine()][number]
    if name in BY_PATH:
        return name
    file = os.readlink(f"/proc/{thread}/fd/{argument}")
    return f"{name} {os.path.basename(file) if file.startswith('/') else 'pipe'}"


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    if request in (SETOPTIONS, CONT):
        address, data = 0, address
    if _libc.ptrace(request, pid, address, data) < 0 and ctypes.get_errno() != errno.ESRCH:  # a thread that ends meanwhile
        raise OSError(ctypes.get_errno(), f"ptrace request {request:#x}")


def _rest(reading: int) -> bytes:
    said = b""
    while True:
        try:
            part = os.read(reading, 1 << 16)
        except BlockingIOError:
            return said
        if not part:
            return said
        said += part
