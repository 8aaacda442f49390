"""`shipslog update`: put objects in the place of those that are there, or change one by a patch.

Tests: tests/engine/cli/retired/test_others.py
"""

from pathlib import Path

import click
import msgspec
import yaml

from shipslog.engine.cli.shared.options import fail
from shipslog.store.objects.builtin import BUILTIN

from . import objects
from .objects import Objects, named


@click.command()
@click.argument("kind_name", metavar="[KIND]", required=False, default="")
@click.argument("name", metavar="[NAME]", required=False, default="")
@click.option("-f", "--filename", default="", metavar="FILE", help="The objects as they shall be; - for standard input.")
@click.option("--patch", default="", metavar="JSON", help="What shall be otherwise, of KIND NAME.")
@objects.options
def command(kind_name: str, name: str, filename: str, patch: str, namespace: str, kubeconfig: Path | None) -> None:
    """Put the objects of a file in the place of those that are there: update -f FILE.

    Or change one: update KIND NAME --patch=JSON."""
    if bool(filename) == bool(patch) or bool(patch) != bool(name):
        raise fail("give either -f FILE, or KIND NAME --patch=JSON", 2)
    there = Objects.of(kubeconfig, namespace)

    def work() -> None:
        if filename:
            for kind, value in objects.read_manifest(filename):
                there.replace(kind, value)
                click.echo(f"{named(kind, value['metadata']['name'])} updated")
            return
        try:
            change = yaml.safe_load(patch)
        except yaml.YAMLError as error:
            raise ValueError(f"--patch is no JSON: {error}") from error
        if not isinstance(change, dict):
            raise ValueError(f"--patch {patch!r}: give an object, for example {msgspec.json.encode({'spec': {}}).decode()}")
        kind = BUILTIN.named(kind_name)
        there.patch(kind, name, change)
        click.echo(f"{named(kind, name)} updated")

    objects.reporting(work)
