"""`shipslog version`."""

import platform

import click


@click.command()
def command() -> None:
    """Print the version, and what API it speaks."""
    from shipslog import __version__
    from shipslog.engine.api.server_info.release import MAJOR, MINOR

    click.echo(f"shipslog {__version__} (Kubernetes API {MAJOR}.{MINOR}), Python {platform.python_version()}")
