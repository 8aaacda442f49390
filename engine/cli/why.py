"""`shipslog why REVISION|KIND/NAME`: the chain of causes back to a person's request.

Tests: tests/engine/cli/test_reading.py
"""

from pathlib import Path
from typing import Any

import click

from shipslog.engine.cli.shared.paint import DIM, Paper, Piece, actor, clock, json_line, what
from shipslog.engine.cli.shared.source import choose, run, source_options
from shipslog.store.wording import counted


@click.command()
@click.argument("of", metavar="REVISION|KIND/NAME")
@click.option("-n", "--namespace", help="Namespace of the object [default: whatever it is in]")
@click.option("--all", "whole", is_flag=True, help="All steps of a long chain.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@source_options
def command(
    of: str, namespace: str | None, whole: bool, output: str, log_file: Path | None, kubeconfig: Path | None, data: Path
) -> None:
    """Why an event happened: what caused it, and what caused that, back to a person's request; through objects of other kinds,
    decisions, and what nodes report. Of an object: why it is there, why it was deleted, and its last change."""
    from shipslog.engine.chronicle.questions import Why

    source = choose(log_file, kubeconfig, data)
    paper = Paper()

    async def work() -> None:
        steps = [step async for step in source.ask(Why(of=of, namespace=namespace, whole=whole))]
        if output == "json":
            for step in steps:
                click.echo(json_line(step))
            return
        print_tree(paper, steps)

    run(work)


def print_tree(paper: Paper, steps: list[Any]) -> None:
    """Causes above, what came of them below; a branch is set in by one column."""
    depths = {step.line.revision: step.depth for step in steps}
    for i, step in enumerate(steps):
        parent, depth = depths.get(step.parent, 0), step.depth
        follows = i + 1 < len(steps) and steps[i + 1].parent is not None
        below = steps[i + 1].depth if follows else 0
        branch = "│ " * (depth - 1) + "├─" if depth > parent and step.parent is not None else "│ " * depth
        if step.parent is None and i:
            paper.line([])
        if step.left_out:
            more = counted(step.left_out, "step more: --all shows it", "steps more: --all shows them")
            paper.line([(f"{'│ ' * depth}┊ {more}", DIM)])
        paper.line([(branch, DIM), ("● ", "bold" if step.asked else DIM), *_pieces(step)])
        margin = "│ " * depth + ("│ " if follows and below >= depth else "  ")
        for text in filter(None, (step.line.reason, step.implied)):
            paper.line([(margin, DIM), (f"{'':8}{text}", DIM)])


def _pieces(step: Any) -> list[Piece]:
    line = step.line
    pieces: list[Piece] = [(f"{line.revision:<6}  ", ""), (f"{clock(line.time)}  ", DIM), actor(line.actor), ("  ", "")]
    pieces += what(line.what, line.effect)
    return [*pieces, (f"  <- {step.asked}", "bold")] if step.asked else pieces
