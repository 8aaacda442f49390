"""`shipslog status`: whether a daemon runs, where, and how it is.

Tests: tests/engine/cli/test_machine.py
"""

import datetime
from collections import Counter
from pathlib import Path
from typing import Any

import click
import msgspec

from shipslog.engine.cli.shared.options import Daemon, daemon_of, data_option
from shipslog.engine.cli.shared.paint import DIM, Paper, Piece, json_line

NOT_RUNNING, NOT_WELL = 3, 1  # exit codes; the first as that of systemctl status
PAGE = 500


class Status(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of a data directory's cluster."""

    data: str
    running: bool = False
    ready: bool = False
    pid: int = 0
    since: str = ""
    server: str = ""
    kubeconfig: str = ""
    runtime: str = ""
    nodes: dict[str, bool] = {}  # by name: whether it is ready
    pods: dict[str, int] = {}  # by phase
    revision: int = 0
    log_bytes: int = 0  # with its write-ahead log
    certificates: dict[str, str] = {}  # by file: until when it is valid
    troubles: list[str] = []  # what is wrong, a line each


@click.command()
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@data_option
def command(output: str, data: Path) -> None:
    """How the cluster of a data directory is: where it listens, its nodes, pods, log, certificates, and what is wrong.

    Ends with code 3 when no daemon runs, and with 1 when it is not well."""
    status = look(data)
    if output == "json":
        click.echo(json_line(status))
    else:
        _print(Paper(), status)
    if not status.running or not status.ready:
        raise click.exceptions.Exit(NOT_WELL if status.running else NOT_RUNNING)


def look(data: Path) -> Status:
    """Look at everything."""
    status = Status(data=str(data))
    for name in ("cluster.db", "cluster.db-wal"):
        if (data / name).exists():
            status.log_bytes += (data / name).stat().st_size
    _certificates(status, data)
    daemon = daemon_of(data)
    if daemon is None:
        _at_rest(status, data)
    else:
        _alive(status, data, daemon)
    return status


def _certificates(status: Status, data: Path) -> None:
    from shipslog.engine.auth.validity import validities

    try:
        for one in validities(data / "pki"):
            status.certificates[one.file] = f"{one.ends:%Y-%m-%dT%H:%M:%SZ}"
            if one.ends < datetime.datetime.now(datetime.UTC):
                status.troubles.append(f"{one.file} is not valid any more")
    except (OSError, ValueError) as error:
        status.troubles.append(str(error))


def _at_rest(status: Status, data: Path) -> None:
    import asyncio

    from shipslog.store.log.event_log import LogError
    from shipslog.store.log.sqlite import SqliteLog

    async def end() -> int:
        async with await SqliteLog.open(data / "cluster.db", read_only=True) as log:
            return log.revision

    if not (data / "cluster.db").exists():
        return
    try:
        status.revision = asyncio.run(end())
    except (LogError, OSError) as error:
        status.troubles.append(str(error))


def _alive(status: Status, data: Path, daemon: Daemon) -> None:
    from shipslog.engine.cli.shared.remote import BadKubeconfig, Remote
    from shipslog.store.refusals import Refusal

    status.running, status.pid, status.server, status.kubeconfig = True, daemon.pid, daemon.server, daemon.kubeconfig
    status.runtime = daemon.runtime
    begun = datetime.datetime.fromtimestamp((data / "daemon.json").stat().st_mtime, datetime.UTC)
    status.since = f"{begun:%Y-%m-%dT%H:%M:%SZ}"
    try:
        remote = Remote.of(Path(daemon.kubeconfig))
        code, body = remote.text("/readyz?verbose")
        status.ready = code == 200
        marks = ("[-]", "[!]")
        status.troubles += [
            line.removeprefix("[-]").removeprefix("[!]") for line in body.splitlines() if line.startswith(marks)
        ]
        nodes = remote.value("/api/v1/nodes")
        status.revision = int(nodes["metadata"]["resourceVersion"])
        status.nodes = {node["metadata"]["name"]: _is_ready(node) for node in nodes["items"]}
        status.pods = dict(_phases(remote))
    except (BadKubeconfig, Refusal, OSError) as error:
        status.ready = False
        status.troubles.append(f"the server does not answer: {error}")


def _is_ready(node: Any) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _phases(remote: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    token = ""
    while True:
        page = remote.value(f"/api/v1/pods?limit={PAGE}" + (f"&continue={token}" if token else ""))
        counts.update(pod.get("status", {}).get("phase", "Unknown") for pod in page["items"])
        token = page["metadata"].get("continue", "")
        if not token:
            return counts


def _print(paper: Paper, status: Status) -> None:
    if not status.running:
        nothing = "" if status.log_bytes or status.troubles else ": no cluster was started there"
        paper.line([("○ not running", "bold"), (f"  {status.data}{nothing}", DIM)])
    else:
        mark: Piece = ("● ready", "bold green") if status.ready else ("● not ready", "bold red")
        paper.line([mark, (f"  {status.server}", ""), (f"  pid {status.pid}, since {status.since}", DIM)])
        _row(paper, "runtime", status.runtime)
        ready = sum(status.nodes.values())
        missing = ", ".join(name for name, well in status.nodes.items() if not well)
        _row(paper, "nodes", f"{ready} of {len(status.nodes)} ready" + (f"; not {missing}" if missing else ""))
        phases = ", ".join(f"{count} {phase}" for phase, count in sorted(status.pods.items()))
        _row(paper, "pods", f"{sum(status.pods.values())}" + (f": {phases}" if phases else ""))
        _row(paper, "kubeconfig", status.kubeconfig)
    if status.log_bytes:
        _row(paper, "log", f"revision {status.revision}, {_size(status.log_bytes)}, {Path(status.data) / 'cluster.db'}")
    if status.certificates:
        _row(paper, "certificates", ", ".join(f"{name} until {ends[:10]}" for name, ends in status.certificates.items()))
    for i, trouble in enumerate(status.troubles):
        _row(paper, "" if i else "troubles", trouble, "red")


def _row(paper: Paper, name: str, value: str, style: str = "") -> None:
    paper.line([(f"  {name:<13} ", DIM), (value, style)])


def _size(size_bytes: int) -> str:
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.3g} {unit}" if unit != "B" else f"{size_bytes} B"
        value /= 1024
    return f"{value:.1f} GiB"
