"""Ports are relayed: bytes arrive whole and in order, ends are passed on, datagrams are answered, and what is taken is told."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from shipslog.runtime.rootless.outside import Outside, bound
from shipslog.runtime.rootless.ports import Port, PublishedPorts
from tests.logs import capture_logs

NODE = "127.0.0.9"  # stands for the node inside: here inside and outside are one network


class Loopback(Outside):
    """The machine is 127.0.0.1."""

    def bound(self, address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        return super().bound("127.0.0.1" if address == "0.0.0.0" else address, port, kind)


@pytest.fixture
async def ports() -> AsyncIterator[PublishedPorts]:
    made = PublishedPorts(Loopback(), NODE)
    yield made
    await made.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers when the client has ended what it says."""
    data = await reader.read()
    writer.write(data)
    writer.close()


async def test_a_connection_passes_with_its_ends(ports: PublishedPorts) -> None:
    server = await asyncio.start_server(echo, NODE, 0)
    port = server.sockets[0].getsockname()[1]
    await ports.publish("services", frozenset({Port("tcp", "", port)}))
    sent = bytes(range(256)) * 40_000  # 10 MB: more than any buffer on the way
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 20) == sent
        writer.close()
    server.close()


async def test_where_nobody_listens_the_connection_ends(ports: PublishedPorts) -> None:
    with bound(NODE, 0) as free:
        port = free.getsockname()[1]
    await ports.publish("services", frozenset({Port("tcp", "", port)}))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_datagrams_find_their_way_back(ports: PublishedPorts) -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(b"you said " + data, addr)

    loop = asyncio.get_running_loop()
    inside, _ = await loop.create_datagram_endpoint(Echo, local_addr=(NODE, 0))
    port = inside.get_extra_info("sockname")[1]
    await ports.publish("services", frozenset({Port("udp", "", port)}))
    for client in range(3):
        with bound("127.0.0.1", 0, socket.SOCK_DGRAM) as mine:
            await loop.sock_connect(mine, ("127.0.0.1", port))
            for word in (b"one", b"two"):
                await loop.sock_sendall(mine, word)
                assert await asyncio.wait_for(loop.sock_recv(mine, 100), 5) == b"you said " + word, client
    inside.close()


async def test_what_is_published_is_exactly_what_is_wanted(ports: PublishedPorts) -> None:
    server = await asyncio.start_server(echo, NODE, 0)
    port = server.sockets[0].getsockname()[1]
    await ports.publish("services", frozenset({Port("tcp", "", port)}))
    await ports.publish("pods", frozenset({Port("tcp", "", port)}))
    await ports.publish("services", frozenset())
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await ports.publish("pods", frozenset())
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    server.close()


async def test_a_port_that_somebody_has_is_taken_when_it_is_free(ports: PublishedPorts) -> None:
    server = await asyncio.start_server(echo, NODE, 0)
    port = server.sockets[0].getsockname()[1]
    wanted = frozenset({Port("tcp", "", port)})
    with bound("127.0.0.1", port):
        await ports.publish("services", wanted)
    await ports.publish("services", wanted)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    server.close()


class Shouting(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data.upper(), addr)


async def test_what_fails_in_the_middle_is_told_and_hangs_nobody(
    ports: PublishedPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    answering, _ = await loop.create_datagram_endpoint(Shouting, local_addr=(NODE, 0))
    port = answering.get_extra_info("sockname")[1]
    await ports.publish("services", frozenset({Port("tcp", "", port), Port("udp", "", port)}))
    connect = loop.create_connection

    async def fail(made: object, *target: object, **more: object) -> object:
        if target and target[0] == "127.0.0.1":
            return await connect(made, *target, **more)  # type: ignore[call-overload]
        raise ZeroDivisionError("a bug")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, capture_logs() as logs:
        client.setblocking(False)
        client.connect(("127.0.0.1", port))
        with monkeypatch.context() as broken:
            broken.setattr(loop, "create_connection", fail)
            broken.setattr(loop, "create_datagram_endpoint", fail)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(5):
                with contextlib.suppress(ConnectionError):  # the relay let go of it
                    while not writer.is_closing():
                        writer.write(b"x")
                        await writer.drain()
                        await asyncio.sleep(0.01)
            writer.close()
            client.send(b"lost")
            async with asyncio.timeout(5):
                while len(logs) < 2:
                    await asyncio.sleep(0.01)
        client.send(b"heard")
        assert await asyncio.wait_for(loop.sock_recv(client, 100), 5) == b"HEARD"
    answering.close()
    assert [entry["event"] for entry in logs] == ["task_failed"] * 2
