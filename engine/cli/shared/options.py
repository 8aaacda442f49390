"""Where things are when nobody says: the data directory, and what a running daemon leaves there for the other commands.

Tests: tests/engine/cli/test_machine.py, tests/engine/cli/test_wrong_input.py
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import click
import msgspec

from shipslog.store.log.writer_lock import holder, writer_lives

from .paint import printable


class Daemon(msgspec.Struct, frozen=True, kw_only=True):
    """DATA/daemon.json: how to reach the daemon that holds this data directory."""

    pid: int
    server: str
    kubeconfig: str
    runtime: str
    node: str
    log_file: str = ""


LEFT_BEHIND = "left-behind"  # DATA/left-behind: what a daemon could not end when it was to end its pods, a line each


def default_data() -> Path:
    """/var/lib/shipslog for root, else the user's data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/shipslog")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "shipslog"


def kubeconfig_of_environment() -> Path | None:
    """The file that $KUBECONFIG names; of several, as kubectl takes them, the first that is there. None where it names none."""
    named = [Path(one) for one in os.environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    return next((one for one in named if one.exists()), named[0] if named else None)


def make_private(data: Path) -> None:
    """The data directory, if there is none yet: for its owner only. One that is there is left as somebody wanted it."""
    data.parent.mkdir(parents=True, exist_ok=True)
    data.mkdir(exist_ok=True, mode=0o700)


def drop_empty(data: Path) -> None:
    """Take back a data directory that was made for what did not come to be, if there is nothing in it."""
    with contextlib.suppress(OSError):
        data.rmdir()


class Directory(click.Path):
    """A directory that is named: an empty name, as a shell makes of a variable that is not set, is not the one where one is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty; name a directory, '.' for this one", param, ctx)
        return super().convert(value, param, ctx)


data_option = click.option(
    "data", "--data", "--data-dir", type=Directory(path_type=Path, file_okay=False), default=default_data,
    envvar=("SHIPSLOG_DATA", "SHIPSLOG_DATA_DIR"), show_default="/var/lib/shipslog as root",
    help="Directory of the log, the images and the pods.",
)  # fmt: skip


def daemon_of(data: Path) -> Daemon | None:
    """The daemon that runs on this data directory; None if none does."""
    try:
        daemon = msgspec.json.decode((data / "daemon.json").read_bytes(), type=Daemon)
    except (OSError, msgspec.DecodeError):
        return None
    path = data / "cluster.db"
    if not writer_lives(path) or holder(path) not in (0, daemon.pid):
        return None  # a killed daemon left this: its pid is nobody's or a stranger's, also while another begins or restores
    return daemon


def fail(message: str, code: int = 1) -> click.exceptions.Exit:
    """One clear line on stderr, without what a terminal would obey: files and servers have their word in it; raise what this
    returns."""
    click.echo("\n".join(map(printable, f"shipslog: {message}".split("\n"))), err=True)
    return click.exceptions.Exit(code)


def reason(error: BaseException) -> str:
    """What went wrong, in a person's words: of a file its name and what is with it, without the number of the error."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def needs_directory(file: Path) -> None:
    """Errors: Exit, with a line on stderr, when the directory that a file shall be written into is not there."""
    if not file.absolute().parent.is_dir():
        raise fail(
            f"{file}: there is no directory {file.absolute().parent}. Nothing was written; make it, or name another file."
        )
