"""`shipslog logs`: what the daemon has written, and writes.

Tests: tests/engine/cli/test_machine.py
"""

import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from .options import daemon_of, data_option, fail

PAUSE_S = 0.2  # between two looks at a file that is followed
CHUNK = 64 * 1024


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what it writes from now on.")
@click.option("--tail", type=click.IntRange(min=0), metavar="LINES", help="Only the last ones.")
@data_option
def command(follow: bool, tail: int | None, data: Path) -> None:
    """The daemon's own log: starts, adoptions, failures. What happened in the cluster is on another one: `shipslog log`."""
    daemon = daemon_of(data)
    path = Path(daemon.log_file) if daemon is not None and daemon.log_file else data / "shipslog.log"
    try:
        with path.open("rb") as file:
            if tail is not None:
                sys.stdout.buffer.writelines(deque(file, tail))
            for chunk in _followed(path, file) if follow else iter(lambda: file.read(CHUNK), b""):
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
    except FileNotFoundError as error:
        raise fail(
            f"{path} is not there: a daemon in the foreground writes to its terminal, and none was detached here"
        ) from error
    except OSError as error:
        raise fail(str(error)) from error
    except KeyboardInterrupt:
        pass


def _followed(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """What is written into a file, and into the one that takes its name when it is put aside."""
    while True:
        while chunk := file.read(CHUNK):
            yield chunk
        time.sleep(PAUSE_S)
        now = path.stat() if path.exists() else None
        then = os.fstat(file.fileno())
        if now is not None and now.st_ino != then.st_ino:
            yield file.read()
            file = path.open("rb")
        elif then.st_size < file.tell():  # it was cut off where it lies
            file.seek(0)
