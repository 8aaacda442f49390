"""How a difference is printed: a field with what it was and is; of a long text what changed inside it.

Tests: tests/engine/cli/test_reading.py
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from shipslog.engine.chronicle.differences import Part, inside

from .paint import DIM, Paper, Piece

STYLES = {"-": "red", "+": "green", "=": DIM}
COPY = "kubectl.kubernetes.io/last-applied-configuration"  # says what the fields say: shown only where it alone changed
VALUE = 160  # characters of a value that is shown whole


def print_changes(paper: Paper, changes: Sequence[Any], indent: int = 10) -> None:
    """Each field that differs, in a line, or some for a text of several."""
    margin = " " * indent
    relevant = [change for change in changes if COPY not in change[0]] or changes
    for path, before, after in relevant:
        name: Piece = (f"{margin}{path}: ", "")
        if before is None:
            paper.line([name, (f"+ {_short(after)}", "green")])
        elif after is None:
            paper.line([name, (f"- {_short(before)}", "red")])
        elif isinstance(before, str) and isinstance(after, str) and (parts := inside(before, after)) is not None:
            _print_parts(paper, name, parts, margin, several="\n" in before or "\n" in after)
        else:
            paper.line([name, (_short(before), "red"), (" -> ", ""), (_short(after), "green")])


def _print_parts(paper: Paper, name: Piece, parts: list[Part], margin: str, *, several: bool) -> None:
    if several:
        paper.line([name])
        for sign, text in parts:
            paper.line([(f"{margin}  {sign.replace('=', ' ')} {_short(text)}", STYLES[sign])])
        return
    shown = {"-": "[-{}-]", "+": "{{+{}+}}", "=": "{}"}
    pieces = [(shown[sign].format(_short(text)), STYLES[sign]) for sign, text in parts if text]
    paper.line([name, *pieces])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = text.replace("\n", "\\n")
    return text if len(text) <= VALUE else text[: VALUE - 3] + "..."
