"""Where a log is read from: a file, the data directory of a cluster on this machine, or a server under the caller's rights.

Tests: tests/engine/cli/test_reading.py
"""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
from click.core import ParameterSource

from .options import data_option, default_data, fail, kubeconfig_of_environment, reason
from .paint import printable

F = TypeVar("F", bound=Callable[..., Any])


class Source(Protocol):
    """A log that can be asked. Errors of `ask`: Refusal, LogError, OSError."""

    def ask(self, question: Any) -> AsyncIterator[Any]:
        """The answer, value by value, of the question's own type."""


class File:
    """A log's file; a daemon may have it open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ask(self, question: Any) -> AsyncIterator[Any]:
        from shipslog.engine.chronicle.reader import Reader
        from shipslog.store.log.sqlite import SqliteLog

        log = await SqliteLog.open(self._path, read_only=True)
        try:
            if log.dropped:
                click.echo(f"shipslog: {log.dropped}", err=True)
            async for value in question.answer(Reader(log, secrets=question.show_secrets)):
                yield value
        finally:
            await log.close()


def source_options(command: F) -> F:
    """--log, --kubeconfig, --data: the log that is read. The function gets `source`."""
    return log_option(server_options(command))


log_option = click.option(
    "--log", "log_file", type=click.Path(path_type=Path, dir_okay=False), help="A log file, instead of a cluster's."
)


def server_options(command: F) -> F:
    kubeconfig = click.option(
        "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False),
        help="Ask the server of this kubeconfig, as its user [default: $KUBECONFIG, if --data is not given]",
    )  # fmt: skip
    return kubeconfig(data_option(command))


def choose(log_file: Path | None, kubeconfig: Path | None, data: Path) -> Source:
    """The log that is meant: a file that is named, else the server of a kubeconfig that is named, else --data, else the server
    of $KUBECONFIG, else the usual data directory."""
    if log_file is not None:
        return File(log_file)
    is_given = click.get_current_context().get_parameter_source("data") not in (ParameterSource.DEFAULT, None)
    from_environment = kubeconfig_of_environment()
    if kubeconfig is None and not is_given and from_environment is not None:
        kubeconfig = from_environment
        if not _lives(kubeconfig):
            return File(default_data() / "cluster.db")
    if kubeconfig is None:
        return File(data / "cluster.db")
    from .remote import BadKubeconfig, Remote

    try:
        return Remote.of(kubeconfig)
    except (BadKubeconfig, OSError) as error:
        raise fail(reason(error)) from error


def _lives(kubeconfig: Path) -> bool:
    """Whether a server is to be asked: not where the kubeconfig is that of the usual data directory and its daemon is down."""
    from .options import daemon_of

    data = default_data()
    return kubeconfig.resolve() != (data / "kubeconfig").resolve() or daemon_of(data) is not None


def run(work: Callable[[], Any]) -> None:
    """Run a coroutine function; what goes wrong is one line, and `| head` and Ctrl-C are no errors."""
    import asyncio
    import signal

    from shipslog.store.log.event_log import LogError
    from shipslog.store.refusals import Refusal

    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        asyncio.run(work())
    except Refusal as error:
        raise fail(printable(error.message)) from error
    except (LogError, ValueError, OSError) as error:
        raise fail(printable(reason(error))) from error
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGPIPE, before)  # else a program that called us would end with its next broken connection
