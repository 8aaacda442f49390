"""`shipslog run`: an image as a ReplicationController, as kubectl made it of old.

Tests: tests/engine/cli/retired/test_others.py
"""

from pathlib import Path

import click
import yaml

from shipslog.engine.cli.shared.options import fail

from . import objects
from .objects import CONTROLLER, Objects, Value, named


@click.command()
@click.argument("name")
@click.argument("args", nargs=-1)
@click.option("--image", required=True, help="The image that its containers run.")
@click.option("-r", "--replicas", default=1, show_default=True, help="How many pods.")
@click.option("--port", type=int, default=0, help="The port that the container listens on.")
@click.option("-l", "--labels", default="", metavar="KEY=VALUE,...", help="Labels [default: run=NAME]")
@click.option("--env", multiple=True, metavar="KEY=VALUE", help="A variable of its environment; again for more.")
@click.option("--command", "as_command", is_flag=True, help="What stands after -- is the command, not its arguments.")
@click.option("--dry-run", is_flag=True, help="Only print what would be made.")
@objects.options
def command(
    name: str,
    args: tuple[str, ...],
    image: str,
    replicas: int,
    port: int,
    labels: str,
    env: tuple[str, ...],
    as_command: bool,
    dry_run: bool,
    namespace: str,
    kubeconfig: Path | None,
) -> None:
    """Run an image as a ReplicationController: run NAME --image=IMAGE [-- ARGUMENTS...]. Today's kubectl makes a single pod."""
    pairs = _pairs(labels.split(",") if labels else [f"run={name}"], "--labels")
    container: Value = {"name": name, "image": image}
    if port:
        container["ports"] = [{"containerPort": port}]
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in _pairs(env, "--env").items()]
    if args:
        container["command" if as_command else "args"] = list(args)
    template = {"metadata": {"labels": pairs}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": pairs, "template": template}
    made = {"kind": "ReplicationController", "apiVersion": "v1", "metadata": {"name": name, "labels": pairs}, "spec": spec}
    if dry_run:
        click.echo(yaml.safe_dump(made, sort_keys=False), nl=False)
        return
    there = Objects.of(kubeconfig, namespace)

    def work() -> None:
        there.create(CONTROLLER, made)
        click.echo(f"{named(CONTROLLER, name)} created")

    objects.reporting(work)


def _pairs(texts: "list[str] | tuple[str, ...]", option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise fail(f"{option} {text!r}: give KEY=VALUE", 2)
        found[key] = value
    return found
