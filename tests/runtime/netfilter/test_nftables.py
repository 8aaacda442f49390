"""What is nftables' own; what every mode of the proxy does is in test_packets.py."""

import asyncio
from collections import Counter

import pytest

from shipslog.runtime.netfilter.nftables import NftablesAdapter

from .laboratory import NODE, Laboratory, run
from .modes import ruleset, tcp

pytestmark = pytest.mark.root


async def asked(lab: Laboratory, who: str, host: str, port: int, times: int = 1) -> Counter[str]:
    return Counter([(await asyncio.to_thread(lab.ask, who, host, port))[0] for _ in range(times)])


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


async def test_clients_follow_their_endpoint_when_others_go(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(tcp(lab, 1, 2, 3, affinity_s=600)))
    (mine,) = await asked(lab, "client", NODE, 30001)
    others = [n for n in (1, 2, 3) if f"pod{n}" != mine]
    kept = tuple(n for n in (1, 2, 3) if n != others[0])
    await nft.apply(ruleset(tcp(lab, *kept, affinity_s=600)))
    assert set(await asked(lab, "client", NODE, 30001, times=10)) == {mine}
    await nft.apply(ruleset(tcp(lab, *others, affinity_s=600)))  # its own goes: one of the others takes it, for good
    moved_to = await asked(lab, "client", NODE, 30001, times=10)
    assert len(moved_to) == 1 and set(moved_to) <= {f"pod{n}" for n in others}
