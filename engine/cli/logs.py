"""`shipslog logs`: what the daemon has written, and writes; or what the containers of a pod did.

Tests: tests/engine/cli/test_machine.py
"""

import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from shipslog.engine.cli.shared.options import daemon_of, fail
from shipslog.engine.cli.shared.source import server_options

from .shared import pod_output

PAUSE_S = 0.2  # between two looks at a file that is followed
CHUNK = 64 * 1024


@click.command()
@click.argument("target", metavar="[pod/NAME]", default="")
@click.option("-f", "--follow", is_flag=True, help="Go on with what the daemon writes from now on.")
@click.option("--tail", type=click.IntRange(min=0), metavar="LINES", help="Only the last ones.")
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of the pod.")
@click.option("-c", "--container", default="", metavar="NAME", help="Only this container [default: all]")
@click.option("--attempt", type=click.IntRange(min=0), metavar="START", help="Only this start, counted from 0 [default: all]")
@click.option("--since", default="", metavar="TIME", help="Only what was written since a time, as 2026-11-23T10:32:00Z.")
@click.option("--timestamps", is_flag=True, help="Say of each line when it was written.")
@click.option("--list", "listed", is_flag=True, help="List what there is.")
@server_options
def command(target: str, follow: bool, listed: bool, kubeconfig: Path | None, data: Path, **options: Any) -> None:
    """Without a pod the daemon's own log: starts, adoptions, failures. What happened in the cluster is on another one:
    `shipslog log`.

    With a pod what its containers wrote, start by start, also of pods of that name that are gone: by name, or by uid."""
    if target:
        if follow:
            raise fail("to follow a pod that runs: kubectl logs -f", 2)
        pod_output.show(target, kubeconfig=kubeconfig, data=data, listed=listed, options=options)
        return
    _of_daemon(data, options["tail"], follow)


def _of_daemon(data: Path, tail: int | None, follow: bool) -> None:
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
