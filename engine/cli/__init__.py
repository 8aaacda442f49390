"""The command `shipslog`: one module a subcommand, imported only when it is asked for.

Tests: tests/engine/cli/test_wrong_input.py, tests/engine/cli/shared/test_purge.py
"""

import gc
import importlib

import click
from click.shell_completion import CompletionItem

COMMANDS = {
    "up": "start a cluster: control plane and node in one process",
    "down": "stop it; pods go on running unless you say --all",
    "status": "whether it runs, where, and how it is",
    "logs": "what the daemon itself has written",
    "config": "what the data directory keeps of the cluster",
    "backup": "the whole cluster into one file, while it runs",
    "export": "a copy of the log for others to read, without its secrets",
    "restore": "put a backup back",
    "certificates": "until when they are valid",
    "replay": "serve a log file's past to kubectl, or verify it",
    "log": "the log itself, one line an event",
    "history": "each change of one object: who, why, what",
    "why": "the chain of causes back to a person's request",
    "explain-pending": "why a pod waits, or runs where it does: node by node",
    "show": "one event whole, or an object as it was",
    "simulate": "try rules under seeds of faults: crashes, torn disks, lost commands, nodes that go",
    "image": "build, import and list the images of this machine",
    "completion": "let the shell complete commands and options",
    "version": "print the version",
}
RETIRED = {
    "rolling-update": "replace the pods of a ReplicationController by those of another, one at a time",
    "update": "put objects in the place of those that are there",
    "stop": "let what makes pods come to rest, then delete it",
    "namespace": "say or set the namespace of a kubeconfig",
    "run": "run an image as a ReplicationController",
}  # what kubectl had and has no more
COMMANDS |= RETIRED


class Lazy(click.Group):
    """A group that imports a subcommand's module when the subcommand is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        room = "retired." if name in RETIRED else ""
        gc.disable()  # what is imported stays: to look for garbage among it a dozen times takes a thirtieth of a daemon's start
        try:
            module = importlib.import_module(f"shipslog.engine.cli.{room}{name.replace('-', '_')}")
        finally:
            gc.enable()
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """One that is none is told with what it may have been meant for."""
        if args[0] in COMMANDS or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        import difflib

        near = difflib.get_close_matches(args[0], COMMANDS, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise click.UsageError(f"No such command {args[0]!r}.{meant}", ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Without a look into any module: the shell waits."""
        found = [CompletionItem(name, help=about) for name, about in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, summary in COMMANDS.items() if name not in RETIRED])
        with formatter.section("Of kubectl's that it has no more"):
            formatter.write_dl(list(RETIRED.items()))


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.invoke(importlib.import_module("shipslog.engine.cli.version").command)
        ctx.exit()


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version.")
def main() -> None:
    """A Kubernetes that keeps a ship's log."""
