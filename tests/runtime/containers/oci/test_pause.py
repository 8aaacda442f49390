"""Pause processes, found by their program."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shipslog.runtime.containers.oci import pause


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
