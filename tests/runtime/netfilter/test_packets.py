"""Real packets through real rules: a client outside, a node, pods; each in its network namespace. Every mode of the proxy."""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from shipslog.runtime.netfilter.adapter import NetfilterFailed

from .laboratory import CLIENT, NODE, NODE_BRIDGE, Laboratory, laboratory, run, said
from .modes import MODES, VIP, Proxy, made, ruleset, tcp, udp

pytestmark = pytest.mark.root


@pytest.fixture(params=MODES)
async def proxy(request: pytest.FixtureRequest, lab: Laboratory) -> AsyncIterator[Proxy]:
    adapter = made(request.param, lab)
    yield adapter
    await adapter.close(remove=True)


async def asked(call: Callable[..., tuple[str, str]], *args: object, times: int = 1, **more: object) -> Counter[str]:
    return Counter([(await asyncio.to_thread(call, *args, **more))[0] for _ in range(times)])


@pytest.mark.parametrize("who", ["pod1", "node"])
async def test_a_cluster_address_reaches_every_endpoint(lab: Laboratory, proxy: Proxy, who: str) -> None:
    await proxy.apply(ruleset(tcp(lab, 2, 3), udp(lab, 2, 3)))
    assert set(await asked(lab.ask, who, VIP, 80, times=40)) == {"pod2", "pod3"}
    assert set(await asked(lab.ask_udp, who, VIP, 53, times=40)) == {"pod2", "pod3"}


async def test_a_pod_sees_the_address_of_the_pod_that_calls_and_the_nodes_for_the_rest(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(lab, 2)))
    hidden = proxy.mode == "userspace"  # there it is the node that calls, always
    assert lab.ask("pod1", VIP, 80) == ("pod2", NODE_BRIDGE if hidden else lab.pod(1))
    assert lab.ask("node", VIP, 80, source=NODE) == ("pod2", NODE_BRIDGE)
    assert lab.ask("client", VIP, 80) == ("pod2", NODE_BRIDGE)
    assert lab.ask("client", NODE, 30001) == ("pod2", NODE_BRIDGE)


@pytest.mark.parametrize(
    "who, host",
    [("client", NODE), ("client", NODE_BRIDGE), ("node", NODE), ("node", NODE_BRIDGE), ("node", "127.0.0.1"), ("pod1", NODE)],
)
async def test_a_node_port_works_from_everywhere(lab: Laboratory, proxy: Proxy, who: str, host: str) -> None:
    await proxy.apply(ruleset(tcp(lab, 1, 2, 3), udp(lab, 1, 2)))
    assert set(await asked(lab.ask, who, host, 30001, times=40)) == {"pod1", "pod2", "pod3"}
    assert set(await asked(lab.ask_udp, who, host, 30053, times=30)) == {"pod1", "pod2"}


async def test_a_pod_reaches_itself_through_its_service(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(lab, 1)))
    assert lab.ask("pod1", VIP, 80) == ("pod1", NODE_BRIDGE)
    assert lab.ask("pod1", NODE, 30001) == ("pod1", NODE_BRIDGE)


@pytest.mark.parametrize(
    "who, host, port", [("client", NODE, 30001), ("node", VIP, 80), ("pod1", VIP, 80), ("client", VIP, 80)]
)
async def test_a_service_without_endpoints_refuses(lab: Laboratory, proxy: Proxy, who: str, host: str, port: int) -> None:
    await proxy.apply(ruleset(tcp(lab), udp(lab)))
    with pytest.raises(ConnectionRefusedError):
        lab.ask(who, host, port)
    with pytest.raises((ConnectionRefusedError, PermissionError)):  # the node's own datagram does not even leave
        lab.ask_udp(who, host, 30053 if port == 30001 else 53)
    await proxy.apply(ruleset(tcp(lab, 2), udp(lab, 2)))
    assert lab.ask(who, host, port)[0] == lab.ask_udp(who, host, 30053 if port == 30001 else 53)[0] == "pod2"


@pytest.mark.parametrize("who, host, port", [("client", NODE, 30001), ("pod1", VIP, 80)])
async def test_a_client_sticks_to_its_endpoint_until_it_was_quiet_for_long(
    lab: Laboratory, proxy: Proxy, who: str, host: str, port: int
) -> None:
    await proxy.apply(ruleset(tcp(lab, 1, 2, 3, affinity_s=1)))
    first = await asked(lab.ask, who, host, port, times=15)
    assert len(first) == 1
    seen, deadline = set(first), time.monotonic() + 60
    while len(seen) == 1:  # each round waits until the entry is gone: the draw is free again
        assert time.monotonic() < deadline, "it sticks for ever"
        await proxy.forgotten(1)
        seen |= set(await asked(lab.ask, who, host, port))


