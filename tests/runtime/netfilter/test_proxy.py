"""The service proxy changes its mode at a restart."""

import asyncio
from pathlib import Path

import pytest

from shipslog.runtime.netfilter.proxy import MODES, NOTE, ServiceProxy

from .laboratory import NODE, Laboratory, run, said
from .modes import ruleset, tcp

pytestmark = pytest.mark.root
MARKS = {"nftables": "dnat to", "iptables": "KUBE-SVC-", "userspace": "KUBE-PORTALS-CONTAINER"}


def in_place(lab: Laboratory) -> set[str]:
    listed = run("ip", "netns", "exec", lab.ns("node"), "nft", "list", "ruleset") + run(
        "ip", "netns", "exec", lab.ns("node"), "iptables-nft-save", "-t", "nat"
    )
    return {
        mode for mode, mark in MARKS.items() if (mark in listed if mode != "nftables" else f"shipslog_{lab.mark}" in listed)
    }


async def test_another_mode_takes_over_and_removes_what_the_one_before_left(lab: Laboratory, tmp_path: Path) -> None:
    last: ServiceProxy | None = None
    for mode in (*MODES, *reversed(MODES[:-1])):
        proxy = ServiceProxy(mode, lab.mark, data=tmp_path, run=tmp_path / "run", netns=lab.ns("node"))
        await proxy.apply(ruleset(tcp(lab, 1)))
        assert in_place(lab) == {mode}
        assert (await asyncio.to_thread(lab.ask, "client", NODE, 30001))[0] == "pod1"
        await proxy.close(remove=False)
        assert (await asyncio.to_thread(lab.ask, "client", NODE, 30001))[0] == "pod1", "the rules work on alone"
        assert (tmp_path / NOTE).read_text() == f"{mode}\n"
        last = proxy
    assert last is not None
    await last.close(remove=True)
    assert in_place(lab) == set() and not (tmp_path / NOTE).exists()


@pytest.mark.parametrize("before, after", [("nftables", "iptables"), ("iptables", "nftables")])
async def test_connections_live_through_a_change_of_mode(lab: Laboratory, tmp_path: Path, before: str, after: str) -> None:
    """They are the kernel's, but for those that go through the process in user space."""
    first = ServiceProxy(before, lab.mark, data=tmp_path, run=tmp_path, netns=lab.ns("node"))
    await first.apply(ruleset(tcp(lab, 1)))
    with await asyncio.to_thread(lab.connect, "client", NODE, 30001) as client:
        assert said(client)[0] == "pod1"
        await first.close(remove=False)
        second = ServiceProxy(after, lab.mark, data=tmp_path, run=tmp_path, netns=lab.ns("node"))
        await second.apply(ruleset(tcp(lab, 1)))
        assert said(client)[0] == "pod1"
        await second.close(remove=True)


async def test_what_an_interrupted_change_left_is_removed_by_the_next(lab: Laboratory, tmp_path: Path) -> None:
    proxies = [ServiceProxy(m, lab.mark, data=tmp_path, run=tmp_path, netns=lab.ns("node")) for m in ("iptables", "nftables")]
    await proxies[0].apply(ruleset(tcp(lab, 1)))
    await proxies[0].close(remove=False)
    (tmp_path / NOTE).write_text("iptables\nnftables\n")  # a crash between the new rules and the end of the old
    await proxies[1].apply(ruleset(tcp(lab, 1)))
    assert in_place(lab) == {"nftables"}
    await proxies[1].close(remove=True)
