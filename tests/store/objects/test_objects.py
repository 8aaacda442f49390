"""The types are found where users look for them."""

import ast
import importlib
from pathlib import Path

import pytest

from shipslog.store import objects
from shipslog.store.objects import core_v1
from shipslog.store.objects.types import core_v1 as its_home


def test_the_types_are_here_too() -> None:
    assert core_v1 is its_home
    with pytest.raises(AttributeError, match="no attribute 'core_v9'"):
        _ = objects.core_v9  # type: ignore[attr-defined]


def test_a_checker_of_types_sees_each_of_them() -> None:
    here = Path(objects.__file__)
    named = {
        a.name for n in ast.walk(ast.parse(here.read_text())) if isinstance(n, ast.ImportFrom) and n.level for a in n.names
    }
    there = {path.stem for path in (here.parent / "types").glob("*_v*.py")}
    assert named == there == set(objects.__all__)
    for name in sorted(there):
        assert getattr(objects, name) is importlib.import_module(f"shipslog.store.objects.types.{name}")
