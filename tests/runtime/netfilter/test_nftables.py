"""Real packets through real rules: a client outside, a node, pods; each in its network namespace."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable

import pytest

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.nftables import NftablesAdapter

from .laboratory import CLIENT, NODE, NODE_BRIDGE, POD_CIDR, Laboratory, run, said

pytestmark = pytest.mark.root
VIP = "10.96.0.10"


def tcp(lab: Laboratory, *pods: int, **more: object) -> ServiceRules:
    fields: dict[str, object] = {
        "service": "default/web:",
        "protocol": "tcp",
        "port": 80,
        "addresses": (VIP,),
        "node_port": 30001,
        "endpoints": tuple((lab.pod(n), 8080) for n in pods),
    } | more
    return ServiceRules(**fields)  # type: ignore[arg-type]


def udp(lab: Laboratory, *pods: int, **more: object) -> ServiceRules:
    fields: dict[str, object] = {
        "service": "default/dns:",
        "protocol": "udp",
        "port": 53,
        "addresses": (VIP,),
        "node_port": 30053,
        "endpoints": tuple((lab.pod(n), 5353) for n in pods),
    } | more
    return ServiceRules(**fields)  # type: ignore[arg-type]


def ruleset(*rules: ServiceRules) -> Ruleset:
    return Ruleset(services={rule.service: (rule,) for rule in rules}, pod_cidr=POD_CIDR, digest="d")


async def asked(call: Callable[..., tuple[str, str]], *args: object, times: int = 1, **more: object) -> Counter[str]:
    return Counter([(await asyncio.to_thread(call, *args, **more))[0] for _ in range(times)])


@pytest.mark.parametrize("who", ["pod1", "node"])
async def test_a_cluster_address_reaches_every_endpoint(lab: Laboratory, nft: NftablesAdapter, who: str) -> None:
    await nft.apply(ruleset(tcp(lab, 2, 3), udp(lab, 2, 3)))
    assert set(await asked(lab.ask, who, VIP, 80, times=40)) == {"pod2", "pod3"}
    assert set(await asked(lab.ask_udp, who, VIP, 53, times=40)) == {"pod2", "pod3"}


async def test_a_pod_sees_the_address_of_the_pod_that_calls_and_the_nodes_for_the_rest(
    lab: Laboratory, nft: NftablesAdapter
) -> None:
    await nft.apply(ruleset(tcp(lab, 2)))
    assert lab.ask("pod1", VIP, 80) == ("pod2", lab.pod(1))
    assert lab.ask("node", VIP, 80, source=NODE) == ("pod2", NODE_BRIDGE)
    assert lab.ask("client", VIP, 80) == ("pod2", NODE_BRIDGE)
    assert lab.ask("client", NODE, 30001) == ("pod2", NODE_BRIDGE)


@pytest.mark.parametrize(
    "who, host",
    [("client", NODE), ("client", NODE_BRIDGE), ("node", NODE), ("node", NODE_BRIDGE), ("node", "127.0.0.1"), ("pod1", NODE)],
)
async def test_a_node_port_works_from_everywhere(lab: Laboratory, nft: NftablesAdapter, who: str, host: str) -> None:
    await nft.apply(ruleset(tcp(lab, 1, 2, 3), udp(lab, 1, 2)))
    assert set(await asked(lab.ask, who, host, 30001, times=40)) == {"pod1", "pod2", "pod3"}
    assert set(await asked(lab.ask_udp, who, host, 30053, times=30)) == {"pod1", "pod2"}


async def test_a_pod_reaches_itself_through_its_service(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1)))
    assert lab.ask("pod1", VIP, 80) == ("pod1", NODE_BRIDGE)
    assert lab.ask("pod1", NODE, 30001) == ("pod1", NODE_BRIDGE)


@pytest.mark.parametrize(
    "who, host, port", [("client", NODE, 30001), ("node", VIP, 80), ("pod1", VIP, 80), ("client", VIP, 80)]
)
async def test_a_service_without_endpoints_refuses(
    lab: Laboratory, nft: NftablesAdapter, who: str, host: str, port: int
) -> None:
    await nft.apply(ruleset(tcp(lab), udp(lab)))
    with pytest.raises(ConnectionRefusedError):
        lab.ask(who, host, port)
    with pytest.raises((ConnectionRefusedError, PermissionError)):  # the node's own datagram does not even leave
        lab.ask_udp(who, host, 30053 if port == 30001 else 53)
    await nft.apply(ruleset(tcp(lab, 2), udp(lab, 2)))
    assert lab.ask(who, host, port)[0] == lab.ask_udp(who, host, 30053 if port == 30001 else 53)[0] == "pod2"


@pytest.mark.parametrize("who, host, port", [("client", NODE, 30001), ("pod1", VIP, 80), ("node", VIP, 80)])
async def test_a_client_sticks_to_its_endpoint_until_it_was_quiet_for_long(
    lab: Laboratory, nft: NftablesAdapter, who: str, host: str, port: int
) -> None:
    await nft.apply(ruleset(tcp(lab, 1, 2, 3, affinity_s=1)))
    first = await asked(lab.ask, who, host, port, times=15)
    assert len(first) == 1
    seen, deadline = set(first), time.monotonic() + 60
    while len(seen) == 1:  # each round waits until the entry is gone: the draw is free again
        assert time.monotonic() < deadline, "it sticks for ever"
        while "elem" in run("ip", "netns", "exec", lab.ns("node"), "nft", "-j", "list", "map", "ip", nft.table, "affinity"):
            await asyncio.sleep(0.1)
        seen |= set(await asked(lab.ask, who, host, port))


async def test_clients_follow_their_endpoint_when_others_go(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1, 2, 3, affinity_s=600)))
    (mine,) = await asked(lab.ask, "client", NODE, 30001)
    others = [n for n in (1, 2, 3) if f"pod{n}" != mine]
    kept = tuple(n for n in (1, 2, 3) if n != others[0])
    await nft.apply(ruleset(tcp(lab, *kept, affinity_s=600)))
    assert set(await asked(lab.ask, "client", NODE, 30001, times=10)) == {mine}
    await nft.apply(ruleset(tcp(lab, *others, affinity_s=600)))  # its own goes: one of the others takes it, for good
    moved_to = await asked(lab.ask, "client", NODE, 30001, times=10)
    assert len(moved_to) == 1 and set(moved_to) <= {f"pod{n}" for n in others}


async def test_connections_go_on_while_everything_around_them_changes(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1, 2)))
    client = await asyncio.to_thread(lab.connect, "client", NODE, 30001)
    with client:
        mine = said(client)[0]
        rest = [n for n in (1, 2) if f"pod{n}" != mine]
        for step in range(20):
            await nft.apply(ruleset(tcp(lab, *(rest if step % 2 else [1, 2, 3])), tcp(lab, 3, service=f"n/s{step}:", addresses=(
                f"10.96.1.{step}",), node_port=31000 + step)))  # fmt: skip
            assert said(client)[0] == mine
        again = NftablesAdapter(lab.mark, netns=lab.ns("node"))  # a restart: the table is replaced under it
        await again.apply(ruleset(tcp(lab, *rest)))
        await again.close(remove=False)
        assert said(client)[0] == mine


async def test_a_restart_lets_no_connection_fail(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1, 2)))
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
        for _ in range(10):
            successor = NftablesAdapter(lab.mark, netns=lab.ns("node"))
            await successor.apply(ruleset(tcp(lab, 1, 2)))
            await successor.close(remove=False)
        before = count
        while count < before + 3:
            await asyncio.sleep(0.01)
        done.set()
    assert not failures and count > 10


async def test_local_policy_keeps_the_clients_address_and_stays_on_the_node(lab: Laboratory, nft: NftablesAdapter) -> None:
    external = "203.0.113.7"
    local = tcp(lab, 1, 2, 3, local_endpoints=((lab.pod(2), 8080),), external_addresses=(external,))
    await nft.apply(ruleset(local))
    run("ip", "-n", lab.ns("client"), "route", "replace", f"{external}/32", "via", NODE)
    for host, port in ((NODE, 30001), (external, 80)):
        assert {lab.ask("client", host, port) for _ in range(10)} == {("pod2", CLIENT)}
    assert set(await asked(lab.ask, "pod1", NODE, 30001, times=40)) == {"pod1", "pod2", "pod3"}  # inside: all of them
    assert set(await asked(lab.ask, "node", "127.0.0.1", 30001, times=40)) == {"pod1", "pod2", "pod3"}
    assert set(await asked(lab.ask, "node", VIP, 80, times=40)) == {"pod1", "pod2", "pod3"}
    await nft.apply(ruleset(tcp(lab, 1, 2, 3, local_endpoints=())))
    with pytest.raises(TimeoutError):
        lab.ask("client", NODE, 30001, timeout_s=0.3)
    assert lab.ask("pod1", NODE, 30001)


async def test_external_addresses_hide_the_client(lab: Laboratory, nft: NftablesAdapter) -> None:
    external = "203.0.113.8"
    await nft.apply(ruleset(tcp(lab, 2, external_addresses=(external,))))
    run("ip", "-n", lab.ns("client"), "route", "replace", f"{external}/32", "via", NODE)
    assert lab.ask("client", external, 80) == ("pod2", NODE_BRIDGE)


async def test_loopback_of_the_node_stays_closed_to_neighbours(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 2)))
    lab.serve_tcp("node", 9999, host="127.0.0.1")
    run("ip", "-n", lab.ns("client"), "addr", "del", "127.0.0.1/8", "dev", "lo")
    run("ip", "-n", lab.ns("client"), "route", "add", "127.0.0.1/32", "via", NODE)
    run("ip", "netns", "exec", lab.ns("client"), "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    with pytest.raises(OSError):
        lab.ask("client", "127.0.0.1", 9999, source=CLIENT, timeout_s=0.3)


async def test_removal_leaves_nothing(lab: Laboratory) -> None:
    node = lab.ns("node")
    before = run("ip", "netns", "exec", node, "nft", "list", "ruleset")
    knob = ("ip", "netns", "exec", node, "sysctl", "-n", "net.ipv4.conf.all.route_localnet")
    localnet = run(*knob)
    adapter = NftablesAdapter(f"{lab.mark}x", netns=node)
    await adapter.apply(ruleset(tcp(lab, 1)))
    assert run(*knob).strip() == "1"
    await adapter.close(remove=True)
    assert run("ip", "netns", "exec", node, "nft", "list", "ruleset") == before
    assert run(*knob) == localnet


async def test_rules_that_were_meddled_with_are_loaded_again(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1)))
    run("ip", "netns", "exec", lab.ns("node"), "nft", "delete", "table", "ip", nft.table)
    await nft.apply(ruleset(tcp(lab, 2)))
    assert lab.ask("client", NODE, 30001)[0] == "pod2"


async def test_what_nft_refuses_changes_nothing(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1)))
    with pytest.raises(NetfilterFailed, match="no IPv4 address"):
        await nft.apply(
            ruleset(tcp(lab, 2), tcp(lab, 2, service="default/bad:", addresses=("no-address.invalid",), node_port=1))
        )
    assert lab.ask("client", NODE, 30001)[0] == "pod1"
    await nft.apply(ruleset(tcp(lab, 3)))
    assert lab.ask("client", NODE, 30001)[0] == "pod3"


async def test_a_udp_flow_leaves_an_endpoint_that_is_gone(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(udp(lab, 1)))
    for host, port in ((NODE, 30053), (VIP, 53)):
        with lab.make("client", socket.SOCK_DGRAM) as client:
            client.settimeout(3)
            client.connect((host, port))
            for endpoint in (1, 2, 3):
                await nft.apply(ruleset(udp(lab, endpoint)))
                client.send(b"hello")
                assert client.recv(1024).decode().split()[0] == f"pod{endpoint}"
