"""`shipslog down`: stop the daemon of a data directory."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import click

from .options import LEFT_BEHIND, daemon_of, data_option, fail

PATIENCE_S = 60
BEGUN = ("cluster.db", "cluster.json", "node")  # one of these is in the data directory of any cluster
UNFINISHED = 3  # the exit code when something of the pods is left


@click.command()
@data_option
@click.option("--all", "end_pods", is_flag=True, help="End the pods too, and leave nothing of them on the machine.")
def command(data: Path, end_pods: bool) -> None:
    """Stop the daemon. Pods go on running, and are adopted by the next `up`, unless --all is given. Ends with code 3 when
    something of the pods could not be ended: it says what."""
    daemon = daemon_of(data)
    if daemon is None and not any((data / name).exists() for name in BEGUN):
        what = "has no cluster in it" if data.is_dir() else "does not exist"
        raise fail(f"nothing to stop: {data} {what}. --data names the directory that `up` was given.", 2)
    (data / LEFT_BEHIND).unlink(missing_ok=True)
    if daemon is not None:
        os.kill(daemon.pid, signal.SIGUSR1 if end_pods else signal.SIGTERM)
        if not _ended(daemon.pid):
            raise fail(f"the daemon (pid {daemon.pid}) has not ended after {PATIENCE_S} s; its messages: {daemon.log_file}")
        click.echo(f"Stopped the daemon (pid {daemon.pid}).", nl=False)
        if (data / LEFT_BEHIND).exists():
            click.echo()
            raise _unfinished((data / LEFT_BEHIND).read_text().splitlines())
        click.echo(" Its pods are gone." if end_pods else " Its pods go on running.")
    elif end_pods:
        _end_pods(data)
        click.echo(f"No daemon runs on {data}; what its pods had left on the machine is gone.")
    else:
        click.echo(f"No daemon runs on {data}.")


def _end_pods(data: Path) -> None:
    from shipslog.engine.daemon import end_pods_of
    from shipslog.engine.settings import BadSettings
    from shipslog.runtime.node import LeftBehind, RuntimeUnavailable

    try:
        end_pods_of(data)
    except LeftBehind as error:
        raise _unfinished(error.left) from error
    except (RuntimeUnavailable, OSError, BadSettings) as error:
        raise fail(f"the pods were not ended: {error}", UNFINISHED) from error


def _unfinished(left: Sequence[str]) -> click.exceptions.Exit:
    lines = "".join(f"\n  {line}" for line in left)
    return fail(f"not all that belongs to the pods could be ended; try again when this is mended:{lines}", UNFINISHED)


def _ended(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
