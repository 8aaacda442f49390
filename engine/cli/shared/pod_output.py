"""What the containers of a pod wrote, start by start, also of pods that are gone: `shipslog logs pod/NAME`."""

import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click
import msgspec

from .options import daemon_of, fail, reason
from .paint import DIM, Paper, printable
from .remote import BadKubeconfig, Refused, Remote

UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HEADINGS = ("POD", "UID", "CONTAINER", "START", "LAST WRITTEN", "SIZE", "STATE")


class Start(msgspec.Struct, frozen=True):
    """As the server tells of it."""

    namespace: str
    pod: str
    uid: str
    container: str
    attempt: int
    until: str
    size: int
    gone: bool


def show(target: str, *, kubeconfig: Path | None, data: Path, listed: bool, options: dict[str, Any]) -> None:
    """Print it. Errors: ClickException, saying what is wrong."""
    kind, slash, name = target.rpartition("/")
    if slash and kind not in ("pod", "pods", "po"):
        raise fail(f"{target!r}: containers are in pods. Write pod/NAME, NAME, or the uid of one", 2)
    remote = _remote(kubeconfig, data)
    asked = {"uid": name} if UID.fullmatch(name) else {"namespace": options["namespace"], "name": name}
    try:
        starts = [
            start
            for start in _starts(remote, asked)
            if options["container"] in ("", start.container) and options["attempt"] in (None, start.attempt)
        ]
        if not starts:
            raise fail(f"nothing is kept of what containers of {target} wrote. --namespace is {options['namespace']!r}")
        if listed:
            _print_list(starts)
            return
        for start in starts:
            _print(remote, start, options, alone=len(starts) == 1)
    except (Refused, OSError) as error:
        raise fail(reason(error)) from error


def _remote(kubeconfig: Path | None, data: Path) -> Remote:
    daemon = daemon_of(data)
    if kubeconfig is None and daemon is None:
        raise fail(f"no daemon runs on {data}; start it with `shipslog up`, or name a server with --kubeconfig")
    try:
        return Remote.of(kubeconfig or Path(daemon.kubeconfig if daemon is not None else ""))
    except (BadKubeconfig, OSError) as error:
        raise fail(reason(error)) from error


def _starts(remote: Remote, asked: dict[str, str]) -> list[Start]:
    text = b"".join(remote.stream(f"/log/written?{urlencode(asked)}"))
    return [msgspec.json.decode(line, type=Start) for line in text.splitlines()]


def _print_list(starts: list[Start]) -> None:
    rows = [(s.pod, s.uid, s.container, str(s.attempt), s.until, _size(s.size), "gone" if s.gone else "there") for s in starts]
    widths = [max(len(row[i]) for row in (HEADINGS, *rows)) for i in range(len(HEADINGS))]
    for row in (HEADINGS, *rows):
        click.echo("   ".join(printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _size(size: float) -> str:
    for unit in ("", "Ki", "Mi"):
        if size < 1024:
            return f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.1f}Gi"


def _print(remote: Remote, start: Start, options: dict[str, Any], *, alone: bool) -> None:
    if not alone:
        state = "gone" if start.gone else "there"
        about = f"  start {start.attempt} of {start.uid}, {state}, last written {start.until}"
        Paper().line([(f"==> {start.pod} {start.container}", "bold"), (about, DIM)])
        sys.stdout.flush()
    names = {"tail": "tailLines", "since": "sinceTime"}
    asked = {names[option]: options[option] for option in names if options[option] not in (None, "")}
    if options["timestamps"]:
        asked["timestamps"] = "true"
    path = f"/log/written/{quote(start.uid, safe='')}/{quote(start.container, safe='')}/{start.attempt}"
    for chunk in remote.stream(f"{path}?{urlencode(asked)}"):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
