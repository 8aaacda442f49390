"""`shipslog image`: build, import, list and remove the images of this machine's node.

Tests: tests/engine/cli/test_wrong_input.py, tests/e2e/test_command_line.py
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from shipslog.engine.cli.shared.options import data_option, fail, make_private
from shipslog.runtime.containers.oci.images_in_use import images_used
from shipslog.runtime.images.documents import Image
from shipslog.runtime.images.store import ImageStore, PullFailed
from shipslog.runtime.machine import trees
from shipslog.runtime.machine.environment import mapped_ids
from shipslog.runtime.rootless.namespace import Unavailable, take_user_namespace


@contextmanager
def _store(data: Path) -> Iterator[ImageStore]:
    """The store of the node. What had to be made for it goes again if there is no image in it at the end.

    Without root this process moves into a user namespace like the node's, to own files of others."""
    images = data / "node" / "images"
    made = [path for path in (images, *images.parents) if not path.exists()]
    try:
        make_private(data)
        ids = None
        if os.geteuid() != 0:
            take_user_namespace()
            ids = mapped_ids()
        store = ImageStore(images, ids=ids, used=lambda: {use.image_id for use in images_used(data / "node" / "pods")})
        store.open_for_guests()
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}") from error
    except Unavailable as error:
        raise fail(str(error)) from error
    try:
        yield store
    finally:
        if images in made and not store.list():
            trees.remove(images)
            with suppress(OSError):  # somebody else has begun something in one of them
                for path in made[1:]:
                    path.rmdir()


@click.group()
def command() -> None:
    """Build, import and list the images of this machine. A running daemon sees them at once."""


@command.command()
@click.argument("what")
@click.option("--tag", "-t", default="", metavar="NAME", help="Name of the image, for a directory.")
@click.option("--cmd", default="", metavar="'PROGRAM ARG...'", help="What it runs, for a directory.")
@data_option
def build(what: str, tag: str, cmd: str, data: Path) -> None:
    """Build a recipe of ours (guestbook), or an image of one layer from the directory WHAT."""
    from shipslog.runtime.images import closure, recipes

    if what in recipes.RECIPES:
        try:
            with _store(data) as store:
                _table(recipes.build(what, store, click.echo))
        except closure.ProgramMissing as error:
            raise fail(str(error)) from error
        return
    root = Path(what)
    if not root.is_dir():
        raise fail(f"{what} is neither a directory nor one of our recipes ({', '.join(recipes.RECIPES)})")
    if not tag:
        raise fail("give the image a name: --tag NAME")
    try:
        with _store(data) as store:
            _table([store.add(tag, root, {"Cmd": cmd.split()} if cmd else {})])
    except (ValueError, OSError) as error:
        raise fail(str(error)) from error


@command.command("import")
@click.argument("archive", type=click.Path(exists=True, path_type=Path))
@click.option("--tag", "-t", default="", metavar="NAME", help="Name of the image, if the archive has none.")
@data_option
def import_(archive: Path, tag: str, data: Path) -> None:
    """Import an image from an OCI or docker archive (`docker save`), or from an OCI layout directory."""
    click.echo(f"Importing {archive} ...", err=True)
    try:
        with _store(data) as store:
            _table([store.import_archive(archive, tag)])
    except PullFailed as error:
        raise fail(str(error)) from error


@command.command("list")
@data_option
def list_(data: Path) -> None:
    """List the images."""
    with _store(data) as store:
        _table(store.list())
        for name, why in sorted(store.broken.items()):
            click.echo(f"not usable: {name}: {why}", err=True)


@command.command()
@click.argument("name")
@click.option("--force", "-f", is_flag=True, help="Also one that pods use; what they use of it stays until they are gone.")
@data_option
def remove(name: str, force: bool, data: Path) -> None:
    """Remove an image. One that pods use is left: they could not be started again."""
    try:
        with _store(data) as store:
            image = store.get(name)
            if image is None:
                raise fail(f"there is no image {name!r}; `shipslog image list` shows what there is")
            uses = images_used(data / "node" / "pods")
            pods = sorted({use.pod for use in uses if image.image_id == use.image_id or image.name == use.image})
            if pods and not force:
                raise fail(
                    f"{image.name} is used by {_some(pods)}. It was left: they could not be started again. Delete them first, "
                    "or say --force."
                )
            store.remove(name)
    except (ValueError, OSError) as error:
        raise fail(str(error)) from error
    click.echo(f"removed {image.name}")


def _some(pods: list[str]) -> str:
    more = f" and {len(pods) - 3} more" if len(pods) > 3 else ""
    return f"pod{'s' if len(pods) > 1 else ''} {', '.join(pods[:3])}{more}"


def _table(images: "list[Image] | tuple[Image, ...]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("IMAGE", "ID", "SIZE", "FROM"):
        table.add_column(column, justify="right" if column == "SIZE" else "left", no_wrap=True)
    for image in images:
        size = f"{image.size_bytes / 1_000_000:.1f} MB"
        table.add_row(image.name, image.image_id.removeprefix("sha256:")[:12], size, "here" if image.local else "registry")
    console = Console(width=None if os.isatty(1) else 160)
    console.print(table)
