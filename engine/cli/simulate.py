"""`shipslog simulate`: worlds full of faults, each under its own seed.

Tests: tests/engine/testing/simulation/test_scenario.py
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import click

from shipslog.engine.cli.shared.options import fail
from shipslog.store.wording import counted

from .shared import modules

if TYPE_CHECKING:
    from shipslog.engine.testing.simulation.world import Outcome, Scenario


@click.command()
@click.argument("scenario", metavar="[MODULE:SCENARIO]", default="")
@click.option("--seed", default=1, show_default=True, help="The first seed.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1), help="How many; of a single one all is told.")
@click.option("--processes", type=click.IntRange(1), help="At the same time [default: one for each core]")
def command(scenario: str, seed: int, seeds: int, processes: int | None) -> None:
    """Run engine, rules and clients in virtual time while the engine is killed, the disk fills and tears, commands are lost and
    nodes go; then see that all settles and that no promise was broken. The same seed is the same world.

    MODULE:SCENARIO names a shipslog.testing.Scenario with rules, a client and promises of your own, such as
    `my_rules:SCENARIO`; the module is looked for from where you are."""
    load(scenario)  # before anything else: a wrong name is said once
    if seeds == 1:
        from shipslog.engine.testing.simulation.world import simulate

        try:
            click.echo(summary(simulate(seed, click.echo, load(scenario))))
        except AssertionError as error:
            raise fail(f"seed {seed}: {error}") from error
        return
    began, broken = time.monotonic(), 0
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        for number, (tried, line, failure) in enumerate(pool.map(partial(attempt, scenario), range(seed, seed + seeds)), 1):
            if failure:
                broken += 1
                click.echo(f"\r\x1b[Kseed {tried}: {failure}" if sys.stderr.isatty() else f"seed {tried}: {failure}", err=True)
            if sys.stderr.isatty():
                click.echo(f"\r[{number}/{seeds}] {time.monotonic() - began:5.1f} s  {line}\x1b[K", err=True, nl=False)
    if sys.stderr.isatty():
        click.echo("", err=True)
    if broken:
        tried_all = counted(seeds, "seed", "seeds")
        raise fail(f"{broken} of {tried_all} broke a promise. See one again, step by step: shipslog simulate --seed SEED")
    click.echo(f"{counted(seeds, 'world', 'worlds')} came out well ({time.monotonic() - began:.1f} s).")


def load(name: str) -> "Scenario":
    """The scenario that is meant; an empty one for "". Errors: ClickException, saying what is not there."""
    from shipslog.engine.testing.simulation.world import EMPTY, Scenario

    if not name:
        return EMPTY
    found = modules.load(name, "SCENARIO", "a shipslog.testing.Scenario")
    if not isinstance(found, Scenario):
        raise fail(f"{name} is a {type(found).__name__} and no shipslog.testing.Scenario", 2)
    return found


def attempt(scenario: str, seed: int) -> tuple[int, str, str]:
    """-> the seed, what it came to, what broke"""
    from shipslog.engine.testing.simulation.world import simulate

    try:
        return seed, summary(simulate(seed, scenario=load(scenario))), ""
    except Exception as error:
        return seed, "", f"{type(error).__name__}: {str(error)[:400]}"


def summary(outcome: "Outcome") -> str:
    """An outcome in a line."""
    engines, snapshots = counted(outcome.lives, "engine", "engines"), counted(outcome.snapshots, "snapshot", "snapshots")
    return (
        f"seed {outcome.seed}: {outcome.events} events, {engines}, {outcome.acknowledged} acknowledged, "
        f"{outcome.refused} refused, {outcome.decisions} decisions taken again the same, {snapshots}, "
        f"{outcome.virtual_s:.0f} virtual seconds"
    )
