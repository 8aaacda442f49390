"""Paths by which definitions name fields: `.spec.replicas`, `.spec.list[0]`, `.status.conditions[?(@.type=="Ready")].status`.

Source: k8s.io/client-go/util/jsonpath, in the part that definitions may use.

Tests: tests/store/objects/fields/test_structural.py
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\]\\])+)"""
    r"""|\[(?P<at>-?\d+)\]"""
    r"""|\[(?P<all>\*)\]"""
    r"""|\[['"](?P<quoted>[^'"]+)['"]\]"""
    r"""|\[\?\(@\.(?P<key>[\w.\-]+)\s*==\s*['"](?P<wanted>[^'"]*)['"]\)\]"""
)
Step = tuple[str, str, str]


class BadPath(ValueError):
    """A text that is no path."""


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[Step, ...]:
    """A path in steps. Errors: BadPath."""
    made: list[Step] = []
    at = 0
    text = path if path.startswith((".", "[")) else f".{path}"
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise BadPath(f"is an invalid JSON path: {path!r} cannot be read from character {at}")
        group = step.lastgroup or ""
        if group == "wanted":
            made.append(("filter", step["key"], step["wanted"]))
        else:
            made.append((group, re.sub(r"\\(.)", r"\1", step[group]), ""))
        at = step.end()
    return tuple(made)


def plain(path: str) -> tuple[str, ...] | None:
    """The names of a path that only names fields; None for another."""
    try:
        found = steps(path)
    except BadPath:
        return None
    return tuple(name for _, name, _ in found) if all(kind in ("name", "quoted") for kind, _, _ in found) else None


def values(path: str, obj: Any) -> list[Any]:
    """What a path finds. Errors: BadPath."""
    found = [obj]
    for kind, name, wanted in steps(path):
        found = [inner for held in found for inner in _below(held, kind, name, wanted)]
    return found


def _below(held: Any, kind: str, name: str, wanted: str) -> list[Any]:
    if kind in ("name", "quoted"):
        return [held[name]] if isinstance(held, Mapping) and name in held else []
    if not isinstance(held, list | tuple):
        return list(held.values()) if kind == "all" and isinstance(held, Mapping) else []
    if kind == "all":
        return list(held)
    if kind == "at":
        return list(held[int(name) :][:1])
    return [item for item in held if wanted in values(f".{name}", item)]
