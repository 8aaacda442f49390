"""Who a container's process is: what the pod says, else what the image says, looked up in the image's own files."""

import os
from pathlib import Path

from msgspec import Struct

from shipslog.runtime.commands import Security
from shipslog.runtime.machine import linux


class UserUnknown(Exception):
    """The image has no such user, or one that the pod forbids; the message is for the pod's event."""


class User(Struct, frozen=True, kw_only=True):
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def resolve(rootfs: Path, image_user: str, security: Security, *, image: str, fs_group: int | None) -> User:
    """Errors: UserUnknown."""
    passwd = _lines(_read_inside(rootfs, "etc/passwd"), fields=7, numbers=(2, 3))
    group = _lines(_read_inside(rootfs, "etc/group"), fields=4, numbers=(2,))
    name, _, group_name = image_user.partition(":")
    if security.run_as_user is not None:
        name, group_name = str(security.run_as_user), "" if security.run_as_group is None else group_name
    # what the pod says is a number, also where the image calls a user by it
    named_so = name if security.run_as_user is None else ""
    entry = next((line for line in passwd if line[0] == named_so), None) if named_so else None
    if security.run_as_user is not None:
        uid = security.run_as_user
    elif not name:
        uid = 0
    elif entry is not None:
        uid = int(entry[2])
    elif (number := _id(name)) is not None:
        uid = number
    else:
        raise UserUnknown(f'unable to find user {name}: no matching entries in passwd file of image "{image}"')
    if security.run_as_non_root:
        _check_non_root(uid, name, image, explicit=security.run_as_user is not None)
    entry = entry or next((line for line in passwd if line[2] == str(uid)), None)
    if security.run_as_group is not None:
        gid = security.run_as_group
    elif group_name:
        gid = _group_id(group, group_name, image)
    else:
        gid = int(entry[3]) if entry is not None else 0
    named = {int(line[2]) for line in group if entry is not None and entry[0] in line[3].split(",")}
    named = set() if security.groups_strict is True else named
    extra = named | set(security.supplemental_groups) | ({fs_group} if fs_group is not None else set())
    return User(uid=uid, gid=gid, groups=tuple(sorted(extra)), home=(entry[5] if entry is not None else "") or "/")


def _id(text: str) -> int | None:
    """A user's or a group's number, from 0 to 2147483647; None if it is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    return number if 0 <= number < 1 << 31 else None


def _lines(text: str, *, fields: int, numbers: tuple[int, ...]) -> list[list[str]]:
    """The lines of a passwd or group file that are whole; others name nobody."""
    lines = [line.split(":") for line in text.splitlines()]
    return [line for line in lines if len(line) >= fields and all(_id(line[place]) is not None for place in numbers)]


def _check_non_root(uid: int, name: str, image: str, *, explicit: bool) -> None:
    if uid == 0:
        what = (
            "container's runAsUser breaks non-root policy"
            if explicit
            else "container has runAsNonRoot and image will run as root"
        )
        raise UserUnknown(what)
    if _id(name) is None:
        raise UserUnknown(f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root")


def _group_id(group: list[list[str]], name: str, image: str) -> int:
    for line in group:
        if line[0] == name:
            return int(line[2])
    if (number := _id(name)) is not None:
        return number
    raise UserUnknown(f'unable to find group {name}: no matching entries in group file of image "{image}"')


def _read_inside(rootfs: Path, name: str) -> str:
    """A file of the image, its links followed as the container would: never to a file of the machine."""
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = linux.open_inside(
            root, name, os.O_RDONLY | os.O_NONBLOCK, linux.RESOLVE_IN_ROOT | linux.RESOLVE_NO_MAGICLINKS
        )
    except OSError:
        return ""
    finally:
        os.close(root)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(1 << 20).decode(errors="replace")
