"""`shipslog history KIND/NAME`: each change of one object, who made it, why, and its diff."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import click
import msgspec

from .settings import data_option, fail


@click.command()
@click.argument("target", metavar="KIND/NAME")
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of the object.")
@click.option("--log", "log_file", type=click.Path(path_type=Path, dir_okay=False), help="A log file, instead of --data's.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--show-secrets", is_flag=True, help="Print the values of Secrets too.")
@data_option
def command(target: str, namespace: str, log_file: Path | None, output: str, show_secrets: bool, data: Path) -> None:
    """Each change of one object: its revision and time, who made it, why, and what it changed.

    Works beside a running daemon and on a log file alone."""
    from shipslog.store.log.event_log import LogError

    kind_name, slash, name = target.partition("/")
    if not slash or not name:
        raise fail(f"{target!r}: name the object as KIND/NAME, for example pod/web", 2)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    try:
        found = asyncio.run(_tell(log_file or data / "cluster.db", kind_name, namespace, name, output, show_secrets))
    except (LogError, ValueError, OSError) as error:
        raise fail(str(error)) from error
    if not found:
        raise fail(f"the log knows no {kind_name} {name!r} in namespace {namespace!r}")


async def _tell(path: Path, kind_name: str, namespace: str, name: str, output: str, show_secrets: bool) -> bool:
    from shipslog.engine.pasts import load
    from shipslog.engine.replay import history
    from shipslog.store.log.sqlite import SqliteLog
    from shipslog.store.objects.builtin import BUILTIN

    log = await SqliteLog.open(path, read_only=True)
    found = False
    try:
        try:
            kind = BUILTIN.named(kind_name)
        except ValueError:  # perhaps one that was defined on this log
            kind = (await load(log)).scheme.named(kind_name)
        space = namespace if kind.namespaced else ""
        async for chapter in history(log, kind.resource, space, name, show_secrets=show_secrets):
            found = True
            if output == "json":
                click.echo(msgspec.json.encode(chapter).decode())
            else:
                _print(chapter)
    finally:
        await log.close()
    return found


COLOURS = {"created": "green", "modified": "yellow", "deleted": "red"}


def _print(chapter: Any) -> None:
    from shipslog.store.objects.times import api_time

    event = chapter.event
    head = f"{event.revision:>8}  {api_time(event.time_ns)}  {chapter.effect:<8}  {event.actor}"
    click.secho(head, fg=COLOURS[chapter.effect], bold=True)
    if event.cause is not None:
        click.echo(f"{'':10}because of revision {event.cause}" + (f": {chapter.reason}" if chapter.reason else ""))
    if event.origin is not None:
        click.echo(f"{'':10}{_asked(event.origin)}")
    for path, before, after in chapter.changes:
        if before is None:
            click.echo(f"{'':10}{path}: " + click.style(f"+ {_short(after)}", fg="green"))
        elif after is None:
            click.echo(f"{'':10}{path}: " + click.style(f"- {_short(before)}", fg="red"))
        else:
            click.echo(f"{'':10}{path}: {click.style(_short(before), fg='red')} -> {click.style(_short(after), fg='green')}")


def _asked(origin: Any) -> str:
    """`asked for: create eviction, by kubectl/v1.37.0 at 10.0.0.7, impersonated by system:admin`"""
    parts = [f"{origin.verb} {origin.subresource}".strip()]
    where = f" at {origin.address}" if origin.address else ""
    if origin.user_agent or where:
        parts.append(f"by {origin.user_agent or 'a client without a name'}{where}")
    if origin.impersonator:
        parts.append(f"impersonated by {origin.impersonator}")
    said = "asked for: " + ", ".join(parts)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)  # clients choose their names


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 160 else text[:157] + "..."
