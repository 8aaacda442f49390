"""`shipslog history KIND/NAME`: each change of one object, who made it, why, and its diff; or which objects are gone.

Tests: tests/engine/cli/test_reading.py
"""

import sys
from pathlib import Path
from typing import Any

import click

from shipslog.engine.cli.shared.options import fail
from shipslog.engine.cli.shared.paint import DIM, EFFECTS, Paper, actor, json_line
from shipslog.engine.cli.shared.printed_differences import print_changes
from shipslog.engine.cli.shared.source import choose, run, source_options


@click.command()
@click.argument("target", metavar="KIND/NAME", default="")
@click.option("-n", "--namespace", help="Namespace of the object [default: whatever it is in]")
@click.option("--since", default="", metavar="MOMENT", help="From a revision, a time (2026-11-23T10:32:00Z, 10:32) or -5m on.")
@click.option("--spec", is_flag=True, help="Only what changed more than the status.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on.")
@click.option("--deleted", is_flag=True, help="List the objects that are gone, of all kinds or of KIND.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--show-secrets", is_flag=True, help="Print the values of Secrets too.")
@source_options
def command(
    target: str,
    namespace: str | None,
    deleted: bool,
    output: str,
    log_file: Path | None,
    kubeconfig: Path | None,
    data: Path,
    **options: Any,
) -> None:
    """Each change of one object: its revision and time, who made it, why, and what it changed.

    Works beside a running daemon, on a log file alone, and over a server under the caller's rights."""
    from shipslog.engine.chronicle.questions import Deleted, History, Question

    question: Question
    if deleted:
        question = Deleted(kind=target, namespace=namespace or "", since=options["since"])
    elif not target:
        raise fail("name the object as KIND/NAME, for example pod/web; or list with --deleted what is gone", 2)
    else:
        question = History(of=target, namespace=namespace, **options)
    source = choose(log_file, kubeconfig, data)
    printer = Printer(Paper())

    async def work() -> None:
        answer = None
        async for answer in source.ask(question):
            if output == "json":
                click.echo(json_line(answer))
            elif deleted:
                printer.gone(answer)
            else:
                printer.chapter(answer)
            if options["follow"]:
                sys.stdout.flush()
        if answer is None and output != "json":
            click.echo("Nothing was deleted." if deleted else "No changes found.", err=True)

    run(work)


class Printer:
    """Prints chapters, and lines about what is gone. The object is named before its first chapter."""

    def __init__(self, paper: Paper) -> None:
        self._paper, self._named = paper, ""

    def chapter(self, chapter: Any) -> None:
        from shipslog.engine.chronicle.lines import asked_for
        from shipslog.engine.chronicle.subjects import Subject
        from shipslog.store.objects.values.times import api_time

        paper, event = self._paper, chapter.event
        named = str(Subject(event.fact.resource, event.fact.namespace, event.fact.name))
        if named != self._named:
            paper.line([(named, "bold")])
            self._named = named
        head = f"{event.revision:>8}  {api_time(event.time_ns)}  "
        who = [actor(event.actor)]
        if chapter.marked is not None:
            who.append((f"  (marked for deletion by {chapter.marked_by} at {chapter.marked})", ""))
        paper.line([(head, ""), (f"{chapter.effect:<8}  ", EFFECTS[chapter.effect]), *who])
        if event.cause is not None:
            paper.line([(f"{'':10}because of revision {event.cause}" + (f": {chapter.reason}" if chapter.reason else ""), "")])
        if event.origin is not None:
            paper.line([(f"{'':10}{asked_for(event.origin)}", "")])
        if chapter.summary:
            paper.line([(f"{'':10}{chapter.summary}", "bold")])
        changes = chapter.changes
        if chapter.summary:
            changes = [change for change in changes if not change[0].startswith(("subsets", "endpoints"))]
        print_changes(paper, changes)

    def gone(self, gone: Any) -> None:
        from shipslog.engine.chronicle.subjects import Subject
        from shipslog.store.objects.values.times import api_time

        if not self._named:
            self._named = f"{'REVISION':>8}  {'CREATED':<20}  {'DELETED':<20}  {'BY':<26}  OBJECT"
            self._paper.line([(self._named, DIM)])
        who, style = actor(gone.actor)
        subject = Subject(gone.resource, gone.namespace, gone.name)
        times = f"{api_time(gone.created_ns):<20}  {api_time(gone.deleted_ns):<20}"
        pieces = [(f"{gone.revision:>8}  {times}  ", ""), (f"{who:<26}  ", style), (str(subject), "")]
        self._paper.line([*pieces, (f"  {gone.reason}" if gone.reason else "", DIM)])
