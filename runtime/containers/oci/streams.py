"""What people open into a pod: a process beside its own (exec), its own (attach), a port.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import pty
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import tty as terminal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from shipslog.runtime.containers.oci.recovery.records import ContainerRecord, SandboxRecord
from shipslog.runtime.machine import linux
from shipslog.runtime.machine.descriptors import readable, writable
from shipslog.runtime.machine.threads import OwnerThreads, in_fresh_thread
from shipslog.runtime.node import StreamRefused

from .layout import Layout
from .pods import Container

CHUNK = 65536
CONSOLE_S = 10.0  # for crun to hand over the terminal
CONNECT_S = 10.0  # to a port of a pod
OUTPUT_LIMIT = 10 * 1024
STDOUT, STDERR = 1, 2
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell ends with, and Docker, where there is no such program to run
NO_SUCH_FILE, CAUSE = os.strerror(errno.ENOENT).encode(), 4096  # bytes of what crun says of it
_CONMON_STDERR = 3


async def exec_output(
    crun: Sequence[str], record: ContainerRecord, argv: Sequence[str], timeout_s: float | None
) -> tuple[int, bytes]:
    """(exit code, what it wrote, at most 10 KiB). Errors: TimeoutError; it was killed then, as it is when cancelled."""
    with tempfile.TemporaryDirectory(prefix="shipslog-exec-") as directory:
        pid_file = Path(directory, "pid")  # crun alone is not enough to kill: what it began would go on without it
        command = [*crun, "exec", "--pid-file", str(pid_file), record.container_id, *argv]
        return await collect(command, timeout_s, pid_file)


async def collect(command: Sequence[str], timeout_s: float | None, pid_file: Path | None = None) -> tuple[int, bytes]:
    """Run a program to its end; (exit code, what it wrote, at most 10 KiB). Errors: OSError, ValueError (an argument with a
    NUL), TimeoutError."""
    process = start_process(list(command), stdin=False, tty=False)
    output = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for _, data in process.output():
                output += data[: max(OUTPUT_LIMIT - len(output), 0)]
            return await process.wait(), bytes(output)
    finally:
        await process.kill(pid_file)


# --- exec ---


async def open_exec(
    crun: Sequence[str], record: ContainerRecord, argv: Sequence[str], threads: OwnerThreads, *, stdin: bool, tty: bool
) -> "ExecStreams":
    """Start a process in the container; `threads` are the pods'. Errors: StreamRefused."""
    directory = tempfile.TemporaryDirectory(prefix="shipslog-exec-")
    try:
        if tty:
            return await threads.run(record.pod_uid, _on_terminal, crun, record, argv, directory)
        command = [*crun, "exec", "--pid-file", f"{directory.name}/pid", record.container_id, *argv]
        return start_process(command, stdin, tty, directory)
    except OSError as error:
        directory.cleanup()
        raise StreamRefused(500, f"cannot run {crun[0]}: {error}") from error
    except BaseException:
        directory.cleanup()
        raise


