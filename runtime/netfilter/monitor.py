"""Hears who changes the kernel's packet rules: the notifications that `nft monitor` shows, straight from netlink.

Ours are told from others' by the kernel's count of transactions: where it moved by one while we made one, what was told
meanwhile is ours. Layouts: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.

Tests: tests/runtime/netfilter/test_guarded_table.py
"""

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

NETLINK_NETFILTER, NFNLGRP_NFTABLES, NFNL_SUBSYS_NFTABLES = 12, 7, 10
NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE, NFT_MSG_DELRULE = 2, 3, 5, 6, 8
NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_NEWGEN, NFT_MSG_GETGEN = 12, 14, 15, 16
DELETIONS = (NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE)
NFTA_TABLE_NAME, NFTA_SET_ELEM_LIST_SET, NFTA_GEN_ID = 1, 2, 1  # the first attribute of all that is in a table is its name
NFTA_RULE_CHAIN, NFTA_CHAIN_NAME = 2, 3
_NAMED = {  # which attribute names what a notification is about, inside its table
    NFT_MSG_NEWSETELEM: NFTA_SET_ELEM_LIST_SET,
    NFT_MSG_DELSETELEM: NFTA_SET_ELEM_LIST_SET,
    NFT_MSG_NEWRULE: NFTA_RULE_CHAIN,
    NFT_MSG_DELRULE: NFTA_RULE_CHAIN,
    NFT_MSG_NEWCHAIN: NFTA_CHAIN_NAME,
    NFT_MSG_DELCHAIN: NFTA_CHAIN_NAME,
}
NLM_F_REQUEST, NLMSG_ERROR = 1, 2
_SOL_NETLINK, _ADD_MEMBERSHIP, _SO_RCVBUFFORCE = 270, 1, 33
BUFFER = 1 << 20
_MESSAGE, _GENERIC, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBH"), struct.Struct("=HH")
_HEAD = _MESSAGE.size + _GENERIC.size
_ONE_OF_OURS = threading.Lock()  # the kernel makes one transaction after the other all the same


class Notification(NamedTuple):
    """One notification: who sent the request (a netlink port), and the table, and the set or chain in it, that it is about."""

    port: int
    kind: int
    family: int
    table: str
    set: str
    chain: str


class Monitor:
    """Watches packet rules in the network namespace of the thread that makes it; that thread alone may use it. `concerns`:
    which changes count, if somebody else makes them; `buffer`: bytes of notifications that may wait."""

    def __init__(self, concerns: Callable[[Notification], bool], *, buffer: int = BUFFER) -> None:
        self._concerns = concerns
        self._port = 0  # the one that our own transactions come from
        self._meddled = False
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._asking = socket.socket(socket.AF_NETLINK, kind, NETLINK_NETFILTER)
        self._events = socket.socket(socket.AF_NETLINK, kind | socket.SOCK_NONBLOCK, NETLINK_NETFILTER)
        with contextlib.suppress(
            OSError
        ):  # without CAP_NET_ADMIN of the machine: the usual size, and more often a look too many
            self._events.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
        self._events.bind((0, 0))
        self._events.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, NFNLGRP_NFTABLES)
        # what was told while a change of ours was made is read by then, and who waits for it has to hear of it too
        self._flag = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._either = select.epoll()
        for descriptor in (self._events.fileno(), self._flag):
            self._either.register(descriptor, select.EPOLLIN)

    def fileno(self) -> int:
        """Readable when anybody has changed any table, and while `meddled` would say yes."""
        return self._either.fileno()

    def generation(self) -> int:
        """The kernel's count of transactions in this namespace."""
        kind = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN
        self._asking.send(_MESSAGE.pack(_HEAD, kind, NLM_F_REQUEST, 0, 0) + _GENERIC.pack(0, 0, 0))
        data = self._asking.recv(4096)
        for number, value in _attributes(data[_HEAD:]):
            if number == NFTA_GEN_ID:
                return int.from_bytes(value, "big")
        raise OSError(0, "the kernel does not tell its generation of packet rules")

    @contextlib.contextmanager
    def own_change(self) -> Iterator[None]:
        """Around one transaction of ours: it is not taken for meddling. Tables of ours take turns, each in its thread: what one
        of them changes meanwhile would count as somebody else's."""
        with _ONE_OF_OURS:
            before = self.generation()
            self.take_in()
            try:
                yield
            finally:
                # in this order: what comes after the count was read stays in the socket
                notices, lost = self._heard()
                if (self.generation() - before) & 0xFFFFFFFF <= 1:
                    self._port = next((one.port for one in notices if self._concerns(one)), self._port)
                else:
                    self._judge(notices, lost)

    def made_by(self, port: int) -> bool:
        """A program has made changes on our behalf, from this netlink port: they are not taken for meddling. -> whether some of
        what was told was lost, so that somebody else's may be among it."""
        notices, lost = self._heard()
        self._judge([one for one in notices if one.port != port], False)
        return lost

    def meddled(self) -> bool:
        """Whether somebody else has changed the table since the last question."""
        self.take_in()
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._flag)
        meddled, self._meddled = self._meddled, False
        return meddled

    def suspect(self) -> None:
        """Answer the next question with yes."""
        self._meddled = True
        os.eventfd_write(self._flag, 1)

    def close(self) -> None:
        self._either.close()
        os.close(self._flag)
        self._events.close()
        self._asking.close()

    def take_in(self) -> None:
        """Judge what has been told until now."""
        self._judge(*self._heard())

    def _judge(self, notices: list[Notification], lost: bool) -> None:
        if lost or any(one.port != self._port and self._concerns(one) for one in notices):
            self.suspect()

    def _heard(self) -> tuple[list[Notification], bool]:
        """(what was told, whether some of it was lost)"""
        notices: list[Notification] = []
        lost = False
        while True:
            try:
                notices += _parsed(self._events.recv(BUFFER))
            except BlockingIOError:
                return notices, lost
            except OSError:  # ENOBUFS: more at once than the socket holds
                lost = True


def _parsed(data: bytes) -> Iterator[Notification]:
    at = 0
    while at + _HEAD <= len(data):
        length, kind, _, _, port = _MESSAGE.unpack_from(data, at)
        family, what = data[at + _MESSAGE.size], kind & 0xFF
        if kind >> 8 == NFNL_SUBSYS_NFTABLES and what != NFT_MSG_NEWGEN:
            table = name = ""
            for number, value in _attributes(data[at + _HEAD : at + length]):
                if number == NFTA_TABLE_NAME:
                    table = value.rstrip(b"\0").decode(errors="replace")
                elif number == _NAMED.get(what):
                    name = value.rstrip(b"\0").decode(errors="replace")
                elif number > NFTA_CHAIN_NAME:
                    break
            of_set = _NAMED.get(what) == NFTA_SET_ELEM_LIST_SET and what >= NFT_MSG_NEWSETELEM
            yield Notification(port, what, family, table, name if of_set else "", "" if of_set else name)
        at += max((length + 3) & ~3, _HEAD)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, number = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield number & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
