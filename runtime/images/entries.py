"""Looks at the headers of a tar as it streams by, and stops it before the program that unpacks it is asked too much.

Source: POSIX pax, and the GNU tar manual, "Basic Tar Format". What two readers could understand differently is refused.

Tests: tests/runtime/images/test_hostile_images.py
"""

from collections.abc import Callable

from .bounds import Bounds, ImageBroken

_BLOCK = 512
_EXTENDED = b"xgXLK"  # headers whose body says more of the next entry, or of all that follow
_BODYLESS = b"23456"  # links, devices, directories, pipes


class Entries:
    """`feed` it each piece of the archive. Errors: ImageBroken."""

    def __init__(self, bounds: Bounds) -> None:
        self.count = 0
        self._bounds = bounds
        self._held = bytearray()
        self._wanted = _BLOCK
        self._skip = 0
        self._take: Callable[[bytes], None] = self._header
        self._size: int | None = None  # of the next entry, from its extended header
        self._body = 0
        self._zeros = 0
        self.ended = False

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data) and not self.ended:
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            piece = data[at : at + self._wanted - len(self._held)]
            self._held += piece
            at += len(piece)
            if len(self._held) == self._wanted:
                held, self._held, self._wanted = bytes(self._held), bytearray(), _BLOCK
                self._take(held)

    def _header(self, block: bytes) -> None:
        if not any(block):
            self._zeros += 1
            self.ended = self._zeros == 2
            return
        self._zeros = 0
        if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _number(block[148:156]):
            raise ImageBroken("a layer is not a tar, or is broken: the checksum of a header is wrong")
        kind, size = block[156:157], _number(block[124:136])
        if kind in _EXTENDED:
            self._extended(kind, size)
            return
        self.count += 1
        if self.count > self._bounds.entries:
            raise ImageBroken(f"a layer has more than {self._bounds.entries} files")
        size, self._size = size if self._size is None else self._size, None
        if kind == b"1":
            size = 0
        elif kind in _BODYLESS and size:
            raise ImageBroken("a layer has a link, a directory or a device with content")
        self._body = size
        if kind == b"S" and block[482]:
            self._take = self._sparse
            return
        self._skip = _padded(size)

    def _sparse(self, block: bytes) -> None:
        """One more block of the map of an old GNU sparse file; its content comes after the last one."""
        if not block[504]:
            self._take, self._skip = self._header, _padded(self._body)

    def _extended(self, kind: bytes, size: int) -> None:
        if size > self._bounds.header_bytes:
            raise ImageBroken(f"a layer has a file whose name and attributes take {size} bytes")
        if kind in b"LK":
            self._skip = _padded(size)
        elif size:
            self._wanted, self._body, self._take = _padded(size), size, self._all if kind == b"g" else self._next

    def _all(self, body: bytes) -> None:
        self._take = self._header
        if b"size" in _records(body[: self._body]):
            raise ImageBroken("a layer gives all its files one size")

    def _next(self, body: bytes) -> None:
        self._take = self._header
        digits = _records(body[: self._body]).get(b"size")
        if digits is not None:
            if not digits.isdigit() or len(digits) > 19:
                raise ImageBroken("a layer has a file whose size is not a number")
            self._size = int(digits)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _number(field: bytes) -> int:
    """Octal, or binary as GNU tar writes what is too large for it."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if value >= 1 << 63:
            raise ImageBroken("a layer has a file of a negative or an impossible size")
        return value
    digits = field.split(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise ImageBroken("a layer is not a tar, or is broken: a header has a number that is none")
    return int(digits or b"0", 8)


def _records(body: bytes) -> dict[bytes, bytes]:
    """The `length key=value` lines of an extended header."""
    found, at = {}, 0
    while at < len(body):
        head = body[at : at + 21].partition(b" ")[0]
        length = int(head) if head.isdigit() else 0
        line = body[at + len(head) + 1 : at + length]
        if not line.endswith(b"\n") or b"=" not in line or at + length > len(body):
            raise ImageBroken("a layer has a file with a broken extended header")
        key, _, value = line[:-1].partition(b"=")
        found[key] = value
        at += length
    return found