@pytest.fixture(params=[mode for mode in MODES if mode != "userspace"])
async def routed(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Laboratory, Proxy]]:
    """Pods reach each other through the node."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces and packet rules need root")
    with laboratory(2, routed=True) as lab:
        lab.serve_tcp("pod2", 8080)
        adapter = made(request.param, lab)
        yield lab, adapter
        await adapter.close(remove=True)


async def test_a_stray_packet_of_a_pod_ends_no_connection(routed: tuple[Laboratory, Proxy]) -> None:
    """Kubernetes' issue 74839: the kernel does not translate back what is far outside of a connection's window, so the client
    saw it come from a pod that it does not know, and its refusal ended the connection."""
    lab, proxy = routed
    await proxy.apply(ruleset(tcp(lab, 2)))
    client = await asyncio.to_thread(lab.connect, "pod1", VIP, 80)
    with client, lab.make("pod2", socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        assert said(client)[0] == "pod2"
        address, port = client.getsockname()
        received, sent = sequences(client)
        raw.sendto(segment(lab.pod(2), 8080, address, port, (received + (1 << 30)) % (1 << 32), sent), (address, 0))
        for _ in range(3):
            assert said(client)[0] == "pod2"


def sequences(client: socket.socket) -> tuple[int, int]:
    """(the next that it expects, the next that it sends); tcp(7) tells in repair mode."""
    repair, queue, number = 19, 20, 21
    client.setsockopt(socket.IPPROTO_TCP, repair, 1)
    try:
        found = []
        for which in (1, 2):
            client.setsockopt(socket.IPPROTO_TCP, queue, which)
            found.append(client.getsockopt(socket.IPPROTO_TCP, number) % (1 << 32))
    finally:
        client.setsockopt(socket.IPPROTO_TCP, repair, -1)  # without a probe
    return found[0], found[1]


def segment(source: str, source_port: int, target: str, port: int, sequence: int, acknowledged: int) -> bytes:
    """One of TCP that carries a byte, with its sum."""
    head = struct.pack("!HHIIBBHHH", source_port, port, sequence, acknowledged, 5 << 4, 0x10, 1024, 0, 0) + b"x\0"
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(head) - 1)
    words = sum(struct.unpack(f"!{(len(pseudo) + len(head)) // 2}H", pseudo + head))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    return head[:16] + struct.pack("!H", ~words & 0xFFFF) + head[18:21]


async def test_connections_go_on_while_everything_around_them_changes(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(lab, 1, 2)))
    client = await asyncio.to_thread(lab.connect, "client", NODE, 30001)
    with client:
        mine = said(client)[0]
        rest = [n for n in (1, 2) if f"pod{n}" != mine]
        for step in range(20):
            web = tcp(lab, *(rest if step % 2 else [1, 2, 3]))
            other = tcp(lab, 3, service=f"n/s{step}:", addresses=(f"10.96.1.{step}",), node_port=31000 + step)
            await proxy.apply(ruleset(web, other))
            assert said(client)[0] == mine
        again = made(proxy.mode, lab)  # a restart: the rules are replaced under it
        await again.apply(ruleset(tcp(lab, *rest)))
        await again.close(remove=False)
        assert said(client)[0] == mine


async def test_a_restart_lets_no_connection_fail(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(lab, 1, 2)))
    failures: list[str] = []
    done, count = asyncio.Event(), 0

    def once() -> None:
        try:
            lab.ask("client", NODE, 30001, timeout_s=2)
        except OSError as error:
            failures.append(repr(error))

    async def load() -> None:
        nonlocal count
        while not done.is_set():
            await asyncio.to_thread(once)
            count += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load())
        await proxy.close(remove=False)  # two that are there at once would each put its own table back
        for _ in range(10):
            successor = made(proxy.mode, lab)
            await successor.apply(ruleset(tcp(lab, 1, 2)))
            await successor.close(remove=False)
        before = count
        while count < before + 3:
            await asyncio.sleep(0.01)
        done.set()
    assert not failures and count > 10


async def test_local_policy_keeps_the_clients_address_and_stays_on_the_node(lab: Laboratory, proxy: Proxy) -> None:
    external = "203.0.113.7"
    local = tcp(lab, 1, 2, 3, local_endpoints=((lab.pod(2), 8080),), external_addresses=(external,))
    await proxy.apply(ruleset(local))
    run("ip", "-n", lab.ns("client"), "route", "replace", f"{external}/32", "via", NODE)
    for host, port in ((NODE, 30001), (external, 80)):
        seen_as = NODE_BRIDGE if proxy.mode == "userspace" else CLIENT
        assert {lab.ask("client", host, port) for _ in range(10)} == {("pod2", seen_as)}
    assert set(await asked(lab.ask, "pod1", NODE, 30001, times=40)) == {"pod1", "pod2", "pod3"}  # inside: all of them
    assert set(await asked(lab.ask, "node", "127.0.0.1", 30001, times=40)) == {"pod1", "pod2", "pod3"}
    assert set(await asked(lab.ask, "node", VIP, 80, times=40)) == {"pod1", "pod2", "pod3"}
    await proxy.apply(ruleset(tcp(lab, 1, 2, 3, local_endpoints=())))
    with pytest.raises(TimeoutError):
        lab.ask("client", NODE, 30001, timeout_s=0.3)
    assert lab.ask("pod1", NODE, 30001)


async def test_external_addresses_hide_the_client(lab: Laboratory, proxy: Proxy) -> None:
    external = "203.0.113.8"
    await proxy.apply(ruleset(tcp(lab, 2, external_addresses=(external,))))
    run("ip", "-n", lab.ns("client"), "route", "replace", f"{external}/32", "via", NODE)
    assert lab.ask("client", external, 80) == ("pod2", NODE_BRIDGE)


@pytest.fixture(scope="module")
def stranger(lab: Laboratory) -> Laboratory:
    """The client sends packets for 127.0.0.1 to the node, where somebody listens on that address alone."""
    lab.serve_tcp("node", 9999, host="127.0.0.1")
    run("ip", "-n", lab.ns("client"), "addr", "del", "127.0.0.1/8", "dev", "lo")
    run("ip", "-n", lab.ns("client"), "route", "add", "127.0.0.1/32", "via", NODE)
    run("ip", "netns", "exec", lab.ns("client"), "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    return lab


async def test_loopback_of_the_node_stays_closed_to_neighbours(stranger: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(stranger, 2)))
    with pytest.raises(OSError):
        stranger.ask("client", "127.0.0.1", 9999, source=CLIENT, timeout_s=0.3)


async def test_a_load_balancer_is_for_whom_it_is_meant(lab: Laboratory, proxy: Proxy) -> None:
    address = "203.0.113.9"
    run("ip", "-n", lab.ns("client"), "route", "replace", f"{address}/32", "via", NODE)

    async def reaches(**more: object) -> bool:
        await proxy.apply(ruleset(tcp(lab, 2, balancer_addresses=(address,), **more)))
        try:
            return (await asyncio.to_thread(lab.ask, "client", address, 80, timeout_s=0.3))[0] == "pod2"
        except OSError:
            return False

    assert await reaches()
    assert await reaches(allowed_sources=("192.168.77.0/24", "198.51.100.0/24"))
    assert await reaches(allowed_sources=(f"{CLIENT}/32",))
    assert not await reaches(allowed_sources=("198.51.100.0/24",))
    assert not await reaches(allowed_sources=())
    assert lab.ask("client", NODE, 30001)[0] == "pod2", "its node port is for everybody"
    assert await reaches()


@pytest.mark.parametrize("harm", ["nft flush ruleset", "iptables-nft -t nat -F", "iptables-nft -t nat -D PREROUTING 1"])
async def test_what_somebody_else_deletes_comes_back_within_a_second(lab: Laboratory, proxy: Proxy, harm: str) -> None:
    await proxy.apply(ruleset(tcp(lab, 1), udp(lab, 1)))
    await asyncio.to_thread(run, "ip", "netns", "exec", lab.ns("node"), "sh", "-c", f"{harm} 2>&1 || true")
    started = time.monotonic()
    for call, who, host, port in ((lab.ask, "client", NODE, 30001), (lab.ask_udp, "pod2", VIP, 53), (lab.ask, "pod2", VIP, 80)):
        while True:
            with contextlib.suppress(OSError):
                if (await asyncio.to_thread(call, who, host, port, timeout_s=0.3))[0] == "pod1":
                    break
            assert time.monotonic() < started + 20
            await asyncio.sleep(0.02)


async def test_rules_that_were_meddled_with_are_loaded_again(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(lab, 1)))
    run("ip", "netns", "exec", lab.ns("node"), "nft", "flush", "ruleset")
    await proxy.apply(ruleset(tcp(lab, 2)))
    assert lab.ask("client", NODE, 30001)[0] == "pod2"


async def test_what_nft_refuses_changes_nothing(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(tcp(lab, 1)))
    with pytest.raises(NetfilterFailed, match="no IPv4 address"):
        await proxy.apply(
            ruleset(tcp(lab, 2), tcp(lab, 2, service="default/bad:", addresses=("no-address.invalid",), node_port=1))
        )
    assert lab.ask("client", NODE, 30001)[0] == "pod1"
    await proxy.apply(ruleset(tcp(lab, 3)))
    assert lab.ask("client", NODE, 30001)[0] == "pod3"


async def test_a_udp_flow_leaves_an_endpoint_that_is_gone(lab: Laboratory, proxy: Proxy) -> None:
    await proxy.apply(ruleset(udp(lab, 1)))
    for host, port in ((NODE, 30053), (VIP, 53)):
        with lab.make("client", socket.SOCK_DGRAM) as client:
            client.settimeout(3)
            client.connect((host, port))
            for endpoint in (1, 2, 3):
                await proxy.apply(ruleset(udp(lab, endpoint)))
                client.send(b"hello")
                assert client.recv(1024).decode().split()[0] == f"pod{endpoint}"
