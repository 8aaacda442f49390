"""/logs/: the files of the node's log directory (/var/log), as Go's file server shows them.

Nothing outside is reached: a link that leads out, which a pod may have put there through a volume, is as good as none."""

import asyncio
import html
import os
import stat
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from aiohttp import web

from shipslog.engine.api.response import replies
from shipslog.engine.api.response.outlets import outlet_of
from shipslog.runtime.machine import linux

if TYPE_CHECKING:
    from .kubelet import Asked

PIECE = 256 * 1024
LISTED = 10_000  # names of one directory
NOTHING_HERE = "404 page not found\n"


async def answer(asked: "Asked") -> web.StreamResponse:
    if not asked.runtime.log_directory:
        return replies.text(NOTHING_HERE, 404)
    wanted = unquote(asked.raw.partition("?")[0]).removeprefix("/logs").strip("/")
    try:
        descriptor = await asyncio.to_thread(_opened, asked.runtime.log_directory, wanted)
    except (OSError, ValueError):
        return replies.text(NOTHING_HERE, 404)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            if not asked.raw.endswith("/"):
                return replies.Reply(b"", 301, "text/plain", [("Location", f"{quote(wanted.rpartition('/')[2] or 'logs')}/")])
            names = await asyncio.to_thread(_listed, descriptor)
            return replies.Reply(names, 200, "text/html; charset=utf-8")
        if not stat.S_ISREG(found.st_mode):
            return replies.text(NOTHING_HERE, 404)
        out = outlet_of(asked.request, "text/plain; charset=utf-8")
        await out.open()
        if asked.request.method != "HEAD":
            async for piece in _pieces(descriptor, found.st_size):
                await out.write([piece])
        await out.close()
        return out.response
    finally:
        os.close(descriptor)


def _opened(directory: str, path: str) -> int:
    """An open file below the top; what is no file or directory is not waited for. Errors: OSError."""
    top = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return linux.open_inside(top, path or ".", os.O_RDONLY | os.O_NONBLOCK, linux.RESOLVE_BENEATH)
    finally:
        os.close(top)


def _listed(descriptor: int) -> bytes:
    """A directory as a page."""
    names = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            names.append(entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""))
            if len(names) >= LISTED:
                break
    lines = [f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in sorted(names)]
    return f'<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n{"".join(lines)}</pre>\n'.encode()


async def _pieces(descriptor: int, size: int) -> AsyncIterator[bytes]:
    """What the file held when it was asked for: it may grow faster than it can be sent."""
    at = 0
    while at < size:
        piece = await asyncio.to_thread(os.pread, descriptor, min(PIECE, size - at), at)
        if not piece:
            return
        at += len(piece)
        yield piece
