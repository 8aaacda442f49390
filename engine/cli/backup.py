"""`shipslog backup FILE`: the whole cluster into one file, while it runs.

Tests: tests/engine/cli/test_machine.py
"""

import asyncio
from pathlib import Path

import click

from shipslog.engine.cli.shared.bar import bar
from shipslog.engine.cli.shared.options import data_option, fail, needs_directory, reason


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--only-log", is_flag=True, help="The log alone, for `shipslog log FILE` and `replay` elsewhere.")
@data_option
def command(file: Path, only_log: bool, data: Path) -> None:
    """Write the log, what the cluster is, and its keys into FILE, as they are at one moment; the cluster goes on meanwhile.

    Every checksum of the copy is checked. `shipslog restore` puts it back. Images, and what pods have written on this machine,
    are not in it."""
    from shipslog import __version__
    from shipslog.engine.backups import LOG, BackupError, back_up, copy_log
    from shipslog.store.log.event_log import LogError

    needs_directory(file)
    try:
        if only_log:
            with bar() as progress:
                revision = asyncio.run(copy_log(data / LOG, file, progress=progress))
        else:
            with bar() as progress:
                revision = asyncio.run(back_up(data, file, version=__version__, progress=progress)).revision
    except (BackupError, LogError, OSError) as error:
        raise fail(reason(error)) from error
    what = "The log" if only_log else "The cluster"
    click.echo(f"{what} is in {file} up to revision {revision} ({file.stat().st_size} bytes).")
    click.echo("Its Secrets are in there" + ("." if only_log else ", and its keys: keep it as you keep those."))
