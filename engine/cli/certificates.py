"""`shipslog certificates`: until when they are valid, and when they are made anew.

Tests: tests/engine/cli/test_machine.py
"""

import datetime
from pathlib import Path

import click

from shipslog.engine.cli.shared.options import data_option, fail
from shipslog.engine.cli.shared.paint import DIM, Paper, json_line

SOON_DAYS = 30


@click.command()
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@data_option
def command(output: str, data: Path) -> None:
    """The cluster's certificates: for whom, from when to when, and when the daemon makes them anew by itself."""
    from shipslog.engine.auth.validity import validities

    try:
        found = validities(data / "pki")
    except (OSError, ValueError) as error:
        raise fail(str(error)) from error
    if not found:
        raise fail(f"there are no certificates in {data / 'pki'}: no cluster was started there")
    if output == "json":
        for one in found:
            click.echo(json_line(one))
        return
    paper, now = Paper(), datetime.datetime.now(datetime.UTC)
    paper.line([(f"{'FILE':<12}{'ENDS':<22}{'DAYS':>6}  {'RENEWED FROM':<22}SUBJECT", DIM)])
    for one in found:
        days = one.days_left(now)
        style = "bold red" if days < 0 else "yellow" if days < SOON_DAYS else ""
        renews = f"{one.renews:%Y-%m-%dT%H:%M:%SZ}" if one.renews is not None else "never"
        ends = f"{one.ends:%Y-%m-%dT%H:%M:%SZ}"
        paper.line([(f"{one.file:<12}{ends:<22}", ""), (f"{days:>6}", style), (f"  {renews:<22}{one.subject}", "")])
        if one.names:
            paper.line([(f"{'':12}{', '.join(one.names)}", DIM)])
