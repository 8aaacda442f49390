"""The proxy in user space: whose turn it is, what the process does, and that it outlives its daemon."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shipslog.runtime.netfilter.userspace import streams
from shipslog.runtime.netfilter.userspace.adapter import UserspaceAdapter
from shipslog.runtime.netfilter.userspace.balance import Balance
from shipslog.runtime.netfilter.userspace.bounds import PER_CONNECTION, SIZES, SMALLEST, Clients, Pipes
from shipslog.runtime.netfilter.userspace.words import Request, Spec, framed, unframed

from .laboratory import NODE, Laboratory, inside, run, said
from .modes import VIP, ruleset, tcp, udp

A, B, C = ("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)


def spec(**more: object) -> Spec:
    fields: dict[str, object] = {"protocol": "tcp", "family": "IPv4", "endpoints": (A, B, C)} | more
    return Spec(**fields)  # type: ignore[arg-type]


def test_everybody_has_a_turn() -> None:
    balance = Balance(spec())
    assert {balance.choose("c", 0, outside=False) for _ in range(3)} == {A, B, C}
    assert balance.choose("c", 0, outside=False, tried=[A, B]) == C
    assert balance.choose("c", 0, outside=False, tried=[A, B, C]) is None


def test_a_client_has_its_endpoint_until_it_was_quiet_for_long() -> None:
    balance = Balance(spec(affinity_s=10))
    first = balance.choose("c", 0.0, outside=False)
    assert {balance.choose("c", now, outside=False) for now in (3.0, 12.0, 21.9)} == {first}, "each connection counts anew"
    assert balance.choose("d", 22.0, outside=False) != first
    assert balance.choose("c", 32.0, outside=False) != first
    held = balance.choose("c", 33.0, outside=False)
    balance.renew(spec(affinity_s=10, endpoints=tuple(e for e in (A, B, C) if e != held)))
    moved = balance.choose("c", 34.0, outside=False)
    assert moved != held and balance.choose("c", 35.0, outside=False) == moved


def test_clients_outside_may_get_others() -> None:
    balance = Balance(spec(local=(B,)))
    assert {balance.choose("c", 0, outside=True) for _ in range(4)} == {B}
    assert {balance.choose("c", 0, outside=False) for _ in range(4)} == {A, B, C}


def test_one_client_leaves_places_to_others() -> None:
    clients = Clients(100 * PER_CONNECTION)
    assert [clients.come("10.1.0.1") for _ in range(60)].count(True) == 50
    assert [clients.come("10.1.0.2") for _ in range(40)].count(True) == 40
    assert [clients.come("10.1.0.3") for _ in range(40)].count(True) == 10, "all together have no more than there is"
    clients.go("10.1.0.1")
    assert clients.come("10.1.0.1") and not clients.come("10.1.0.3")


def test_what_is_not_read_waits_in_little_room_when_it_is_many() -> None:
    pipes, taken = Pipes(), []
    for most, size in SIZES:
        assert pipes.size_bytes == size
        if most < 1_000:
            taken = [pipes.take() for _ in range(most)]
    for pipe in taken:
        os.write(pipe[1], b"x")
    small = pipes.take()
    assert fcntl.fcntl(small[1], fcntl.F_GETPIPE_SZ) <= SIZES[1][1] and SIZES[1][1] > SMALLEST
    for pipe in taken:
        pipes.give(pipe, empty=False)
    pipes.give(small, empty=True)
    again = pipes.take()
    assert again != small or fcntl.fcntl(again[1], fcntl.F_GETPIPE_SZ) > SIZES[1][1], "a small one is not kept for others"
    pipes.give(again, empty=False)


def test_frames_come_in_any_pieces() -> None:
    data, buffer, heard = framed(Request(drop=("a",))) + framed(Request(end=True)), bytearray(), []
    for byte in data:
        buffer.append(byte)
        if (request := unframed(buffer, Request)) is not None:
            heard.append(request)
    assert heard == [Request(drop=("a",)), Request(end=True)] and not buffer
    with pytest.raises(ValueError):
        unframed(bytearray(b"\xff\xff\xff\xff"), Request)


@pytest.fixture
async def proxy(lab: Laboratory, tmp_path: Path) -> AsyncIterator[UserspaceAdapter]:
    adapter = UserspaceAdapter(tmp_path / "proxy.sock", netns=lab.ns("node"))
    yield adapter
    await adapter.close(remove=True)


@pytest.mark.root
async def test_the_process_outlives_its_daemon_and_serves_the_next(lab: Laboratory, proxy: UserspaceAdapter) -> None:
    await proxy.apply(ruleset(tcp(lab, 1), udp(lab, 2)))
    pid = proxy.pid
    with await asyncio.to_thread(lab.connect, "client", NODE, 30001) as client:
        assert said(client)[0] == "pod1"
        await proxy.close(remove=False)
        assert said(client)[0] == "pod1" and lab.ask_udp("client", NODE, 30053)[0] == "pod2"
        successor = UserspaceAdapter(proxy.path, netns=lab.ns("node"))
        await successor.apply(ruleset(tcp(lab, 3)))
        assert successor.pid == pid
        assert said(client)[0] == "pod1" and lab.ask("client", NODE, 30001)[0] == "pod3"
        await successor.close(remove=True)
        proxy._link._reap()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.root
async def test_a_process_that_is_killed_is_replaced(lab: Laboratory, proxy: UserspaceAdapter) -> None:
    await proxy.apply(ruleset(tcp(lab, 1)))
    before = proxy.pid
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                if (await asyncio.to_thread(lab.ask, "client", NODE, 30001, timeout_s=0.3))[0] == "pod1":
                    break
            await asyncio.sleep(0.02)
    assert proxy.pid != before


@pytest.mark.root
async def test_much_comes_through_whole_both_ways_and_ends_are_passed_on(lab: Laboratory, proxy: UserspaceAdapter) -> None:
    listener = lab.make("pod2")
    listener.bind(("0.0.0.0", 7000))
    listener.listen(8)
    lab.open.callback(listener.close)
    size = 24 << 20
    body = os.urandom(1 << 20) * (size >> 20)

    def mirror() -> None:
        server, _ = listener.accept()
        with server:
            heard = b"".join(iter(lambda: server.recv(1 << 18), b""))  # until the client says that it has ended
            server.sendall(heard)

    await proxy.apply(ruleset(tcp(lab, 2, endpoints=((lab.pod(2), 7000),))))
    thread = threading.Thread(target=mirror)
    thread.start()

    def talk() -> bytes:
        with lab.connect("pod1", VIP, 80, timeout_s=60) as client:
            client.sendall(body)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(1 << 18), b""))

    assert await asyncio.to_thread(talk) == body
    thread.join()


@pytest.mark.root
async def test_an_endpoint_that_does_not_answer_is_passed_over(lab: Laboratory, proxy: UserspaceAdapter) -> None:
    dead = (("10.244.0.250", 8080), (lab.pod(3), 9), (lab.pod(2), 8080))
    await proxy.apply(ruleset(tcp(lab, endpoints=dead)))
    assert {(await asyncio.to_thread(lab.ask, "pod1", VIP, 80))[0] for _ in range(4)} == {"pod2"}
    await proxy.apply(ruleset(tcp(lab, endpoints=((lab.pod(3), 9),))))
    with pytest.raises(OSError):
        await asyncio.to_thread(lab.ask, "pod1", VIP, 80)


@pytest.mark.root
async def test_its_ports_are_for_those_alone_who_were_redirected(lab: Laboratory, proxy: UserspaceAdapter) -> None:
    await proxy.apply(ruleset(tcp(lab, 1)))
    (port,) = proxy._ports.values()
    with pytest.raises(OSError):
        await asyncio.to_thread(lab.ask, "client", NODE, port)
    assert lab.ask("client", NODE, 30001)[0] == "pod1"


@pytest.mark.root
async def test_quiet_connections_cost_nothing_while_they_are(lab: Laboratory, proxy: UserspaceAdapter) -> None:
    await proxy.apply(ruleset(tcp(lab, 1)))
    clients = [await asyncio.to_thread(lab.connect, "client", NODE, 30001) for _ in range(40)]
    for client in clients:
        assert said(client)[0] == "pod1"
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client)
        open_now = len(os.listdir(f"/proc/{proxy.pid}/fd"))
        assert open_now < 2 * len(clients) + 30, "a pipe for each would be four more"

        def used() -> float:
            fields = Path(f"/proc/{proxy.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        clients[0].shutdown(socket.SHUT_WR)  # its end is passed on; the pod ends too
        assert clients[0].recv(1) == b""
        before, began = used(), time.monotonic()
        while time.monotonic() < began + 0.3:
            await asyncio.sleep(0.05)
        assert used() - before < 0.1, "it sleeps"


@pytest.mark.root
def test_the_laboratory_has_what_is_tested(lab: Laboratory) -> None:
    assert "nf_tables" in inside(lab.ns("node"), lambda: run("iptables-nft", "--version"))


def test_who_is_gone_without_a_word_is_noticed() -> None:
    with socket.socket() as peer:
        streams.keep_alive(peer)
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [peer.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [15, 15, 9]
