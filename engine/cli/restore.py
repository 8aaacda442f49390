"""`shipslog restore FILE`: put a backup back.

Tests: tests/engine/cli/test_machine.py
"""

import asyncio
import shlex
from pathlib import Path

import click

from shipslog.engine.cli.shared.bar import bar
from shipslog.engine.cli.shared.options import data_option, default_data, fail, reason


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def command(file: Path, data: Path) -> None:
    """Put the cluster of a backup into the data directory, where no daemon may run. What was there is put aside, not removed.

    Pods that run on this machine are looked at by the next `up`: those that the backup knows are adopted, others are ended."""
    from shipslog.engine.backups import BackupError, restore
    from shipslog.store.log.event_log import LogBusy, LogError

    try:
        with bar() as progress:
            manifest, aside = asyncio.run(restore(file, data, progress=progress))
    except LogBusy as error:
        raise fail(f"{error} `shipslog down` stops a daemon; its pods go on running.") from error
    except (BackupError, LogError, OSError) as error:
        raise fail(reason(error)) from error
    click.echo(f"The cluster of {file} is in {data}: up to revision {manifest.revision}, as it was at {manifest.made}.")
    if aside is not None:
        click.echo(f"What was there is in {aside}; remove it when it is not needed any more.")
    here = "" if data == default_data() else f" --data {shlex.quote(str(data))}"
    click.echo(f"Start it: shipslog up --detach{here}")
