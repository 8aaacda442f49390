"""`shipslog replay LOG`: serve a log file's past to stock kubectl, or verify it.

Tests: tests/engine/cli/test_reading.py
"""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipslog.engine.cli.shared.options import fail, reason
from shipslog.engine.cli.shared.paint import printable
from shipslog.store.wording import counted

from .shared import modules

if TYPE_CHECKING:
    from shipslog.reconcilers.rule.decision import Reconciler


@click.command()
@click.argument("log_file", metavar="LOG", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--at",
    "moment",
    default="",
    help="Revision, time (2026-11-23T10:32:00Z, 10:32), or how long before the end (-5m). Default: the end.",
)
@click.option("--verify", is_flag=True, help="Check every checksum and take every decision again; serve nothing.")
@click.option(
    "--reconcilers",
    "rules",
    metavar="MODULE:RULES",
    multiple=True,
    help="With --verify: rules of your own that ran on it, such as my_rules:ALL.",
)
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=6444, show_default=True, help="Port to serve on; 0 takes a free one.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), help="Where to write one [default: one that goes away]"
)
def command(
    log_file: Path, moment: str, verify: bool, rules: tuple[str, ...], bind: str, port: int, kubeconfig: Path | None
) -> None:
    """Read a log file alone, with no daemon behind it and without changing it.

    Serves it read-only: stock kubectl gets the cluster as it was at that moment. With --verify the moment says up to where
    decisions are taken again."""
    from shipslog.store.log.event_log import LogError
    from shipslog.store.refusals import Refusal

    if rules and not verify:
        raise fail("--reconcilers is for --verify, which takes the decisions of these rules again; nothing was read", 2)
    if kubeconfig is not None:
        from shipslog.engine.auth.kubeconfig import in_the_way

        if found := in_the_way(kubeconfig):
            raise fail(f"--kubeconfig {kubeconfig}: {found}, and would be lost. Name another file, or move this one away", 2)
    try:
        if verify:
            asyncio.run(_verify(log_file, moment, own(rules)))
        else:
            asyncio.run(_serve(log_file, moment, bind, port, kubeconfig))
    except (LogError, OSError, Refusal) as error:
        raise fail(printable(reason(error))) from error
    except KeyboardInterrupt:
        pass


def own(names: tuple[str, ...]) -> "list[Reconciler]":
    """The rules that are named: each a Reconciler, or several."""
    from shipslog.reconcilers.rule.decision import Reconciler

    found: list[Reconciler] = []
    for name in names:
        held = modules.load(name, "ALL", "a shipslog.Reconciler, or several,")
        held = [held] if isinstance(held, Reconciler) else list(held) if isinstance(held, list | tuple) else [held]
        for rule in held:
            if not isinstance(rule, Reconciler):
                raise fail(f"{name} holds a {type(rule).__name__}, which is no shipslog.Reconciler", 2)
        found += held
    return found


async def _verify(path: Path, moment: str, own_rules: "list[Reconciler]") -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from shipslog.engine.chronicle.wanted import moment_of
    from shipslog.engine.past.replay import verify
    from shipslog.engine.past.views import check
    from shipslog.reconcilers.every_rule import ALL
    from shipslog.store.log.sqlite import SqliteLog

    log = await SqliteLog.open(path, read_only=True)
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        until = await moment_of(log, moment) if moment else log.revision
        if moment:
            check(log, until)
        console = Console(stderr=True)
        with Progress(*columns, transient=True, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("Taking every decision again", total=until)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            result = await verify(log, [*ALL, *own_rules], progress, until=until)
    finally:
        await log.close()
    if result.difference is not None:
        raise fail(f"{path} does not replay.\n{result.difference}")
    took = time.monotonic() - started
    again = counted(result.decisions, "decision taken again, the same", "decisions taken again, all the same")
    again = again if result.decisions else "no decision was taken again"
    again = f"up to revision {until}, {again}" if moment else again
    click.echo(f"{path}: {counted(log.revision, 'event', 'events')}, every checksum holds; {again} ({took:.1f} s).")
    for line in result.skipped():
        click.echo(f"  not taken again: {printable(line)}")


async def _serve(path: Path, moment: str, bind: str, port: int, kubeconfig: Path | None) -> None:
    from shipslog.engine.daemon import serve_recording

    await serve_recording(path, moment, bind=bind, port=port, kubeconfig=kubeconfig, say=click.echo)
