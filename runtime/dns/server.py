"""A name server's sockets: UDP in turns that leave time for others, TCP with its connections numbered.

What a client asks costs this process time that the rest of it wants: a turn ends after a while, whoever asks too much of a
turn's time waits behind the others, and connections, their age and their questions are bounded.

Tests: tests/engine/dns/test_name_server.py, tests/engine/dns/test_zone.py
"""

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .messages import HEADER, LARGEST, REFUSED, SERVFAIL, refused
from .sockets import Sockets

TURN_S = 0.001  # of one turn; then others in this process have theirs
TURN_DATAGRAMS = 64
LARGEST_QUESTION = 4_096
WINDOW_S = 0.1  # in which no client among several has more than SHARE of the time
SHARE = 0.5
CROWDED = 8  # of the socket's room one part in so many is taken: then what is too much of one client in a turn is dropped,
TURN_CROWDED_S = 0.003  # though nobody else was heard, for so long
LATER_S = 0.0003  # what it costs to ask others and hand on what they say
SO_MEMINFO = 55  # linux/sock_diag.h: what waits, and how much may
CONNECTIONS, CONNECTIONS_EACH = 128, 16
IDLE_S = 10.0
WAITING, WAITING_EACH = 1_024, 128  # questions that somebody else is asked

Slow = Coroutine[Any, Any, bytes]  # an answer that takes its time

log = logger(__name__)


class Answers(Protocol):
    """Who knows the answers."""

    def at_once(self, data: bytes, *, tcp: bool) -> bytes | Slow:
        """A question's answer as a packet, or one that takes its time. b"" for what is not to be answered."""


