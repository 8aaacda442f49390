"""Asks other name servers, those of a resolv.conf, and keeps their answers for as long as they hold.

Each question goes from a port of its own under a number of its own, and only the server that was asked may answer it.

Tests: tests/engine/dns/test_name_server.py, tests/engine/dns/test_zone.py
"""

import asyncio
import secrets
import socket
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import dnslib

from shipslog.store.logger import logger

from .messages import EDNS, HEADER, NXDOMAIN, OPT
from .parsing import parsed

SERVERS = 3  # as a resolver takes of a resolv.conf
TRIES, TIMEOUT_S = 2, 2.0
KEPT, KEPT_MOST_S, KEPT_NOTHING_S = 4_096, 30, 5
LARGEST_KEPT = 4_096
PORT = 53

log = logger(__name__)
Open = Callable[[socket.AddressFamily, socket.SocketKind], socket.socket]


class Found(NamedTuple):
    """What another server said: an rcode, and the records of its sections."""

    rcode: int
    answers: list[dnslib.RR]
    authority: list[dnslib.RR]
    additional: list[dnslib.RR]
    until_s: float = 0.0


class Unanswered(Exception):
    """Nobody said anything of use. As text: who was asked."""


class Forwarder:
    """`resolv_conf`: where the servers stand, read anew when it changes. `but`: addresses that are this server itself.
    `open_socket`: makes sockets where the servers can be reached."""

    def __init__(self, resolv_conf: Path, *, but: frozenset[tuple[str, int]], open_socket: Open = socket.socket) -> None:
        self._path, self._but, self._open = resolv_conf, but, open_socket
        self._read: tuple[int, int] | None = None
        self._servers: list[tuple[str, int]] = []
        self._kept: OrderedDict[tuple[str, int, bool], Found] = OrderedDict()
        self._asking: dict[tuple[str, int, bool], asyncio.Future[Found]] = {}
        self.hits = self.asked = self.failed = 0

    def kept(self, name: str, kind: int, secure: bool = False) -> Found | None:
        """What was said lately, and still holds; its records live for as long as is left."""
        found, now_s = self._kept.get((name, kind, secure)), asyncio.get_running_loop().time()
        if found is None or found.until_s <= now_s:
            return None
        self.hits += 1
        left = max(1, int(found.until_s - now_s))
        for record in (*found.answers, *found.authority, *found.additional):
            record.ttl = min(record.ttl, left)
        return found

    async def ask(self, name: str, kind: int, *, secure: bool = False) -> Found:
        """Who asks for what is being asked for already waits for the same answer. Errors: Unanswered."""
        key = (name, kind, secure)
        if (kept := self.kept(*key)) is not None:
            return kept
        if (asking := self._asking.get(key)) is not None:
            return await asyncio.shield(asking)
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._asking[key] = future
        try:
            found = await self._ask_all(name, kind, secure)
        except BaseException as error:
            future.set_exception(error if isinstance(error, Unanswered) else Unanswered("cancelled"))
            future.exception()  # heard here; who waits gets it too
            raise
        else:
            future.set_result(found)
            self._keep(key, found)
            return found
        finally:
            del self._asking[key]

    async def _ask_all(self, name: str, kind: int, secure: bool) -> Found:
        servers = self.servers()
        for _ in range(TRIES):
            for server in servers:
                self.asked += 1
                try:
                    async with asyncio.timeout(TIMEOUT_S):
                        found = await self._ask_one(server, name, kind, secure)
                except (OSError, TimeoutError, EOFError, ValueError, dnslib.DNSError):
                    continue
                if found.rcode in (0, NXDOMAIN):
                    return found
        self.failed += 1
        asked = ", ".join(host for host, _ in servers) or f"no servers in {self._path}"
        raise Unanswered(f"{name}: no answer from {asked}")

    async def _ask_one(self, server: tuple[str, int], name: str, kind: int, secure: bool) -> Found:
        number = secrets.randbelow(1 << 16)
        question = dnslib.DNSRecord(dnslib.DNSHeader(id=number, rd=1), q=dnslib.DNSQuestion(name, kind))
        question.add_ar(dnslib.EDNS0(flags="do" if secure else "", udp_len=EDNS))
        packet = bytes(question.pack())
        data = await self._by_udp(server, packet)
        if data[2] & 0x02:
            data = await self._by_tcp(server, packet)
        return _read(data, number, name, kind)

    async def _by_udp(self, server: tuple[str, int], packet: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._open(_family(server[0]), socket.SOCK_DGRAM) as made:
            made.setblocking(False)
            made.connect(server)
            await loop.sock_sendall(made, packet)
            while True:
                data = await loop.sock_recv(made, EDNS + 1)
                if len(data) >= HEADER and data[:2] == packet[:2] and data[2] & 0x80:
                    return data

    async def _by_tcp(self, server: tuple[str, int], packet: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        made = self._open(_family(server[0]), socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            await loop.sock_connect(made, server)
            reader, writer = await asyncio.open_connection(sock=made)
        except BaseException:
            made.close()
            raise
        try:
            writer.write(len(packet).to_bytes(2) + packet)
            return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        finally:
            writer.transport.abort()

    def servers(self) -> list[tuple[str, int]]:
        """Those of the file as it is now."""
        try:
            status = self._path.stat()
        except OSError:
            return self._servers
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._read:
            self._read, self._servers = stamp, [s for s in servers_of(self._path) if s not in self._but]
        return self._servers

    def _keep(self, key: tuple[str, int, bool], found: Found) -> None:
        size = sum(len(r.rdata.data) if hasattr(r.rdata, "data") else 32 for r in found.answers)
        ttls = [record.ttl for record in (*found.answers, *found.authority)]
        seconds = min(min(ttls, default=KEPT_NOTHING_S), KEPT_MOST_S if found.answers else KEPT_NOTHING_S)
        if seconds <= 0 or size > LARGEST_KEPT:
            return
        self._kept[key] = found._replace(until_s=asyncio.get_running_loop().time() + seconds)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _read(data: bytes, number: int, name: str, kind: int) -> Found:
    """Errors: ValueError for what answers another question, or is none."""
    try:
        packet = parsed(data)
    except Exception as error:  # whatever a library makes of what strangers send
        raise ValueError("it cannot be read") from error
    same = packet.header.id == number and packet.header.qr and len(packet.questions) == 1
    if not same or str(packet.q.qname).rstrip(".").lower() != name or packet.q.qtype != kind:
        raise ValueError("the answer is to another question")
    return Found(packet.header.rcode, packet.rr, packet.auth, [r for r in packet.ar if r.rtype != OPT])


def servers_of(path: Path) -> list[tuple[str, int]]:
    """The first name servers of a resolv.conf; [] if there are none. A port may stand behind an address: `127.0.0.1#5353`."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for words in (line.split() for line in lines):
        if len(words) >= 2 and words[0] == "nameserver":
            host, _, port = words[1].partition("#")
            try:
                socket.inet_pton(_family(host), host.partition("%")[0])
                found.append((host, int(port or PORT)))
            except (OSError, ValueError):
                log.warning("name_server_not_understood", file=str(path), line=" ".join(words))
    return found[:SERVERS]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
