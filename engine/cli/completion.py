"""`shipslog completion`: the commands and options, completed by the shell.

Tests: tests/engine/cli/shared/test_purge.py
"""

import os
from pathlib import Path

import click

from shipslog.engine.cli.shared.options import fail

SHELLS = ("bash", "zsh", "fish")
PLACES = {  # below the user's home; where each shell looks by itself, but zsh
    "bash": ".local/share/bash-completion/completions/shipslog",
    "zsh": ".zfunc/_shipslog",
    "fish": ".config/fish/completions/shipslog.fish",
}
ZSH = "Add to ~/.zshrc, before compinit: fpath+=~/.zfunc"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--install", is_flag=True, help="Put it where the shell finds it, for this user.")
def command(shell: str | None, install: bool) -> None:
    """Print the script with which a shell completes commands and options, or install it. SHELL is the user's unless named.

    For this shell alone: source <(shipslog completion bash)"""
    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise fail(f"name the shell: {', '.join(SHELLS)}", 2)
    text = script(shell)
    if not install:
        click.echo(text)
        return
    path = Path.home() / PLACES[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error
    click.echo(f"Completion for {shell} is in {path}; new shells have it." + (f" {ZSH}" if shell == "zsh" else ""))


def script(shell: str) -> str:
    """What the shell is to read."""
    from click.shell_completion import get_completion_class

    from shipslog.engine.cli import main

    found = get_completion_class(shell)
    assert found is not None
    return found(main, {}, "shipslog", "_SHIPSLOG_COMPLETE").source().strip()
