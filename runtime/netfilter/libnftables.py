"""libnftables through ctypes: one long-lived context, which spares the start of a process and its cache for every change.

The library acts in the network namespace of the thread that calls it: a session belongs to one thread. See
libnftables(3) and libnftables-json(5).

Tests: tests/runtime/netfilter/test_nftables.py
"""

import ctypes
import ctypes.util
import os
import threading
from functools import cache
from typing import Any

import msgspec

from shipslog.runtime.node import RuntimeUnavailable

from .adapter import NetfilterFailed

_OUTPUT_JSON = 1 << 4
_ONE_AT_A_TIME = threading.Lock()  # the library keeps the names of links in one list for all contexts
_CLONE_NEWNET = 0x40000000


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError as error:
        raise RuntimeUnavailable(
            "libnftables.so.1 is missing, so there can be no packet rules for services. Install it: apt-get install nftables"
        ) from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = (ctypes.c_uint32,)
    library.nft_ctx_free.argtypes = (ctypes.c_void_p,)
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = (ctypes.c_void_p,)
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).restype = ctypes.c_char_p
        getattr(library, name).argtypes = (ctypes.c_void_p,)
    library.nft_ctx_output_set_flags.argtypes = (ctypes.c_void_p, ctypes.c_uint)
    library.nft_run_cmd_from_buffer.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    return library


def enter_namespace(netns: str) -> None:
    """Move the calling thread into a network namespace, for ever. `netns` is a name of `ip netns` or a path.

    Errors: RuntimeUnavailable where it is missing or may not be entered."""
    path = netns if "/" in netns else f"/run/netns/{netns}"
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise RuntimeUnavailable(f"network namespace {path}: {error.strerror}") from error
    try:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise RuntimeUnavailable(f"network namespace {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(descriptor)


class Session:
    """One context. Errors: RuntimeUnavailable without the library or without the right to use it."""

    def __init__(self) -> None:
        self._nft = _library()
        context = self._nft.nft_ctx_new(0)
        if not context:
            raise RuntimeUnavailable("libnftables gave no context: the kernel has no nftables, or this is not root")
        self._context: int | None = context
        self._nft.nft_ctx_buffer_output(context)
        self._nft.nft_ctx_buffer_error(context)

    def run(self, commands: str) -> None:
        """All of them in one transaction. Errors: NetfilterFailed with nft's message; then nothing was changed."""
        assert self._context is not None, "the session is closed"
        with _ONE_AT_A_TIME:
            code = self._nft.nft_run_cmd_from_buffer(self._context, commands.encode())
        message = self._nft.nft_ctx_get_error_buffer(self._context) or b""
        if code != 0:
            raise NetfilterFailed(_shortened(message.decode(errors="replace")) or f"nft failed with code {code}")

    def query(self, command: str) -> list[dict[str, Any]]:
        """The objects that a list command names. Errors: NetfilterFailed."""
        assert self._context is not None, "the session is closed"
        self._nft.nft_ctx_output_set_flags(self._context, _OUTPUT_JSON)
        try:
            self.run(command)
            output = self._nft.nft_ctx_get_output_buffer(self._context) or b""
        finally:
            self._nft.nft_ctx_output_set_flags(self._context, 0)
        found: list[dict[str, Any]] = msgspec.json.decode(output)["nftables"] if output.strip() else []
        return found

    def close(self) -> None:
        """Free the context; twice does no harm."""
        if self._context is not None:
            self._nft.nft_ctx_free(self._context)
            self._context = None


def _shortened(message: str) -> str:
    """nft repeats the command with a mark under the fault; of a long one only the first lines tell something."""
    lines = [line[:240] for line in message.strip().splitlines()]
    return "\n".join(lines[:6])
