"""`shipslog namespace`: which namespace a kubeconfig speaks of, and how to set it.

Tests: tests/engine/cli/retired/test_others.py
"""

import os
from pathlib import Path
from typing import Any

import click
import yaml

from shipslog.engine.cli.shared.options import fail, reason
from shipslog.engine.kinds import names

from .objects import kubeconfig_of


@click.command()
@click.argument("name", required=False, default="")
@click.option("--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), help="The file [default: $KUBECONFIG]")
def command(name: str, kubeconfig: Path | None) -> None:
    """Say which namespace requests are about, or set it, in the current context of a kubeconfig. kubectl reads it there too."""
    path = kubeconfig_of(kubeconfig)
    try:
        config = yaml.safe_load(path.read_text())
        context = _context(config, path)
        if not name:
            click.echo(f"Using namespace {context.get('namespace') or 'default'}")
            return
        if names.label(name):
            raise fail(f"{name!r} is no name of a namespace: small letters, digits and '-' are, 63 at most", 2)
        context["namespace"] = name
        draft = path.with_name(path.name + ".new")
        with open(draft, "w", opener=lambda file, flags: os.open(file, flags, path.stat().st_mode & 0o777)) as file:
            yaml.safe_dump(config, file, sort_keys=False)
        draft.replace(path)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise fail(reason(error)) from error
    click.echo(f"Set current namespace to {name}")


def _context(config: Any, path: Path) -> dict[str, Any]:
    """Errors: ValueError."""
    if isinstance(config, dict) and config.get("kind") == "Config":
        contexts = config.get("contexts")
        for item in contexts if isinstance(contexts, list) else ():
            if (
                isinstance(item, dict)
                and item.get("name") == config.get("current-context")
                and isinstance(item.get("context"), dict)
            ):
                found: dict[str, Any] = item["context"]
                return found
    raise ValueError(f"{path} is no kubeconfig with a current context; kubectl config use-context sets one")