def _on_terminal(
    crun: Sequence[str],
    record: ContainerRecord,
    argv: Sequence[str],
    directory: "tempfile.TemporaryDirectory[str]",
) -> "ExecStreams":
    """Start a process on a terminal of the container, and be its other end: so its size can be changed. In a thread."""
    with socket.socket(socket.AF_UNIX) as listener:
        path = f"{directory.name}/console"
        listener.bind(path)
        listener.listen(1)
        beside = ("--pid-file", f"{directory.name}/pid", "--tty", "--console-socket", path)
        process = subprocess.Popen(
            [*crun, "exec", *beside, record.container_id, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, bufsize=0,
        )  # fmt: skip
        assert process.stderr is not None
        with process.stderr as stderr_pipe:
            listener.settimeout(0.05)
            deadline = time.monotonic() + CONSOLE_S
            while True:
                try:
                    connection, _ = listener.accept()
                    break
                except TimeoutError:
                    if process.poll() is not None:  # what it says is all that there is to show
                        return ExecStreams(process, -1, {os.dup(stderr_pipe.fileno()): STDOUT}, directory=directory)
                    if time.monotonic() > deadline:
                        process.kill()
                        process.wait()
                        raise StreamRefused(500, stderr_pipe.read(OUTPUT_LIMIT).decode(errors="replace").strip()) from None
            with connection:
                connection.settimeout(CONSOLE_S)
                master = socket.recv_fds(connection, 4096, 1)[1][0]
    return ExecStreams(process, os.dup(master), {os.dup(master): STDOUT}, master=master, directory=directory)


def start_process(
    command: list[str], stdin: bool, tty: bool, directory: "tempfile.TemporaryDirectory[str] | None" = None
) -> "ExecStreams":
    """Start a program with pipes, or on a terminal of its own: some milliseconds. `directory`: see ExecStreams.

    Errors: OSError, ValueError."""
    if not tty:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        write = os.dup(process.stdin.fileno()) if process.stdin is not None else -1
        reads = {os.dup(process.stdout.fileno()): STDOUT, os.dup(process.stderr.fileno()): STDERR}
        for file in (process.stdin, process.stdout, process.stderr):
            if file is not None:
                file.close()
        return ExecStreams(process, write, reads, directory=directory)
    master, slave = pty.openpty()
    terminal.setraw(slave)

    def own_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=own_terminal, bufsize=0
    )
    os.close(slave)
    return ExecStreams(process, os.dup(master), {os.dup(master): STDOUT}, master=master, directory=directory)


class ExecStreams:
    """ProcessStreams of one program. `directory`: where the runtime notes in `pid` which process it began in a container; it
    goes with these streams. Without that note nothing was begun, and the code is the one that a shell has for it."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        write: int,
        reads: dict[int, int],
        *,
        master: int = -1,
        directory: "tempfile.TemporaryDirectory[str] | None" = None,
    ) -> None:
        self._process, self._write, self._reads, self._master = process, write, reads, master
        self._directory, self._output_of_crun = directory, b""
        self._pidfd = os.pidfd_open(process.pid)
        for descriptor in (write, *reads):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)
        self._ended: asyncio.Future[int] | None = None

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1 stdout | 2 stderr, data) until both have ended."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Queue[int] = asyncio.Queue()
        open_, said_on = set(self._reads), max(self._reads.values())
        watched: set[int] = set()

        def wake(descriptor: int) -> None:
            loop.remove_reader(descriptor)  # again after it was read: what is not read stays in the pipe
            watched.discard(descriptor)
            ready.put_nowait(descriptor)

        def watch(descriptor: int) -> None:
            watched.add(descriptor)
            loop.add_reader(descriptor, wake, descriptor)

        try:
            for descriptor in self._reads:
                watch(descriptor)
            while open_:
                descriptor = await ready.get()
                try:
                    data = os.read(descriptor, CHUNK)
                except BlockingIOError:
                    watch(descriptor)
                    continue
                except OSError:
                    data = b""  # EIO: the terminal's other end is closed
                if not data:
                    open_.discard(descriptor)
                    continue
                if self._directory is not None and self._reads[descriptor] == said_on:
                    self._output_of_crun = (self._output_of_crun + data)[:CAUSE]
                yield self._reads[descriptor], data
                watch(descriptor)
        finally:
            for descriptor in tuple(watched):
                loop.remove_reader(descriptor)

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._write >= 0:
            try:
                view = view[os.write(self._write, view) :]
            except BlockingIOError:
                await writable(self._write)
            except OSError:
                return  # it reads no more

    async def close_stdin(self) -> None:
        if self._write < 0:
            return
        if self._master >= 0:
            await self.write(b"\x04")
            return
        descriptor, self._write = self._write, -1
        os.close(descriptor)

    async def resize(self, columns: int, rows: int) -> None:
        if self._master >= 0:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def wait(self) -> int:
        await readable(self._pidfd)
        code = self._process.poll()
        if code and code > 0 and self._directory is not None and not Path(self._directory.name, "pid").exists():
            return NOT_FOUND if NO_SUCH_FILE in self._output_of_crun else NOT_EXECUTABLE
        return 137 if code is None else 128 - code if code < 0 else code

    async def close(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(readable(self._pidfd), 1.0)
            if self._process.poll() is None:
                self._process.kill()
                await readable(self._pidfd)
                self._process.poll()
        self._let_go()

    async def kill(self, pid_file: Path | None = None) -> None:
        """End it now. `pid_file` names a process that it began and that would outlive it."""
        try:
            if self._process.poll() is None:
                with contextlib.suppress(OSError, ValueError):
                    if pid_file is not None:  # its parent has not reaped it yet: the number is nobody else's
                        os.kill(int(pid_file.read_text()), signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                await readable(self._pidfd)
                self._process.poll()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        for descriptor in (self._write, self._master, self._pidfd, *self._reads):
            if descriptor >= 0:
                os.close(descriptor)
        self._write, self._master, self._pidfd, self._reads = -1, -1, -1, {}
        if self._directory is not None:
            self._directory.cleanup()


# --- attach ---


async def open_attach(found: Container, bundle: Path, *, stdin: bool, tty: bool) -> "AttachStreams":
    """Talk to the container's own process, through conmon. Errors: StreamRefused."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    directory = os.open(bundle, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{directory}/attach")  # the path itself may be longer than a socket's may be
    except OSError as error:
        connection.close()
        raise StreamRefused(500, f"cannot attach to the container: {error.strerror}") from error
    finally:
        os.close(directory)
    connection.setblocking(False)
    return AttachStreams(found, connection, bundle)


