"""How far a command is stands on a terminal, while it takes long, and nowhere else."""

import io
import sys

import pytest

from shipslog.engine.cli.shared import bar as bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_is_shown_on_a_terminal_when_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "PATIENCE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with bars.bar() as progress:
        progress("Copying the log", 30, 60)
        progress("Checking the copy", 7, 0)
    assert "Checking the copy" in terminal.getvalue()


def test_what_is_done_at_once_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with bars.bar() as progress:
        progress("Copying the log", 30, 60)
    assert terminal.getvalue() == ""


def test_nothing_is_said_to_what_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "PATIENCE_S", 0.0)
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    with bars.bar() as progress:
        progress("Copying the log", 30, 60)
    assert file.getvalue() == ""
