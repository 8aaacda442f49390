"""A cluster with names, a name server on loopback before it, and another behind it."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import dnslib
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.dns.serving import serving
from shipslog.runtime.dns.sockets import opened

OUTSIDE = {
    ("www.example.org", 1): [dnslib.RR("www.example.org", 1, rdata=dnslib.A("192.0.2.1"), ttl=20)],
    ("big.example.org", 16): [dnslib.RR("big.example.org", 16, rdata=dnslib.TXT([f"{i:03}" * 80]), ttl=20) for i in range(40)],
}


class Upstream(asyncio.DatagramProtocol):
    """Another name server. `asked` are the names that it was asked for; `silent` it says nothing; `lie` it answers falsely."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent, self.lie = False, False
        self.address: tuple[str, int] = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data)
        if answer is None:
            return
        if self.lie:
            self.transport.sendto(bytes((answer[0] ^ 1,)) + answer[1:], addr)  # type: ignore[attr-defined]
            self.transport.sendto(self.answer(data, "192.0.2.66") or b"", addr)  # type: ignore[attr-defined]
            return
        self.transport.sendto(answer if len(answer) <= 1232 else self.cut(data), addr)  # type: ignore[attr-defined]

    def answer(self, data: bytes, other: str = "") -> bytes | None:
        packet = dnslib.DNSRecord.parse(data)
        name = str(packet.q.qname).rstrip(".")
        self.asked.append(name)
        if self.silent:
            return None
        reply = packet.reply(aa=0)
        if other:
            reply.questions = [dnslib.DNSQuestion("other.example.org", 1)]
        found = OUTSIDE.get((name, packet.q.qtype), [])
        for record in found:
            reply.add_answer(record)
        if not any(n == name for n, _ in OUTSIDE):
            reply.header.rcode = 3
        return bytes(reply.pack())

    def cut(self, data: bytes) -> bytes:
        reply = dnslib.DNSRecord.parse(data).reply()
        reply.header.tc = 1
        return bytes(reply.pack())

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        answer = self.answer(await reader.readexactly(size)) or b""
        writer.write(len(answer).to_bytes(2) + answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    loop, made = asyncio.get_running_loop(), Upstream()
    sockets = opened("127.0.0.1", 0)
    transport, _ = await loop.create_datagram_endpoint(lambda: made, sock=sockets.udp)
    server = await asyncio.start_server(made.stream, sock=sockets.tcp)
    made.address = sockets.address
    yield made
    server.close()
    transport.close()


class Asked:
    """A name server that may be asked with dig."""

    def __init__(self, cluster: Cluster, address: tuple[str, int]) -> None:
        self.cluster, self.address = cluster, address

    async def dig(self, *args: str, raw: bool = False) -> tuple[str, list[str]]:
        """-> (status, records of the answer section, one a line without their TTL)"""
        program = shutil.which("dig")
        assert program, "dig is missing: apt-get install bind9-dnsutils"
        host, port = self.address
        command = (
            program,
            f"@{host}",
            "-p",
            str(port),
            "+nocookie",
            "+tries=1",
            "+time=3",
            "+noall",
            "+comments",
            "+answer",
            *args,
        )
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        text = (await process.communicate())[0].decode()
        status = next((line.partition("status: ")[2].partition(",")[0] for line in text.splitlines() if "status: " in line), "")
        lines = [line.split(None, 4) for line in text.splitlines() if line and not line.startswith(";")]
        return (text if raw else status), [f"{name} {kind} {value}" for name, _, _, kind, value in lines]

    def ask(self, packet: bytes) -> bytes:
        """By UDP, with nothing in between. In a thread."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.sendto(packet, self.address)
            return client.recv(65_535)


@pytest.fixture
async def names(upstream: Upstream, tmp_path: Path) -> AsyncIterator[Asked]:
    host, port = upstream.address
    (tmp_path / "resolv.conf").write_text(f"search example.org\nnameserver {host}#{port}\n")
    async with Cluster.open(runtime="none", reconcilers=()) as cluster:
        for manifest in CLUSTER:
            await cluster.apply(manifest)
        sockets = opened("127.0.0.1", 0)
        async with serving(cluster, sockets, resolv_conf=tmp_path / "resolv.conf"):
            yield Asked(cluster, sockets.address)


def service(name: str, **spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def endpoint(*addresses: str, hostname: str = "", ready: bool = True) -> dict[str, object]:
    return {"addresses": list(addresses), "conditions": {"ready": ready}, **({"hostname": hostname} if hostname else {})}


def slice_of(name: str, *endpoints: dict[str, object], family: str = "IPv4", suffix: str = "1") -> dict[str, object]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-{suffix}", "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }


HTTP = [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]
CLUSTER: list[dict[str, object]] = [
    service("web", clusterIP="10.96.0.80", ports=HTTP),
    service("plain", clusterIP="10.96.0.81", ports=[{"port": 80}]),
    service("set", clusterIP="None", ports=[{"name": "http", "port": 80}], selector={"app": "set"}),
    slice_of("set", endpoint("10.244.0.11", hostname="set-0"), endpoint("10.244.0.12"), endpoint("10.244.0.13", ready=False)),
    slice_of("set", endpoint("fd00::11", hostname="set-0"), family="IPv6", suffix="6"),
    service("empty", clusterIP="None", ports=[{"name": "http", "port": 80}]),
    service("away", type="ExternalName", externalName="www.example.org"),
    service("near", type="ExternalName", externalName="web.default.svc.cluster.local"),
    service("round", type="ExternalName", externalName="round.default.svc.cluster.local"),
]
