"""`shipslog version`."""

import platform

import click


@click.command()
def command() -> None:
    """Print the version, and what API it speaks."""
    from shipslog.engine.cluster import VERSION

    click.echo(f"shipslog {VERSION} (Kubernetes API 1.32), Python {platform.python_version()}")
