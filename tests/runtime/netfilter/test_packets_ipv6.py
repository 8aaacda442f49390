"""Services of both families at once, in every mode: packets of IPv6 go the same ways as those of IPv4."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.family import IPV6, machine_has
from shipslog.runtime.netfilter.proxy import MODES, ServiceProxy

from .laboratory import CLIENT_6, NODE, NODE_6, NODE_BRIDGE_6, POD_CIDR, POD_CIDR_6, Laboratory, laboratory, run, said
from .modes import tcp, udp

pytestmark = pytest.mark.root
VIP_6, BALANCER_6 = "fd00:96::a", "fd77::100"


@pytest.fixture(scope="module")
def both() -> Iterator[Laboratory]:
    if not machine_has(IPV6):
        pytest.skip("this kernel has no IPv6")
    with laboratory(pods=3) as lab:
        lab.add_ipv6()
        for n in range(1, 4):
            for host in ("0.0.0.0", lab.pod_6(n)):
                lab.serve_tcp(f"pod{n}", 8080, host)
                lab.serve_udp(f"pod{n}", 5353, host)
        yield lab


@pytest.fixture(params=MODES)
async def proxy(request: pytest.FixtureRequest, both: Laboratory, tmp_path: Path) -> AsyncIterator[ServiceProxy]:
    made = ServiceProxy(request.param, both.mark, data=tmp_path, run=tmp_path, netns=both.ns("node"), bridge="br0")
    yield made
    await made.close(remove=True)
    left = run("ip", "netns", "exec", both.ns("node"), "nft", "list", "ruleset")
    assert "KUBE-" not in left and both.mark not in left


def of_both(lab: Laboratory, *pods: int, **more: object) -> Ruleset:
    rules = []
    for make, port in ((tcp, 8080), (udp, 5353)):
        ends = tuple((lab.pod_6(n), port) for n in pods)
        fields: dict[str, object] = {"family": "IPv6", "addresses": (VIP_6,), "endpoints": ends} | more
        rules += [make(lab, *pods), make(lab, **fields)]
    services = {"a/tcp": tuple(rules[:2]), "a/udp": tuple(rules[2:])}
    return Ruleset(services=services, pod_cidr=f"{POD_CIDR},{POD_CIDR_6}", pool="fd77::100-fd77::1ff", digest="d")


async def answers(lab: Laboratory, who: str, host: str, *, times: int = 24, tcp_port: int = 80, udp_port: int = 53) -> set[str]:
    found = set()
    for _ in range(times):
        found.add((await asyncio.to_thread(lab.ask, who, host, tcp_port))[0])
        found.add((await asyncio.to_thread(lab.ask_udp, who, host, udp_port))[0])
    return found


async def test_everybody_reaches_every_endpoint(both: Laboratory, proxy: ServiceProxy) -> None:
    await proxy.apply(of_both(both, 1, 2))
    for who in ("pod1", "pod3", "node"):
        assert await answers(both, who, VIP_6) == {"pod1", "pod2"}
    assert await answers(both, "client", NODE_6, tcp_port=30001, udp_port=30053) == {"pod1", "pod2"}
    assert await answers(both, "client", NODE, tcp_port=30001, udp_port=30053) == {"pod1", "pod2"}
    hidden = proxy.mode == "userspace"
    await proxy.apply(of_both(both, 2))
    assert both.ask("pod1", VIP_6, 80) == ("pod2", NODE_BRIDGE_6 if hidden else both.pod_6(1))
    assert both.ask("client", NODE_6, 30001) == ("pod2", NODE_BRIDGE_6)
    assert both.ask("pod2", VIP_6, 80) == ("pod2", NODE_BRIDGE_6), "itself, through its service"


async def test_who_is_gone_gets_nothing_more_and_none_refuses(both: Laboratory, proxy: ServiceProxy) -> None:
    await proxy.apply(of_both(both, 1))
    with (
        both.make("client", socket.SOCK_DGRAM, host=NODE_6) as flow,
        await asyncio.to_thread(both.connect, "client", NODE_6, 30001) as client,
    ):
        flow.settimeout(3)
        flow.connect((NODE_6, 30053))
        for endpoint in (1, 2, 3):
            await proxy.apply(of_both(both, endpoint))
            flow.send(b"hello")
            assert flow.recv(1024).decode().split()[0] == f"pod{endpoint}"
        assert said(client)[0] == "pod1", "a connection goes on"
    await proxy.apply(of_both(both))
    for who, host, port in (("client", NODE_6, 30001), ("pod1", VIP_6, 80), ("node", VIP_6, 80)):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(both.ask, who, host, port)


async def test_affinity_and_policy_and_whom_a_balancer_is_for(both: Laboratory, proxy: ServiceProxy) -> None:
    await proxy.apply(of_both(both, 1, 2, 3, affinity_s=600))
    assert len({(await asyncio.to_thread(both.ask, "client", NODE_6, 30001))[0] for _ in range(10)}) == 1
    local: dict[str, object] = {"local_endpoints": ((both.pod_6(3), 8080),), "balancer_addresses": (BALANCER_6,)}

    def only_tcp(**more: object) -> Ruleset:
        whole = of_both(both, 1, 2, 3, **local, **more)
        services: dict[str, tuple[ServiceRules, ...]] = {"a/tcp": whole.services["a/tcp"]}
        return Ruleset(services=services, pod_cidr=whole.pod_cidr, pool=whole.pool, digest="e")

    await proxy.apply(only_tcp(allowed_sources=("fd77::/64",)))
    seen_as = NODE_BRIDGE_6 if proxy.mode == "userspace" else CLIENT_6
    for host, port in ((NODE_6, 30001), (BALANCER_6, 80)):  # the second is a neighbour's address: the node answers for it
        assert {await asyncio.to_thread(both.ask, "client", host, port, timeout_s=5) for _ in range(6)} == {("pod3", seen_as)}
    await proxy.apply(only_tcp(allowed_sources=("fd78::/64",)))
    with pytest.raises(OSError):
        await asyncio.to_thread(both.ask, "client", BALANCER_6, 80, timeout_s=0.5)
