"""`shipslog log [FILE]`: the log itself, one line an event."""

import sys
from pathlib import Path
from typing import Any

import click

from .paint import DIM, Paper, Piece, actor, clock, what
from .source import choose, run, server_options

ACTOR, CAUSE, WHAT = 26, 7, 44  # columns


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
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on.")
@click.option("-o", "--output", type=click.Choice(["text", "wide", "json"]), default="text", show_default=True)
@click.option("--show-secrets", is_flag=True, help="Print the values of Secrets too.")
@server_options
def command(log_file: Path | None, kubeconfig: Path | None, data: Path, output: str, **wanted: Any) -> None:
    """The log, one line an event: its revision and time, who did it, the revision that caused it, what happened, and why.

    FILE is a log file. Without one it is read from --data's, or under the rights of the caller from the server of a kubeconfig.
    Filters may be put together; those that are about kinds and names also find decisions and what nodes report. On a terminal
    lines are cut: -o wide prints all of them."""
    from shipslog.engine.chronicle.questions import Events

    source = choose(log_file, kubeconfig, data)
    printer = Printer(json=output == "json", paper=Paper(cut=output == "text"))

    async def work() -> None:
        line = None
        async for line in source.ask(Events(**wanted)):
            printer.print(line)
            if wanted["follow"]:
                sys.stdout.flush()
        if line is None and output != "json":
            click.echo("No events found.", err=True)

    run(work)


class Printer:
    """Prints lines. On a terminal a day is said once."""

    def __init__(self, *, json: bool, paper: Paper) -> None:
        self._json, self._paper = json, paper
        self._day = ""

    def print(self, line: Any) -> None:
        if self._json:
            import msgspec

            click.echo(msgspec.json.encode(line).decode())
            return
        if not self._day:
            self._paper.line(heading(self._paper.terminal))
        time = clock(line.time)
        if self._paper.terminal and time[:10] != self._day:
            self._paper.line([(time[:10], DIM)])
        self._day = time[:10]
        self._paper.line(pieces_of(line, time[11:-1] if self._paper.terminal else time, self._paper.width))


def heading(terminal: bool) -> list[Piece]:
    time = "TIME" + " " * (8 if terminal else 20)
    return [(f"{'REVISION':>8}  {time}  {'ACTOR':<{ACTOR}}  {'CAUSE':<{CAUSE}}  {'WHAT':<{WHAT}}  WHY", DIM)]


def pieces_of(line: Any, time: str, width: int = 0) -> list[Piece]:
    """A line in its columns. Of one that would be longer than `width` both last columns are cut, so that both are seen."""
    who, style = actor(line.actor)
    cause = str(line.cause) if line.cause is not None else "-"
    columns: list[Piece] = [
        (f"{line.revision:>8}  ", ""),
        (f"{time}  ", DIM),
        (f"{_within(who, ACTOR):<{ACTOR}}  ", style),
        (f"{cause:<{CAUSE}}  ", DIM),
    ]
    said, left = line.what, width - sum(len(text) for text, _ in columns)
    if width and line.reason and len(said) + len(line.reason) + 2 > left:
        said = _within(said, max(left - 2 - len(line.reason), left * 3 // 5, WHAT // 2))
    columns += what(f"{said:<{WHAT}}" if not width or left > 2 * WHAT - 20 else said, line.effect)
    return [*columns, (f"  {line.reason}", DIM)] if line.reason else columns


def _within(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}\N{HORIZONTAL ELLIPSIS}"
