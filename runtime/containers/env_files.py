"""Variables whose values stand in files of a volume: init containers write them, and they are read as a container starts.

A file is read as a subset of what POSIX shells read: `NAME='value'`, the value in single quotes and taken as it stands, over
several lines if need be; comments and empty lines. Source: KEP-3721.
"""

import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipslog.runtime.commands import EnvFile
from shipslog.runtime.machine import linux

LARGEST = 64 * 1024  # bytes of a file
_ENTRY = re.compile(r"(?P<name>[^\s=#'][^\s=']*)='(?P<value>[^']*)'[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_EMPTY = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")


class EnvFileUnusable(OSError):
    """A file that is not there, cannot be read, or says something else; or one that lacks a key that is not optional."""


def parse(text: str) -> dict[str, str]:
    """What a file says; of a name that stands there twice, the last. Errors: ValueError, naming the line."""
    found, at = {}, 0
    while at < len(text):
        empty = _EMPTY.match(text, at)
        if empty is not None:
            at = empty.end() if empty.end() > at else len(text)
            continue
        start = at + len(text[at:]) - len(text[at:].lstrip(" \t"))
        entry = _ENTRY.match(text, start)
        if entry is None:
            raise ValueError(f"line {text.count(chr(10), 0, at) + 1} is not NAME='value'")
        found[entry["name"]], at = entry["value"], entry.end()
    return found


def values(wanted: Sequence[EnvFile], directory: Path) -> tuple[tuple[str, str], ...]:
    """The variables, in order; without optional ones that are nowhere. `directory`: of the pod's volumes, each under its name.
    Errors: EnvFileUnusable."""
    read: dict[tuple[str, str], dict[str, str] | None] = {}
    found = []
    for one in wanted:
        place = one.volume, one.path
        if place not in read:
            read[place] = _content(directory / one.volume, one)
        value = _there(read[place], one)
        if value is not None:
            found.append((one.name, value))
    return tuple(found)


def _there(content: Mapping[str, str] | None, one: EnvFile) -> str | None:
    value = content.get(one.key) if content is not None else None
    if value is None and not one.optional:
        why = f'environment variable key "{one.key}" not found in' if content is not None else "there is no"
        raise EnvFileUnusable(f'couldn\'t set {one.name}: {why} file "{one.path}" of volume "{one.volume}"')
    return value


def _content(volume: Path, one: EnvFile) -> dict[str, str] | None:
    """None where there is no such file. What the pod has written there leads nowhere else."""
    try:
        root = os.open(volume, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
            descriptor = linux.open_inside(root, one.path, flags, linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS)
        finally:
            os.close(root)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("it is no file")
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError(f"it is longer than {LARGEST} bytes")
        return parse(data.decode())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise EnvFileUnusable(f'couldn\'t parse env file "{one.path}" of volume "{one.volume}": {why}') from error
