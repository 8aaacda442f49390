"""Pages on their way: taken out of their encoding, their links rewritten, and put back into it, a piece at a time."""

import zlib
from collections.abc import AsyncIterator, Iterator

from .links import Page

PIECE = 64 * 1024
ENCODINGS = {"": 0, "identity": 0, "gzip": 31, "deflate": 15}  # and the window bits of zlib
LONGEST_EXPANDED, MOST_EXPANDED = 64 << 20, 100  # bytes of a page, and times its size, beyond which it is a trap


class NotEncoded(Exception):
    """A page that is not in the encoding that it says."""


class Trap(ConnectionError):
    """A page that expands without bounds."""


def can_rewrite(encoding: str) -> bool:
    """Whether a page in this encoding can be looked into."""
    return encoding.strip().lower() in ENCODINGS


async def rewritten(chunks: AsyncIterator[bytes], page: Page, encoding: str) -> AsyncIterator[bytes]:
    """The page with its links rewritten, in the encoding that it had. Errors: Trap, NotEncoded."""
    bits = ENCODINGS[encoding.strip().lower()]
    if not bits:
        async for chunk in chunks:
            for piece in _pieces(chunk):
                yield page.feed(piece)
        yield page.end()
        return
    try:
        async for piece in _reencoded(chunks, page, bits):
            yield piece
    except zlib.error as error:
        raise NotEncoded(str(error)) from error


async def _reencoded(chunks: AsyncIterator[bytes], page: Page, bits: int) -> AsyncIterator[bytes]:
    opened, closed = zlib.decompressobj(bits), zlib.compressobj(1, wbits=bits)
    came = made = 0
    async for chunk in chunks:
        came += len(chunk)
        left = chunk
        while left:
            piece = opened.decompress(left, PIECE)
            made, left = made + len(piece), opened.unconsumed_tail
            if made > LONGEST_EXPANDED and made > MOST_EXPANDED * came:
                raise Trap("the page expands without bounds")
            yield closed.compress(page.feed(piece))
    yield closed.compress(page.feed(opened.flush(PIECE))) + closed.compress(page.end()) + closed.flush()


def _pieces(chunk: bytes) -> Iterator[bytes]:
    for start in range(0, len(chunk), PIECE):
        yield chunk[start : start + PIECE]
