"""`shipslog config`: what a data directory keeps of its cluster.

Tests: tests/engine/cli/test_machine.py
"""

from pathlib import Path

import click
import msgspec

from shipslog.engine.cli.shared.options import data_option, fail
from shipslog.engine.cli.shared.paint import json_line


@click.command()
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@data_option
def command(output: str, data: Path) -> None:
    """What the cluster of a data directory is, under the names of `up`'s options. A later `up` begins the same one.

    What is marked as fixed cannot change, the rest with `up --reconfigure`."""
    from shipslog.engine.settings import FIXED, KEPT_IN, BadSettings, kept_in

    try:
        kept = kept_in(data)
    except BadSettings as error:
        raise fail(str(error)) from error
    if kept is None:
        raise fail(f"{data / KEPT_IN} is not there: no cluster was started in {data}")
    values = {name.replace("_", "-"): value for name, value in msgspec.to_builtins(kept).items()}
    if output == "json":
        click.echo(json_line(values))
        return
    for name, value in values.items():
        why = FIXED.get(name.replace("-", "_"))
        click.echo(f"{name}: {json_line(value)}" + (f"  # fixed: {why}" if why else ""))