class AttachStreams:
    """ProcessStreams of a running container: letting go does not end it."""

    def __init__(self, found: Container, connection: socket.socket, bundle: Path) -> None:
        self._found, self._connection, self._bundle = found, connection, bundle

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """A packet a piece; its first byte says which stream."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                packet = await loop.sock_recv(self._connection, CHUNK)
            except OSError:
                return
            if not packet:
                return
            if len(packet) > 1:
                yield (STDERR if packet[0] == _CONMON_STDERR else STDOUT), packet[1:]

    async def write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        for start in range(0, len(data), 8192):
            with contextlib.suppress(OSError):
                await loop.sock_sendall(self._connection, data[start : start + 8192])

    async def close_stdin(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    async def resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(OSError):
            descriptor = os.open(self._bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.write(descriptor, b"1 %d %d\n" % (rows, columns))
            finally:
                os.close(descriptor)

    async def wait(self) -> int:
        return (await asyncio.shield(self._found.ended)).code

    async def close(self) -> None:
        self._connection.close()


# --- ports ---


async def open_port(layout: Layout, sandbox: SandboxRecord, port: int) -> "PortStream":
    """A connection to a port of the pod, on its loopback. Errors: StreamRefused."""
    try:
        connection = await asyncio.wrap_future(in_fresh_thread(lambda: _socket_in(layout, sandbox)))
        return await connected(connection, port)
    except OSError as error:
        name = sandbox.request.name
        raise StreamRefused(500, f"cannot connect to port {port} of pod {name}: {error.strerror or error}") from error


async def connected(connection: socket.socket, port: int) -> "PortStream":
    """A new socket, connected to a port of the loopback of its network. Errors: OSError, TimeoutError among them."""
    try:
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    except BaseException:
        connection.close()
        raise
    return PortStream(connection)


def _socket_in(layout: Layout, sandbox: SandboxRecord) -> socket.socket:
    """A socket stays in the network that it was made in."""
    if sandbox.netns:
        descriptor = sandbox.open_network(layout.netns)
        try:
            linux.setns(descriptor, linux.CLONE_NEWNET)
        finally:
            os.close(descriptor)
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


class PortStream:
    """ByteStream over a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    async def read(self, limit: int = CHUNK) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._connection, limit)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    async def close_write(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        self._connection.close()
