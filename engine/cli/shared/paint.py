"""What is printed: pieces of text with styles, in colour on a terminal, plain elsewhere.

Tests: tests/engine/cli/test_reading.py
"""

import sys
from collections.abc import Sequence
from functools import cached_property
from json.encoder import encode_basestring_ascii as json_escape
from typing import Any

import click
import msgspec

Piece = tuple[str, str]  # text, and a style as rich names it; "" for none
PERSON, RULE, NODE, DIM = "bold cyan", "magenta", "blue", "dim"
EFFECTS = {"created": "green", "modified": "yellow", "deleting": "bold red", "deleted": "red"}
NARROW = 110  # columns; where there are fewer a cut line would say nothing
CONTROLLER = "system:controller:"


class Paper:
    """Standard output. `cut`: on a terminal that is not too narrow a line is cut where it ends."""

    def __init__(self, *, cut: bool = False) -> None:
        self.terminal = sys.stdout.isatty()
        self._cut = cut and self.terminal and self._console.width >= NARROW

    @property
    def width(self) -> int:
        """How many characters a line has before it is cut; 0 where none is."""
        return int(self._console.width) if self._cut else 0

    def line(self, pieces: Sequence[Piece]) -> None:
        """Print a line; what cannot be printed is shown as such: others chose these names."""
        if not self.terminal:
            click.echo("".join(printable(text) for text, _ in pieces).rstrip())
            return
        from rich.text import Text

        text = Text.assemble(*((printable(text), style) for text, style in pieces))
        self._console.print(text, no_wrap=self._cut, overflow="ellipsis" if self._cut else "fold", soft_wrap=not self._cut)

    @cached_property
    def _console(self) -> Any:
        from rich.console import Console

        return Console(highlight=False)


def printable(text: str) -> str:
    """One line of it, without anything that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def json_line(value: Any) -> str:
    """It as JSON in one line, in which what a terminal would obey is escaped: the same value to whoever reads it."""
    text = msgspec.json.encode(value).decode()
    return text if text.isprintable() else "".join(c if c.isprintable() else json_escape(c)[1:-1] for c in text)


def yaml_text(value: Any) -> str:
    """It as YAML, likewise; lines end with a line feed and with nothing else."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what has to be escaped."""

    def quoted(dumper: Any, text: str) -> Any:
        plain = text.replace("\n", "").isprintable()
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')

    Dumper.add_representer(str, quoted)
    text = str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=128))
    return "".join(c if c.isprintable() or c == "\n" else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def actor(name: str) -> Piece:
    """Who did it, shorter for rules of ours."""
    if name.startswith(CONTROLLER):
        return name.removeprefix(CONTROLLER), RULE
    if name.startswith("system:node:"):
        return name.removeprefix("system:"), NODE
    return name, RULE if name in ("system:engine", "system:kube-scheduler") else PERSON


def clock(time: str) -> str:
    """`2026-11-23T10:32:00.000Z`: milliseconds are enough to read."""
    return f"{time[:-4]}Z"


def what(text: str, effect: str) -> list[Piece]:
    """What happened, its first word in the colour of its effect."""
    if effect not in EFFECTS:
        return [(text, "")]
    word, space, rest = text.partition(" ")
    return [(word, EFFECTS[effect]), (space + rest, "")]