class DnsServer:
    """Answers on one address to clients that it `serves`. The sockets, as `opened` makes them, belong to it."""

    def __init__(self, answers: Answers, sockets: Sockets, serves: Callable[[str], bool] = lambda address: True) -> None:
        self._answers, self._serves = answers, serves
        self._udp, self._tcp = sockets
        self._tasks, self._connections = Tasks("name server"), Tasks("connections to the name server")
        self._listener: asyncio.Server | None = None
        self._waiting: Counter[str] = Counter()  # by client
        self._connected: Counter[str] = Counter()
        self._shares = Shares()
        self.asked = {"udp": 0, "tcp": 0}
        self.dropped = 0

    async def start(self) -> None:
        """Answer from here on."""
        self._listener = await asyncio.start_server(self._connect, sock=self._tcp, limit=LARGEST + 2)
        asyncio.get_running_loop().add_reader(self._udp.fileno(), self._turn)

    async def close(self) -> None:
        """No more answers; what waits gets none."""
        asyncio.get_running_loop().remove_reader(self._udp.fileno())
        if self._listener is not None:
            self._listener.close()
        await self._tasks.close()
        await self._connections.close()
        self._udp.close()

    # --- UDP ---

    def _turn(self) -> None:
        """What lies in the socket, for a while: the loop comes back for the rest."""
        begun = before = time.perf_counter()
        crowded = self._crowded()
        turn_s, had, answered = TURN_CROWDED_S if crowded else TURN_S, Counter[str](), 0
        while answered < TURN_DATAGRAMS:
            try:
                data, client = self._udp.recvfrom(LARGEST_QUESTION)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning("dns_not_received", why=error.strerror)
                return
            if (crowded and had[client[0]] > TURN_S * SHARE) or self._shares.has_had_enough(client[0], before):
                self.dropped += 1  # it asks again, and meanwhile others are heard
                now = time.perf_counter()
            else:
                answered += 1
                cost_s = self._datagram(data, client)
                now = time.perf_counter()
                self._shares.took(client[0], now - before + cost_s)
                had[client[0]] += now - before + cost_s  # type: ignore[assignment]
            before = now
            if now - begun > turn_s:
                return

    def _crowded(self) -> bool:
        """Whether so much waits that the kernel might soon have no room for what others ask."""
        held, most = struct.unpack_from("@II", self._udp.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 8))
        return bool(held * CROWDED > most)

    def _datagram(self, data: bytes, client: tuple[str, int]) -> float:
        """Answer it, or have it answered later. -> seconds that this takes later."""
        self.asked["udp"] += 1
        if not self._serves(client[0]):
            self._send(refused(data, REFUSED) if len(data) >= HEADER else b"", client)
            return 0.0
        answer = self._answer(data, tcp=False)
        if isinstance(answer, bytes):
            self._send(answer, client)
        elif not self._may_wait(client[0]):
            answer.close()
            self.dropped += 1
            self._send(refused(data, SERVFAIL), client)
        else:
            self._waiting[client[0]] += 1
            self._tasks.start("question", self._later(data, answer, client))
            return LATER_S
        return 0.0

    async def _later(self, data: bytes, answer: Slow, client: tuple[str, int]) -> None:
        try:
            self._send(await self._awaited(data, answer), client)
        finally:
            self._waiting[client[0]] -= 1
            if not self._waiting[client[0]]:
                del self._waiting[client[0]]

    def _may_wait(self, client: str) -> bool:
        return self._waiting[client] < WAITING_EACH and len(self._tasks) < WAITING

    def _send(self, answer: bytes, client: tuple[str, int]) -> None:
        if not answer:
            return
        try:
            self._udp.sendto(answer, client)
        except OSError:
            self.dropped += 1  # its buffer is full, or the client is gone: it asks again

    def _answer(self, data: bytes, *, tcp: bool) -> bytes | Slow:
        try:
            return self._answers.at_once(data, tcp=tcp)
        except Exception:
            log.exception("dns_question_failed")
            return refused(data, SERVFAIL) if len(data) >= HEADER else b""

    async def _awaited(self, data: bytes, answer: Slow) -> bytes:
        try:
            return await answer
        except Exception:
            log.exception("dns_question_failed")
            return refused(data, SERVFAIL)

    # --- TCP ---

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        client = peer[0] if peer else ""
        if len(self._connections) >= CONNECTIONS or self._connected[client] >= CONNECTIONS_EACH or not self._serves(client):
            writer.transport.abort()
            return
        self._connected[client] += 1
        self._connections.start("connection", self._connection(client, reader, writer))

    async def _connection(self, client: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._questions(reader, writer)
        except (OSError, EOFError, TimeoutError):  # it went away, or said nothing for too long
            pass
        finally:
            self._connected[client] -= 1
            if not self._connected[client]:
                del self._connected[client]
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _questions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One after the other, in their order."""
        while True:
            async with asyncio.timeout(IDLE_S):
                size = int.from_bytes(await reader.readexactly(2))
                if size > LARGEST_QUESTION:
                    return
                data = await reader.readexactly(size)
            self.asked["tcp"] += 1
            answer = self._answer(data, tcp=True)
            packet = answer if isinstance(answer, bytes) else await self._awaited(data, answer)
            if not packet:
                return
            async with asyncio.timeout(IDLE_S):
                writer.write(len(packet).to_bytes(2) + packet)
                await writer.drain()
            await asyncio.sleep(0)  # a client that has sent many at once takes turns with the others


class Shares:
    """Who has had how much time lately."""

    def __init__(self) -> None:
        self._had: Counter[str] = Counter()
        self._others: frozenset[str] = frozenset()  # who asked in the last window
        self._ends = 0.0

    def has_had_enough(self, client: str, now_s: float) -> bool:
        """Whether others wait who had less."""
        if now_s > self._ends:
            self._others, self._ends = frozenset(self._had), now_s + WINDOW_S
            self._had = Counter()
        return self._had[client] > WINDOW_S * SHARE and bool((self._others | self._had.keys()) - {client})

    def took(self, client: str, time_s: float) -> None:
        self._had[client] += time_s  # type: ignore[assignment]
