"""Pause processes: found by their program, and without anything of the daemon's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipslog.runtime.containers.oci.pod_sandbox import pause


@contextmanager
def running(name: str, program: Path) -> Iterator[None]:
    """A process whose command line is that of the pause of `name`."""
    command = [str(program), "-c", "input()", name]
    process = subprocess.Popen(command, executable=sys.executable, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def test_the_holder_of_a_rootless_node_is_no_sandbox(tmp_path: Path) -> None:
    """A node that ended it with the unknown sandboxes would lose its pods at the next start."""
    program = tmp_path / "pause"
    with running("a" * 64, program), running(pause.HOLDER, program):
        assert list(pause.running(str(program))) == ["a" * 64]


@contextmanager
def handed_down() -> Iterator[int]:
    """A descriptor that this process got from whoever started it."""
    descriptor = os.open("/dev/zero", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sleeps(pid: int) -> bool:
    """Whether it has come to where it waits for a signal: syscall pause."""
    return Path(f"/proc/{pid}/syscall").read_text().startswith("34 ")


@pytest.mark.root
@pytest.mark.parametrize("own_pid_namespace", [False, True])
def test_it_has_nothing_of_the_daemon_open(tmp_path: Path, own_pid_namespace: bool) -> None:
    command = pause.install(tmp_path)
    with handed_down():
        pid = pause.spawn(command, "a" * 64, own_pid_namespace=own_pid_namespace)
    deadline = time.monotonic() + 5
    while len(pids := pause.running(command[0]).get("a" * 64, [])) <= own_pid_namespace and time.monotonic() < deadline:
        time.sleep(0.01)  # until it has become that program
    try:
        assert len(pids) == 1 + own_pid_namespace and pid in pids
        for one in pids:  # unshare stays in front of it
            assert sorted(os.listdir(f"/proc/{one}/fd"), key=int) == ["0", "1", "2"]
    finally:
        for one in sorted(pids):
            os.kill(one, signal.SIGKILL)
        os.waitpid(min(pids), 0)


@pytest.mark.root
def test_the_program_itself_lets_go_of_what_it_is_given(tmp_path: Path) -> None:
    with handed_down() as descriptor, subprocess.Popen(pause.install(tmp_path), pass_fds=(descriptor,)) as process:
        deadline = time.monotonic() + 5
        while not sleeps(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        found = sorted(os.listdir(f"/proc/{process.pid}/fd"), key=int)
        process.kill()
    assert found == ["0", "1", "2"]


def test_a_program_of_an_older_version_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "pause").write_bytes(b"an older one")
    (path,) = pause.install(tmp_path)
    assert Path(path).read_bytes() == pause.pause_binary()
