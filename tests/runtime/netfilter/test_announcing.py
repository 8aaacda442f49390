"""Neighbours of the node find load balancers at addresses of their own network."""

import asyncio
from pathlib import Path

import pytest

from shipslog.runtime.commands import Ruleset
from shipslog.runtime.netfilter.proxy import ServiceProxy
from shipslog.runtime.network.announcing import Announced

from .laboratory import CLIENT, Laboratory, inside, run
from .modes import ruleset, tcp

pytestmark = pytest.mark.root
FIRST, SECOND, ELSEWHERE = "192.168.77.200", "192.168.77.201", "198.51.100.1"


def balanced(lab: Laboratory, *addresses: str) -> Ruleset:
    rules = ruleset(tcp(lab, 2, balancer_addresses=addresses))
    return Ruleset(services=rules.services, pod_cidr=rules.pod_cidr, pool="192.168.77.200-192.168.77.210", digest="d")


def answered_for(lab: Laboratory) -> list[str]:
    listed = run("ip", "-n", lab.ns("node"), "neigh", "show", "proxy")
    return sorted(line.split()[0] for line in listed.splitlines())


async def reached(lab: Laboratory, address: str) -> bool:
    """As a neighbour does who has never heard of it."""
    await asyncio.to_thread(run, "ip", "-n", lab.ns("client"), "neigh", "flush", "dev", "eth0")
    try:
        return (await asyncio.to_thread(lab.ask, "client", address, 80, timeout_s=5))[0] == "pod2"
    except OSError:
        return False


async def test_a_neighbour_reaches_a_load_balancer_for_as_long_as_it_is_there(lab: Laboratory, tmp_path: Path) -> None:
    made = [ServiceProxy("nftables", lab.mark, data=tmp_path, run=tmp_path, netns=lab.ns("node"), bridge="br0") for _ in "abc"]
    assert not await reached(lab, FIRST)
    await made[0].apply(balanced(lab, FIRST, ELSEWHERE))
    assert await reached(lab, FIRST) and answered_for(lab) == [FIRST]
    with pytest.raises(OSError):  # what else listens on the node is not to be had at that address
        lab.serve_tcp("node", 8008)
        await asyncio.to_thread(lab.ask, "client", FIRST, 8008, timeout_s=0.5)
    assert (await asyncio.to_thread(lab.ask, "client", "192.168.77.1", 8008))[0] == "node"
    await made[0].apply(balanced(lab, SECOND))
    assert answered_for(lab) == [SECOND] and await reached(lab, SECOND)
    await made[0].close(remove=False)
    assert await reached(lab, SECOND), "it goes on without a daemon"
    await made[1].apply(balanced(lab, FIRST))
    assert answered_for(lab) == [FIRST], "the next takes back what an earlier one answered for"
    await made[1].close(remove=False)
    await made[2].close(remove=True)
    assert answered_for(lab) == []
    assert FIRST not in await asyncio.to_thread(run, "ip", "-n", lab.ns("node"), "route", "show")


async def test_its_way_comes_back_with_the_bridge(lab: Laboratory, tmp_path: Path) -> None:
    proxy = ServiceProxy("nftables", lab.mark, data=tmp_path, run=tmp_path, netns=lab.ns("node"), bridge="br0")
    await proxy.bridge_made()  # nothing leads to it yet
    await proxy.apply(balanced(lab, FIRST))
    await asyncio.to_thread(run, "ip", "-n", lab.ns("node"), "route", "del", FIRST)  # as when the bridge was deleted
    await proxy.bridge_made()
    assert FIRST in await asyncio.to_thread(run, "ip", "-n", lab.ns("node"), "route", "show") and await reached(lab, FIRST)
    await proxy.close(remove=True)


def test_an_address_is_announced_where_its_network_is(lab: Laboratory, tmp_path: Path) -> None:
    def both() -> list[str]:
        from shipslog.runtime.network.announcing import link_of

        announced = Announced("br0", tmp_path / "note")
        announced.renew([ELSEWHERE])
        return [link_of(address, but="br0") for address in (FIRST, CLIENT, ELSEWHERE, lab.pod(1), "fd00::1")]

    assert inside(lab.ns("node"), both) == ["out", "out", "", "", ""]
    assert not (tmp_path / "note").exists()
