"""`shipslog show REVISION|KIND/NAME`: an event whole with what it changed, or an object as it was at a moment.

Tests: tests/engine/cli/test_reading.py
"""

from pathlib import Path
from typing import Any

import click
import msgspec

from shipslog.engine.cli.shared.paint import DIM, Paper, actor, clock, json_line, what, yaml_text
from shipslog.engine.cli.shared.source import choose, run, source_options


@click.command()
@click.argument("of", metavar="REVISION|KIND/NAME")
@click.option("--at", default="", metavar="MOMENT", help="Of an object: how it was then [default: at the log's end]")
@click.option("-n", "--namespace", help="Namespace of the object [default: whatever it is in]")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--show-secrets", is_flag=True, help="Print the values of Secrets too.")
@source_options
def command(
    of: str,
    at: str,
    namespace: str | None,
    output: str,
    show_secrets: bool,
    log_file: Path | None,
    kubeconfig: Path | None,
    data: Path,
) -> None:
    """One event whole: who, when, because of what, and its object with the difference to the one before. Or an object as it was
    at a moment: a revision, a time (2026-11-23T10:32:00Z, 10:32), -5m."""
    from shipslog.engine.chronicle.questions import AsOf, Show, as_revision

    revision = as_revision(of)
    question = (
        Show(revision=revision, show_secrets=show_secrets)
        if revision is not None
        else AsOf(of=of, namespace=namespace, at=at, show_secrets=show_secrets)
    )
    source = choose(log_file, kubeconfig, data)
    paper = Paper()

    async def work() -> None:
        async for answer in source.ask(question):
            if output == "json":
                click.echo(json_line(answer))
            elif revision is None:
                click.echo(yaml_text(answer), nl=False)
            else:
                _print(paper, answer)

    run(work)


def _print(paper: Paper, shown: Any) -> None:
    from shipslog.engine.chronicle.lines import asked_for
    from shipslog.engine.chronicle.secrecy import object_of
    from shipslog.engine.cli.shared.printed_differences import print_changes
    from shipslog.store.facts import ObjectFact

    line, event = shown.line, shown.event
    paper.line([(f"revision {line.revision}", "bold"), (f"  {clock(line.time)}  ", DIM), actor(line.actor)])
    paper.line(what(line.what.partition(": ")[0] if line.changes else line.what, line.effect))
    if line.cause is not None:
        paper.line([(f"because of revision {line.cause}" + (f": {line.reason}" if line.reason else ""), "")])
    elif line.reason and line.reason != asked_for(event.origin):
        paper.line([(line.reason, "")])
    if event.origin is not None:
        paper.line([(asked_for(event.origin), "")])
    if isinstance(event.fact, ObjectFact):
        if shown.previous is not None and line.changes:
            paper.line([(f"\u2014 against revision {shown.previous}:", DIM)])
            print_changes(paper, line.changes, indent=2)
        paper.line([("\u2014 the object:", DIM)])
        click.echo(yaml_text(object_of(event.fact)), nl=False)
        return
    paper.line([("\u2014 the fact:", DIM)])
    click.echo(yaml_text(msgspec.to_builtins(event.fact)), nl=False)
