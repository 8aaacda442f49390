"""`shipslog down`: stop the daemon of a data directory."""

import os
import signal
import time
from pathlib import Path

import click

from .settings import daemon_of, data_option, fail

PATIENCE_S = 60


@click.command()
@data_option
@click.option("--all", "end_pods", is_flag=True, help="End the pods too, and leave nothing of them on the machine.")
def command(data: Path, end_pods: bool) -> None:
    """Stop the daemon. Pods go on running, and are adopted by the next `up`, unless --all is given."""
    daemon = daemon_of(data)
    if daemon is not None:
        os.kill(daemon.pid, signal.SIGUSR1 if end_pods else signal.SIGTERM)
        if not _ended(daemon.pid):
            raise fail(f"the daemon (pid {daemon.pid}) has not ended after {PATIENCE_S} s; look into {daemon.log_file}")
        click.echo(
            f"Stopped the daemon (pid {daemon.pid})." + (" Its pods are gone." if end_pods else " Its pods go on running.")
        )
    elif end_pods:
        from shipslog.engine.daemon import end_pods_of

        end_pods_of(data)
        click.echo(f"No daemon runs on {data}; what its pods had left on the machine is gone.")
    else:
        click.echo(f"No daemon runs on {data}.")


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
