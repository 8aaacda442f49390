"""What strangers send, answers that do not fit, and what other name servers are asked."""

import asyncio
import contextlib
import itertools
import random
import socket
import struct
import time
from pathlib import Path

import dnslib
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.dns.serving import serving
from shipslog.runtime.dns.sockets import opened

from .conftest import Asked, Upstream, endpoint, service, slice_of

S = "svc.cluster.local"


def question(name: str = f"web.default.{S}", kind: str = "A") -> bytes:
    asked = dnslib.DNSRecord.question(name, kind)
    asked.header.id = 0x1234  # also of parameters: what they are called must be the same in each worker
    return bytes(asked.pack())


async def rcode(names: Asked, packet: bytes) -> str:
    answer = await asyncio.to_thread(names.ask, packet)
    assert answer[:2] == packet[:2]
    return str(dnslib.RCODE[answer[3] & 0xF])


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (b"\x12\x34\x28" + question()[3:], "NOTIMP"),  # an update
        (question()[:4] + b"\0\2" + question()[6:], "FORMERR"),  # two questions
        (question()[:6] + b"\xff\xff" + question()[8:], "FORMERR"),  # 65,535 answers in a question
        (question()[:12] + b"\xc0\x0c\0\1\0\1", "FORMERR"),  # a name that leads to itself
        (question()[:12] + b"\x3fabc", "FORMERR"),  # a label beyond the end
        (question()[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1", "FORMERR"),  # a label of 64
        (question()[:12] + b"\x3f%b" % (b"a" * 63) * 4 + b"\0\0\1\0\1", "FORMERR"),  # a name of 257
        (question()[:12] + b"\1a" * 1_900 + b"\0\0\1\0\1", "FORMERR"),
        (question()[:12], "FORMERR"),
        (question()[:-1] + b"\3", "REFUSED"),  # the class CHAOS
        (question(kind="AXFR"), "REFUSED"),
        (question(kind="ANY"), "NOTIMP"),
    ],
)
async def test_what_is_no_question_is_told_so(names: Asked, packet: bytes, said: str) -> None:
    assert await rcode(names, packet) == said


async def test_what_must_not_be_answered_is_not(names: Asked) -> None:
    """An answer to an answer would go on for ever between two servers."""
    for packet in (b"", b"\1\2\3", question()[:2] + b"\x80" + question()[3:]):
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(names.ask, packet)
    assert await rcode(names, question()) == "NOERROR"


async def test_no_garbage_ends_it(names: Asked) -> None:
    chance = random.Random(7)
    for _ in range(400):
        packet = bytearray(question())
        for _ in range(chance.randint(1, 6)):
            packet[chance.randrange(2, len(packet))] = chance.randrange(256)
        packet[2] &= 0x7F
        answer = await asyncio.to_thread(names.ask, bytes(packet))
        assert answer[:2] == packet[:2]
        assert answer[2] & 0x80
    assert await rcode(names, question()) == "NOERROR"


async def test_edns_of_another_version_is_told_ours(names: Asked) -> None:
    text, _ = await names.dig("+edns=3", "+noednsneg", f"web.default.{S}", "A", raw=True)
    assert "BADVERS" in text


async def test_many_addresses_come_by_tcp_and_turn(names: Asked) -> None:
    addresses = [f"10.244.{i // 250}.{i % 250 + 1}" for i in range(300)]
    await names.cluster.apply(service("crowd", clusterIP="None", ports=[{"port": 80}]))
    for i in range(3):
        await names.cluster.apply(slice_of("crowd", *map(endpoint, addresses[i * 100 : i * 100 + 100]), suffix=f"{i}"))
    asked = f"crowd.default.{S}"
    whole = [(await names.dig("+tcp", asked, "A"))[1] for _ in range(2)]
    assert sorted(whole[0]) == sorted(f"{asked}. A {a}" for a in addresses)
    assert whole[0][0] != whole[1][0]  # another one is first each time
    cut, some = await names.dig("+ignore", "+bufsize=1232", asked, "A", raw=True)
    assert " tc" in cut.partition("flags:")[2].partition(";")[0]
    assert 50 < len(some) < 300
    short, few = await names.dig("+ignore", "+noedns", asked, "A", raw=True)
    assert " tc" in short.partition("flags:")[2].partition(";")[0]
    assert 0 < len(few) < 40
    assert len((await names.dig(asked, "A"))[1]) == 300  # dig comes again by TCP by itself


async def test_many_ports_are_as_many_as_fit(names: Asked) -> None:
    await names.cluster.apply(service("crowd", clusterIP="None", ports=[{"name": "http", "port": 80}]))
    for i in range(4):
        some = [endpoint(f"10.244.{i}.{n}") for n in range(1, 101)]
        await names.cluster.apply(slice_of("crowd", *some, suffix=f"{i}"))
    asked = f"_http._tcp.crowd.default.{S}"
    status, found = await names.dig("+tcp", asked, "SRV")
    assert (status, len(found)) == ("NOERROR", 250)
    assert len((await names.dig(asked, "SRV"))[1]) == 250


async def test_anothers_answer_is_kept(names: Asked, upstream: Upstream) -> None:
    for _ in range(3):
        assert await names.dig("www.example.org", "A") == ("NOERROR", ["www.example.org. A 192.0.2.1"])
    assert upstream.asked == ["www.example.org"]


