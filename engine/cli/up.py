"""`shipslog up`: start a cluster, in the foreground or detached."""

import asyncio
import contextlib
import gc
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from shipslog.engine.cli.shared.options import LEFT_BEHIND, Daemon, daemon_of, default_data, drop_empty, fail, make_private
from shipslog.engine.options import GROUPS, OPTIONS, START, Option

if TYPE_CHECKING:
    from shipslog.engine.settings import Settings

M_ARENA_MAX = -8  # of glibc's malloc.h
SAYS = "shipslog: "
START_S = 60  # a detached daemon that is not ready by then has failed
KINDS: dict[str, Any] = {
    "text": str,
    "list": str,
    "number": int,
    "path": click.Path(path_type=Path, dir_okay=False),
    "directory": click.Path(path_type=Path, file_okay=False),
    "place": click.Path(path_type=Path),
}


class ByGroup(click.Command):
    """A command whose help shows the options in their groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        of_group = {option.name: option.group for option in OPTIONS}
        for group in GROUPS:
            with formatter.section(group):
                formatter.write_dl([row for name, row in records.items() if row and of_group.get(name or "", START) == group])


def _option(option: Option) -> click.Option:
    names = [f"--{name}" for name in option.names]
    how: dict[str, Any] = {"help": option.help, "metavar": option.metavar or None}
    if option.kind == "switch":
        how["is_flag"] = True
    else:
        how["type"] = click.Choice(option.choices) if option.kind == "choice" else KINDS[option.kind]
    return click.Option([option.name, *names], multiple=option.kind == "list", **how)


@click.command(cls=ByGroup, params=[_option(option) for option in OPTIONS])
@click.option("--detach", is_flag=True, help="Return when the cluster is ready; `shipslog down` stops it.")
def command(detach: bool, **flags: Any) -> None:
    """Start a cluster: control plane and node in one process. Runs in the foreground until SIGTERM.

    What the cluster is stays in its data directory, so a later `up` needs no options. Any option may also stand in a YAML file
    (--config) or in the environment, as SHIPSLOG_PORT for --port; a command line goes before the environment, that before
    the file, and the file before what the data directory keeps."""
    _without_rich()
    from shipslog.engine.settings import BadSettings, claim_of, gather, resolve
    from shipslog.runtime.network import claimed_ranges

    try:
        asked = gather(flags, os.environ)
        for note in asked.notes:
            click.echo(f"shipslog: {note}", err=True)
        values = {"data": default_data(), **asked.values}
        reconfigure = bool(values.pop("reconfigure", False))
        settings = resolve(values, reconfigure=reconfigure, sources=asked.sources)
        if (claim := claim_of(settings)) is not None and daemon_of(settings.data) is None:
            claimed_ranges.check(claim)  # before anything is made; the daemon takes them
    except (BadSettings, claimed_ranges.RangesTaken) as error:
        raise fail(str(error), 2) from error
    if detach:
        _detached(settings)
        return
    _foreground(settings)


def _without_rich() -> None:
    """Import structlog before anybody else does, without rich: that is for tracebacks in colour, and our messages have none."""
    if "rich" not in sys.modules:
        sys.modules["rich"] = None  # type: ignore[assignment]  # for structlog: not installed
        import structlog  # noqa: F401

        del sys.modules["rich"]


def in_one_arena() -> None:
    """Let all threads allocate from one heap. glibc makes another for each of the first sixteen on two cores, and what each of
    them once held stays resident: 7 of 92 MiB with 30 pods. They hardly meet, for one at a time has the interpreter. Elsewhere
    (musl) nothing changes. Before the first thread."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _start_lightly() -> None:
    """Spare the daemon what it has no use for while it starts. A third of the start is this: looking for garbage among modules,
    which stay (that begins again once the daemon serves); and the machine's certificate authorities, which aiohttp reads for
    its client."""
    gc.disable()
    in_one_arena()
    import ssl

    names = ("load_default_certs", "set_default_verify_paths")
    before = [getattr(ssl.SSLContext, name) for name in names]
    for name in names:
        setattr(ssl.SSLContext, name, lambda *_: None)
    try:
        import aiohttp  # noqa: F401
    finally:
        for name, method in zip(names, before, strict=True):
            setattr(ssl.SSLContext, name, method)


