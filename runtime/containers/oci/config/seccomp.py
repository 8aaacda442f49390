"""Which system calls a container may make: by our own profile, or by one that whoever runs the node has put into a directory.

A profile is as Docker and containerd have it: what the OCI runtime specification says, and entries that hold only with or
without capabilities, which are worked out here.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from . import default_profile

LARGEST = 1 << 20  # bytes
KEPT = ("defaultAction", "defaultErrnoRet", "architectures", "flags", "listenerPath", "listenerMetadata")
ENTRY = ("names", "action", "errnoRet", "args")


class BadProfile(Exception):
    """There is no such profile, or it cannot be used; the message says why."""


class Caps(msgspec.Struct, frozen=True):
    caps: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    includes: Caps = Caps()
    excludes: Caps = Caps()


def profile(directory: Path, name: str, capabilities: Collection[str]) -> dict[str, Any]:
    """The member `seccomp` of config.json for a process that has these capabilities. Errors: BadProfile."""
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise BadProfile(f'seccomp profile "{name}" is outside {directory}')
    try:
        if path.stat().st_size > LARGEST:
            raise BadProfile(f'seccomp profile "{name}" is longer than {LARGEST} bytes')
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        entries = found.get("syscalls", [])
        judged = [(entry, msgspec.convert(entry, Entry)) for entry in entries]
    except OSError as error:
        raise BadProfile(f'cannot load seccomp profile "{path}": {error.strerror}') from error
    except (msgspec.MsgspecError, TypeError) as error:
        raise BadProfile(f'cannot load seccomp profile "{path}": {error}') from error
    if not isinstance(found.get("defaultAction"), str):
        raise BadProfile(f'cannot load seccomp profile "{path}": it has no defaultAction')
    return _held(found, judged, capabilities)


def default(capabilities: Collection[str]) -> dict[str, Any]:
    """The same by our own profile."""
    found = default_profile.default()
    return _held(found, [(entry, msgspec.convert(entry, Entry)) for entry in found["syscalls"]], capabilities)


def _held(found: dict[str, Any], judged: list[tuple[dict[str, Any], Entry]], capabilities: Collection[str]) -> dict[str, Any]:
    holds = [
        {key: value for key, value in entry.items() if key in ENTRY and value is not None}
        for entry, of in judged
        if all(cap in capabilities for cap in of.includes.caps) and not any(cap in capabilities for cap in of.excludes.caps)
    ]
    return {key: found[key] for key in KEPT if found.get(key) is not None} | {"syscalls": holds}
