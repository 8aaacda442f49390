"""Pods' way out: slirp4netns, where it is installed, turns their connections into the user's own."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from functools import partial
from pathlib import Path

from shipslog.runtime.containers.oci.recovery.records import process

from .namespace import SLIRP, Rootless, write

_DEVICE = "tap0"
PROGRAM = "slirp4netns"


async def open_internet(ground: Rootless) -> bool:
    """Have a device that leads outside, if the program is there; the one of an earlier daemon goes on."""
    program = shutil.which(PROGRAM)
    if program is None:
        return False
    with contextlib.suppress(OSError):
        return socket.if_nametoindex(_DEVICE) > 0
    inside = f"/proc/{os.getpid()}/task/{os.getpid()}/ns/net"
    return await asyncio.wrap_future(ground.outside.begin(partial(_begin, program, inside, ground.node)))


def _begin(program: str, inside: str, node: Path) -> bool:
    """Start it and wait until the device is ready. Its words are in slirp.log."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    command = [
        program,
        "--configure",
        "--mtu=65520",
        "--disable-host-loopback",
        "--netns-type=path",
        f"--ready-fd={writer}",
        inside,
        _DEVICE,
    ]
    try:
        with (node / "slirp.log").open("wb") as output:
            begun = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(writer,), start_new_session=True
            )
    finally:
        os.close(writer)
    write(node / SLIRP, process(begun.pid))
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read(1) == b"1"
