"""`shipslog export FILE`: a copy of the log for others to read.

Tests: tests/engine/test_redaction.py
"""

import asyncio
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipslog.engine.cli.shared.bar import bar
from shipslog.engine.cli.shared.options import data_option, fail, needs_directory, reason

if TYPE_CHECKING:
    from shipslog.engine.redaction import Exported


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--redact", is_flag=True, help="Without secrets: values of Secrets, of environment variables, keys, tokens, passwords."
)
@click.option(
    "--log", "log_file", type=click.Path(path_type=Path, dir_okay=False), help="A log file, instead of the cluster's."
)
@data_option
def command(file: Path, redact: bool, log_file: Path | None, data: Path) -> None:
    """Write a copy of the log into FILE, also while the cluster runs; `shipslog log FILE` and `replay` read it anywhere.

    With --redact it can be shown to others: a mark stands for each value of a Secret, wherever it stands, and of a container's
    environment, for private keys and tokens, and for what is called a password. Names, images, commands, ConfigMaps, users and
    addresses stay. The copy has checksums of its own, which hold; its decisions are
    not taken again by `replay --verify`, since they were taken on what is not in there any more."""
    from shipslog.engine import redaction
    from shipslog.engine.backups import BackupError, copy_log
    from shipslog.store.log.event_log import LogError

    needs_directory(file)
    source = log_file or data / "cluster.db"
    try:
        if redact:
            with bar() as progress:
                exported = asyncio.run(redaction.export(source, file, progress=progress))
            revision = exported.revision
            note = "\n".join((*_taken(exported), "Look into it before you send it."))
        else:
            with bar() as progress:
                revision = asyncio.run(copy_log(source, file, progress=progress))
            note = "Its Secrets are in there: --redact leaves them out."
    except (BackupError, LogError, OSError, sqlite3.Error) as error:
        raise fail(reason(error)) from error
    click.echo(f"The log is in {file} up to revision {revision} ({file.stat().st_size} bytes). {note}")


def _taken(exported: "Exported") -> list[str]:
    """How many values were taken out, by what they were: a line each."""
    if not exported.values:
        return ["No secret was found."]
    lines = [f"Marks stand in {exported.events} of its events, for"]
    width = len(str(max(exported.values.values())))
    return [*lines, *(f"  {number:>{width}} x {what}" for what, number in sorted(exported.values.items()))]
