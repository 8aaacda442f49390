"""Changes at random: of the bytes, of the values that JSON holds, of a line of the head."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from .case import Case

ODD = (
    None,
    True,
    -1,
    0,
    1 << 31,
    -(1 << 63),
    1 << 64,
    1.5,
    "",
    "x",
    "-",
    ".",
    "..",
    "/",
    "a/b/c",
    "é",
    "\0",
    "\ud7ff",
    "x" * 300,
    [],
    [[]],
    [None],
    {},
    {"": ""},
    {"$patch": "delete"},
    {"$retainKeys": ["x"]},
    "$(A)",
    "9" * 5000,
    "1e400",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z",
    "10.0.0.1",
    "::",
    "1Ei",
    "100%",
    "*",
)
PIECES = (
    b"\xff",
    b"\0",
    b"\xed\xa0\x80",
    b"\xc3",
    b"%",
    b"%ff",
    b"%00",
    b"=",
    b"&",
    b",",
    b";",
    b"!",
    b"--5",
    "²".encode(),
    b"9" * 5000,
    b"[" * 500,
    b"{",
    b'"',
    b"\\u",
    b"!!int foo",
    b"!!set",
    b"&a [*a]",
    b"2001-13-45",
    b"0b_",
    b"/",
    b"..",
    b"$deleteFromPrimitiveList/a",
    b"\xff" * 10,
)
HEADERS = (
    (b"Content-Encoding", b"gzip"),
    (b"Accept-Encoding", b"gzip"),
    (b"Impersonate-Group", b"x"),
    (b"Impersonate-User", b"\xff"),
    (b"Authorization", b"Bearer \xff"),
    (b"Authorization", b"Basic x"),
    (b"Content-Type", b"text/plain;charset=\xff"),
    (b"Accept", b"application/json;as=Table;v=v9"),
    (b"Upgrade", b"websocket"),
    (b"If-None-Match", b'"x'),
    (b"User-Agent", b"\xff"),
)


def changed(case: Case, others: list[Case], rng: random.Random) -> Case:
    """One to three changes. The same for the same state of `rng`."""
    for _ in range(rng.randint(1, 3)):
        case = rng.choice(CHANGES)(case, others, rng)
    return case


def _body_bytes(case: Case, _: list[Case], rng: random.Random) -> Case:
    return replace(case, body=_bytes(case.body, rng))


def _value(case: Case, _: list[Case], rng: random.Random) -> Case:
    """Another value at one place of a JSON body."""
    try:
        document = msgspec.json.decode(case.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _body_bytes(case, _, rng)
    places = list(_places(document))
    if not places:
        return case
    holder, key = rng.choice(places)
    match rng.randrange(4):
        case 0:
            del holder[key]
        case 1:
            other, name = rng.choice(places)
            holder[key] = (
                msgspec.json.decode(msgspec.json.encode(other[name])) if name in other or isinstance(name, int) else None
            )
        case _:
            holder[key] = rng.choice(ODD)
    try:
        return replace(case, body=msgspec.json.encode(document))
    except (msgspec.MsgspecError, OverflowError, UnicodeEncodeError):
        return case


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(map or list, key) of every value below."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        inner = (
            list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder)) if isinstance(holder, list) else []
        )
        for key, item in inner:
            found.append((holder, key))
            waiting.append(item)
    return found


def _target(case: Case, _: list[Case], rng: random.Random) -> Case:
    return replace(case, target=b"/" + _one_line(_bytes(case.target[1:], rng)).replace(b" ", b"%20").replace(b"#", b"%23"))


def _header(case: Case, _: list[Case], rng: random.Random) -> Case:
    if not case.headers or rng.random() < 0.3:
        return replace(case, headers=(*case.headers, rng.choice(HEADERS)))
    at = rng.randrange(len(case.headers))
    name, value = case.headers[at]
    return replace(case, headers=(*case.headers[:at], (name, _one_line(_bytes(value, rng))), *case.headers[at + 1 :]))


def _crossed(case: Case, others: list[Case], rng: random.Random) -> Case:
    """The body, the head or the path of another."""
    other = rng.choice(others)
    name = rng.choice(("body", "target", "headers", "method"))
    return replace(case, **{name: getattr(other, name)})


def _one_line(value: bytes) -> bytes:
    return value.translate(None, b"\r\n\0")


def _bytes(value: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(value))
    end = min(len(value), at + rng.choice((1, 2, 4, 16, 200)))
    match rng.randrange(5):
        case 0:
            return value[:at] + value[end:]
        case 1:
            return value[:at] + rng.choice(PIECES) + value[at:]
        case 2:
            return value[:at] + rng.choice(PIECES) + value[end:]
        case 3:
            return value[:at] + value[at:end] * rng.choice((2, 3, 100)) + value[end:]
    return value[:at] + bytes([rng.randrange(256)]) + value[at + 1 :]


CHANGES: tuple[Callable[[Case, list[Case], random.Random], Case], ...] = (
    _body_bytes,
    _value,
    _value,
    _value,
    _target,
    _header,
    _crossed,
)