def _foreground(settings: "Settings") -> None:
    _start_lightly()
    from shipslog.runtime.choice import prepare
    from shipslog.runtime.node import LeftBehind, RuntimeUnavailable

    made = not settings.data.exists()
    try:
        make_private(settings.data)
        ground = prepare(settings.runtime, settings.data)
    except (RuntimeUnavailable, OSError) as error:
        if made:
            drop_empty(settings.data)
        raise fail(str(error)) from error
    from shipslog.engine import messages
    from shipslog.engine.daemon import Ready, run
    from shipslog.store.log.event_log import LogError

    pipe = os.environ.pop("SHIPSLOG_READY_FD", "")

    def ready(announced: Ready) -> None:
        if pipe:
            with os.fdopen(int(pipe), "wb") as f:
                f.write(msgspec.json.encode(announced))
            return
        click.echo(announced.listens)
        if announced.dropped:
            click.echo(announced.dropped)
        click.echo(f"Ready: {announced.server}, runtime {announced.runtime}. export KUBECONFIG={announced.kubeconfig}")

    try:
        messages.begin(settings, detached=bool(pipe))
    except OSError as error:
        raise fail(f"--log-file {settings.log_file}: {error.strerror}") from error
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run(settings, ready, ground))
    except BaseExceptionGroup as group:
        raise fail(str(_first(group))) from group
    except LeftBehind as error:
        (settings.data / LEFT_BEHIND).write_text("\n".join(error.left) + "\n")  # for `down --all`, which waits for our end
        raise fail(str(error)) from error
    except (LogError, RuntimeUnavailable, OSError) as error:
        raise fail(str(error)) from error
    finally:
        if ground.rootless is not None:
            ground.rootless.end_if_unused()
        if made:
            drop_empty(settings.data)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside nested groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _detached(settings: "Settings") -> None:
    """Start the daemon as a process of its own, its messages in a file; tell when it is ready, or why it is not."""
    data = settings.data
    running = daemon_of(data)
    if running is not None:
        _say_already(running)
        return
    log_file = settings.log_file or data / "shipslog.log"
    try:
        make_private(data)
        os.close(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}; nothing was started") from error
    arguments = [*(a for a in sys.argv[1:] if a != "--detach"), "--log-file", str(log_file)]
    read_end, write_end = os.pipe()
    with open(log_file, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
        os.fchmod(output.fileno(), 0o600)  # one of an older version may be there: names and addresses stand in it
        start = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "shipslog", *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, pass_fds=(write_end,), env={**os.environ, "SHIPSLOG_READY_FD": str(write_end)},
        )  # fmt: skip
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        announced = _read_within(pipe, START_S)
    if not announced:
        process.poll()
        if (running := daemon_of(data)) is not None:  # another `up` was a moment faster
            _say_already(running)
            return
        text = log_file.read_bytes()
        raise fail(f"{why_not(text[start if start <= len(text) else 0 :])}\nThe daemon's messages: {log_file}")
    _tell(msgspec.json.decode(announced), process.pid, data, log_file)


def _say_already(running: Daemon) -> None:
    click.echo(f"Already running (pid {running.pid}) at {running.server}. export KUBECONFIG={running.kubeconfig}")


def why_not(messages: bytes) -> str:
    """What kept a daemon from starting, by what it has written. Another one may write into the same file: its own last word is
    the line that begins as those of a command do."""
    lines = messages.decode(errors="replace").strip().splitlines() or ["the daemon ended at once"]
    last = next((line for line in reversed(lines) if line.startswith(SAYS)), lines[-1])
    return last.removeprefix(SAYS)


def _read_within(pipe: Any, seconds: int) -> bytes:
    import select

    if not select.select([pipe], [], [], seconds)[0]:
        return b""
    data: bytes = pipe.read()
    return data


def _tell(ready: dict[str, str], pid: int, data: Path, log_file: Path) -> None:
    click.echo(ready["listens"])
    if ready.get("dropped"):
        click.echo(ready["dropped"])
    click.secho(f"Your cluster is ready at {ready['server']}", fg="green", bold=True)
    rows = (
        ("kubeconfig", ready["kubeconfig"]),
        ("node", ready["node"]),
        ("runtime", ready["runtime"]),
        ("log", f"{data / 'cluster.db'} (the events)"),
        ("daemon", f"pid {pid}, messages in {log_file}"),
    )
    for name, value in rows:
        click.echo(f"  {name:<11} {value}")
    click.echo("\nTry:")
    click.echo(f"  export KUBECONFIG={ready['kubeconfig']}")
    called = sys.argv[0] if sys.argv[0].endswith("shipslog") else "shipslog"
    here = "" if data == default_data() else f" --data {shlex.quote(str(data))}"  # else `down` would stop another cluster
    commands = ("status", "log -f", "image build guestbook", "completion --install", "down")
    places = ("" if command.startswith("completion") else here for command in commands)
    for line in (
        "kubectl get nodes,pods --all-namespaces",
        *(f"{called} {c}{h}" for c, h in zip(commands, places, strict=True)),
    ):
        click.echo(f"  {line}")
