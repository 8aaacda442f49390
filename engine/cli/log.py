"""`shipslog log [FILE]`: the log itself, one line an event.

Tests: tests/engine/cli/test_reading.py
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from shipslog.engine.cli.shared.paint import DIM, Paper, Piece, actor, clock, json_line, what
from shipslog.engine.cli.shared.source import choose, run, server_options
from shipslog.store.wording import counted

ACTOR, CAUSE, WHAT = 26, 7, 44  # columns; that of what happened is as wide as is needed, up to WIDEST where lines are not cut
WIDEST = 80
LEASES, OF_NODES = "leases.coordination.k8s.io", "kube-node-lease"
HELD, HELD_S = 500, 0.3  # lines that are put in columns together, and how long one waits for others


@click.command()
@click.argument("log_file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", default="", metavar="MOMENT", help="From a revision, a time (2026-11-23T10:32:00Z, 10:32) or -5m on.")
@click.option("--until", default="", metavar="MOMENT", help="Up to one.")
@click.option("--actor", default="", help="By whom: alice, replication-controller, 'system:node:*'.")
@click.option("--kind", default="", help="About objects of a kind, as kubectl names it.")
@click.option("-n", "--namespace", default="", help="About objects in a namespace.")
@click.option("--name", default="", help="About objects of a name, 'web-*'.")
@click.option("--objects", is_flag=True, help="Changes of objects only.")
@click.option("--decisions", is_flag=True, help="Decisions only.")
@click.option("--runtime", is_flag=True, help="What nodes report only.")
@click.option("--heartbeats", is_flag=True, help="With what nodes say every ten seconds; else it is counted.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on.")
@click.option("-o", "--output", type=click.Choice(["text", "wide", "json"]), default="text", show_default=True)
@click.option("--show-secrets", is_flag=True, help="Print the values of Secrets too.")
@server_options
def command(log_file: Path | None, kubeconfig: Path | None, data: Path, output: str, heartbeats: bool, **wanted: Any) -> None:
    """The log, one line an event: its revision and time, who did it, the revision that caused it, what happened, and why.

    FILE is a log file. Without one it is read from --data's, or under the rights of the caller from the server of a kubeconfig.
    Filters may be put together; those that are about kinds and names also find decisions and what nodes report. That nodes
    live, which is most of a quiet log, is only shown where it is asked for: with --heartbeats, --actor, --kind or --name, and
    in JSON. On a terminal lines are cut: -o wide prints all of them."""
    from shipslog.engine.chronicle.questions import Events

    source = choose(log_file, kubeconfig, data)
    printer = Printer(json=output == "json", paper=Paper(cut=output == "text"), held=0 if wanted["follow"] else HELD)

    is_all = heartbeats or output == "json" or any(wanted[name] for name in ("actor", "kind", "namespace", "name"))

    async def work() -> None:
        line, left_out = None, 0
        try:
            async for line in source.ask(Events(**wanted)):
                if is_all or not is_heartbeat(line):
                    printer.print(line)
                else:
                    left_out += 1
        finally:
            printer.flush()
        if line is None and output != "json":
            click.echo("No events found.", err=True)
        if left_out:
            click.echo(f"{counted(left_out, 'heartbeat is', 'heartbeats are')} not shown; --heartbeats shows them.", err=True)

    run(work)


def is_heartbeat(line: Any) -> bool:
    """Whether an event only says that a node lives."""
    is_of_lease = (line.resource, line.namespace) == (LEASES, OF_NODES)
    return line.fact == "Forgotten" or (is_of_lease and line.effect in ("", "modified"))


class Printer:
    """Prints lines, `held` of them in columns of one width. On a terminal a day is said once."""

    def __init__(self, *, json: bool, paper: Paper, held: int) -> None:
        self._json, self._paper, self._most = json, paper, held
        self._day, self._what = "", 0
        self._held: list[Any] = []
        self._timer: asyncio.TimerHandle | None = None

    def print(self, line: Any) -> None:
        if self._json:
            click.echo(json_line(line))
            return
        self._held.append(line)
        if len(self._held) >= self._most:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HELD_S, self.flush)

    def flush(self) -> None:
        """Print what is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._held:
            return
        held, self._held, begun = self._held, [], self._what > 0
        longest = max((len(line.what) for line in held if line.reason), default=0)
        self._what = max(self._what, min(max(longest, WHAT), self._widest()))
        if not begun:
            self._paper.line(heading(self._paper.terminal, self._what))
        for line in held:
            self._line(line)
        sys.stdout.flush()

    def _line(self, line: Any) -> None:
        time = clock(line.time)
        if self._paper.terminal and time[:10] != self._day:
            self._paper.line([(time[:10], DIM)])
        self._day = time[:10]
        self._paper.line(pieces_of(line, time[11:-1] if self._paper.terminal else time, self._what, self._paper.width))

    def _widest(self) -> int:
        """Of the column of what happened: where lines are cut the reason is to be seen too."""
        left = self._paper.width - sum(len(text) for text, _ in heading(self._paper.terminal, 0)) + len("WHAT  WHY")
        return max(left * 3 // 5, WHAT // 2) if self._paper.width else WIDEST


def heading(terminal: bool, width: int) -> list[Piece]:
    """`width`: of the column of what happened."""
    time = "TIME" + " " * (8 if terminal else 20)
    return [(f"{'REVISION':>8}  {time}  {'ACTOR':<{ACTOR}}  {'CAUSE':<{CAUSE}}  {'WHAT':<{width}}  WHY", DIM)]


def pieces_of(line: Any, time: str, column: int, width: int = 0) -> list[Piece]:
    """A line in its columns, what happened in `column` characters. Of one that would be longer than `width` that is cut, so
    that the reason is seen."""
    who, style = actor(line.actor)
    cause = str(line.cause) if line.cause is not None else "-"
    columns: list[Piece] = [
        (f"{line.revision:>8}  ", ""),
        (f"{time}  ", DIM),
        (f"{_within(who, ACTOR):<{ACTOR}}  ", style),
        (f"{cause:<{CAUSE}}  ", DIM),
    ]
    sentence = line.what
    if width and line.reason:
        left = width - sum(len(text) for text, _ in columns) - 2 - len(line.reason)
        sentence = _within(sentence, max(left, column))
    columns += what(f"{sentence:<{column}}" if line.reason else sentence, line.effect)
    return [*columns, (f"  {line.reason}", DIM)] if line.reason else columns


def _within(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}\N{HORIZONTAL ELLIPSIS}"
