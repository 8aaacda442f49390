"""What the daemon and the proxy process say to each other: JSON in frames over a Unix socket.

Tests: tests/runtime/netfilter/test_userspace.py
"""

import struct
from typing import Literal, TypeVar

import msgspec

VERSION = 1  # of these words: a process that speaks others is let run out, and another begun
_LENGTH = struct.Struct("!I")
LIMIT = 64 << 20

Endpoint = tuple[str, int]
T = TypeVar("T")


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One service port: who is behind it. `local`: what clients from outside get, None for the same."""

    protocol: Literal["tcp", "udp"]
    family: Literal["IPv4", "IPv6"]
    endpoints: tuple[Endpoint, ...]
    local: tuple[Endpoint, ...] | None = None
    affinity_s: int = 0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`specs` come to what there is, or in the place of what has their name; `whole`: and all else goes. `drop` goes; with
    `retire` everything does, and the process ends with its last connection. `pods`: ranges of the clients inside."""

    specs: dict[str, Spec] = {}
    drop: tuple[str, ...] = ()
    whole: bool = False
    retire: bool = False
    end: bool = False
    pods: tuple[str, ...] = ()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The ports where the process listens, by name; `failed`: which it could not open, and why."""

    version: int
    pid: int
    ports: dict[str, int] = {}
    failed: dict[str, str] = {}


def framed(message: msgspec.Struct) -> bytes:
    data = msgspec.json.encode(message)
    return _LENGTH.pack(len(data)) + data


def length_of(head: bytes) -> int:
    """Of the frame that begins so. Errors: ValueError for one that is too long."""
    (length,) = _LENGTH.unpack(head)
    if length > LIMIT:
        raise ValueError(f"a message of {length} bytes")
    return int(length)


HEAD = _LENGTH.size


def unframed(buffer: bytearray, kind: type[T]) -> T | None:
    """The first message, taken out of the buffer; None while it is not whole. Errors: ValueError, msgspec.DecodeError."""
    if len(buffer) < HEAD:
        return None
    length = length_of(bytes(buffer[:HEAD]))
    if len(buffer) < HEAD + length:
        return None
    data = bytes(buffer[HEAD : HEAD + length])
    del buffer[: HEAD + length]
    return msgspec.json.decode(data, type=kind)