async def test_who_asks_the_same_at_once_waits_for_one_answer(names: Asked, upstream: Upstream) -> None:
    found = await asyncio.gather(*(names.dig("none.example.org", "A") for _ in range(5)))
    assert found == [("NXDOMAIN", [])] * 5
    assert len(upstream.asked) == 1


async def test_an_answer_that_is_cut_is_asked_for_by_tcp(names: Asked) -> None:
    status, found = await names.dig("big.example.org", "TXT")
    assert (status, len(found)) == ("NOERROR", 40)


async def test_a_false_answer_is_not_taken(names: Asked, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipslog.runtime.dns.forwarder.TIMEOUT_S", 0.2)
    upstream.lie = True
    assert await names.dig("www.example.org", "A") == ("SERVFAIL", [])
    upstream.lie = False
    assert (await names.dig("www.example.org", "A"))[0] == "NOERROR"


async def test_a_server_that_is_silent_is_no_hindrance(
    names: Asked, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipslog.runtime.dns.forwarder.TIMEOUT_S", 1.2)
    monkeypatch.setattr("shipslog.runtime.dns.server.WAITING_EACH", 5)
    upstream.silent = True
    asked = [asyncio.create_task(names.dig(f"n{i}.example.org", "A")) for i in range(8)]
    while len(set(upstream.asked)) < 5:
        await asyncio.sleep(0.01)
    assert (await names.dig(f"web.default.{S}", "A"))[0] == "NOERROR"  # what is of the cluster waits for nobody
    assert {status for status, _ in await asyncio.gather(*asked)} == {"SERVFAIL"}
    assert len(set(upstream.asked)) == 5  # the others were one client's too many


async def test_other_servers_stand_in_a_file_that_may_change(names: Asked, tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "resolv.conf").write_text("# nobody\n")
    assert (await names.dig("www.example.org", "A"))[0] == "SERVFAIL"
    host, port = upstream.address
    (tmp_path / "resolv.conf").write_text(f"nameserver nonsense\nnameserver {host}#{port}\noptions ndots:1\n")
    assert (await names.dig("www.example.org", "A"))[0] == "NOERROR"


async def test_it_does_not_ask_itself(tmp_path: Path) -> None:
    sockets = opened("127.0.0.1", 0)
    host, port = sockets.address
    (tmp_path / "resolv.conf").write_text(f"nameserver {host}#{port}\n")
    async with (
        Cluster.open(runtime="none", reconcilers=()) as cluster,
        serving(cluster, sockets, resolv_conf=tmp_path / "resolv.conf"),
    ):
        assert await Asked(cluster, (host, port)).dig("www.example.org", "A") == ("SERVFAIL", [])


async def test_connections_are_numbered_and_end(names: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipslog.runtime.dns.server.CONNECTIONS_EACH", 3)
    monkeypatch.setattr("shipslog.runtime.dns.server.IDLE_S", 0.3)
    held = [await asyncio.open_connection(*names.address) for _ in range(3)]
    reader, writer = await asyncio.open_connection(*names.address)
    with pytest.raises((OSError, EOFError)):
        writer.write(struct.pack("!H", len(question())) + question())
        await reader.readexactly(2)
    for reader, _ in held:  # nobody may hold a place by saying nothing
        assert await reader.read() == b""
    assert (await names.dig("+tcp", f"web.default.{S}", "A"))[0] == "NOERROR"
    writer.close()
    for _, one in held:
        one.close()


async def test_a_name_may_be_as_long_as_names_may_be(names: Asked) -> None:
    packet = question()[:12] + b"\x31%b" % (b"a" * 49) * 5 + b"\3org\0\0\1\0\1"
    assert len(packet) - 16 == 255
    assert await rcode(names, packet) == "NXDOMAIN"


async def test_what_is_refused_is_short(names: Asked) -> None:
    """Whoever sends under another's address has him sent no more than a name."""
    assert len(await asyncio.to_thread(names.ask, question()[:12] + b"\1a" * 1_900 + b"\0\0\1\0\1")) == 12


async def test_who_floods_it_keeps_nobody_from_being_heard(names: Asked) -> None:
    """Who asks more than there is time for fills the socket, and then the kernel takes from nobody else either."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    async def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(("127.0.0.2", 0))
            client.setblocking(False)
            numbers = itertools.count()
            while not over.is_set():
                for number in itertools.islice(numbers, 200):
                    with contextlib.suppress(BlockingIOError):
                        client.sendto(question(f"x{number}.default.{S}"), names.address)
                await asyncio.sleep(0)

    async def ask() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(names.address)
            for _ in range(3):
                deadline = time.monotonic() + 30
                while True:
                    assert time.monotonic() < deadline, "it is not heard"
                    await loop.sock_sendall(client, question())
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            assert (await loop.sock_recv(client, 512))[:2] == question()[:2]
                            break
                await asyncio.sleep(0.3)  # longer than it is remembered that somebody else has asked

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(flood())
        await ask()
        over.set()


async def test_it_is_counted(names: Asked) -> None:
    for _ in range(2):
        await names.dig(f"web.default.{S}", "A")
    seen = {family.name: family for family in names.cluster.measured()}
    assert (("udp",), 2.0) in seen["shipslog_dns_questions"].rows
    assert seen["shipslog_dns_answers_kept"].rows[0][1] == 1
    assert (("NOERROR",), 1.0) in seen["shipslog_dns_answers"].rows
