"""`shipslog down`: stop the daemon of a data directory."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from shipslog.engine.cli.shared.options import LEFT_BEHIND, daemon_of, data_option, fail, reason

PATIENCE_S = 60
BEGUN = ("cluster.db", "cluster.json", "node")  # one of these is in the data directory of any cluster
UNFINISHED = 3  # the exit code when something of the pods is left


@click.command()
@data_option
@click.option("--all", "end_pods", is_flag=True, help="End the pods too, and leave nothing of them on the machine.")
@click.option("--purge", "remove", is_flag=True, help="End the pods, and remove the cluster: its log, keys and images.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask before something is removed.")
def command(data: Path, end_pods: bool, remove: bool, sure: bool) -> None:
    """Stop the daemon. Pods go on running, and are adopted by the next `up`, unless --all is given. Ends with code 3 when
    something of the pods could not be ended, or of the cluster removed: it says what."""
    if not remove:
        _stop(data, end_pods)
        return
    from shipslog.engine.cli.shared.purge import is_cluster

    if not is_cluster(data):
        raise fail(f"there is no cluster in {data}; nothing was removed")
    if not sure:
        question = f"The cluster in {data} is removed for good: its log, keys, images, and the files of its pods. Go on?"
        click.confirm(question, abort=True)
    if daemon_of(data) is not None:
        _stop(data, end_pods=True)
    else:
        _in_a_child(data)
    _purge(data)


def _purge(data: Path) -> None:
    from shipslog.engine.cli.shared.purge import NotPurged, purge
    from shipslog.store.log.event_log import LogBusy

    try:
        others = purge(data)
    except (NotPurged, LogBusy) as error:
        raise fail(str(error), UNFINISHED) from error
    left = f" What is not of it was left there: {', '.join(others)}" if others else ""
    click.echo(f"The cluster in {data} is gone.{left}")


def _in_a_child(data: Path) -> None:
    """Ending pods may move a process into the namespaces of the node, from where there is no way back."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _stop(data, end_pods=True)
            code = 0
        except click.exceptions.Exit as end:
            code = end.exit_code
        except Exception as error:  # what is not told here is told by nobody
            code = fail(f"the pods were not ended: {reason(error)}", UNFINISHED).exit_code
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise click.exceptions.Exit(code)


def _stop(data: Path, end_pods: bool) -> None:
    from shipslog.runtime.network import claimed_ranges

    daemon = daemon_of(data)
    if daemon is None and not any((data / name).exists() for name in BEGUN):
        left = not data.exists() and claimed_ranges.of(data) is not None
        if not (left and end_pods):
            what = "has no cluster in it" if data.is_dir() else "does not exist"
            hint = "--data names the directory that `up` was given."
            if left:
                hint = f"What its pods left on the machine is ended by: shipslog down --all --data {data}"
            raise fail(f"nothing to stop: {data} {what}. {hint}", 2)
    try:
        (data / LEFT_BEHIND).unlink(missing_ok=True)
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}; nothing was ended", UNFINISHED) from error
    if daemon is not None:
        os.kill(daemon.pid, signal.SIGUSR1 if end_pods else signal.SIGTERM)
        if not _ended(daemon.pid):
            where = daemon.log_file or "on its terminal"
            raise fail(f"the daemon (pid {daemon.pid}) has not ended after {PATIENCE_S} s; its messages: {where}")
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
