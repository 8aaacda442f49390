"""What others do to our tables is undone, and what we do ourselves is not taken for theirs. The kernel is real."""

import asyncio
import threading
from typing import Any

import pytest

from shipslog.runtime.commands import PortMapping, Ruleset, ServiceRules
from shipslog.runtime.netfilter import guarded_table
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.family import IPV4
from shipslog.runtime.netfilter.guarded_table import GuardedTable
from shipslog.runtime.netfilter.nftables import NftablesAdapter
from shipslog.runtime.network.nat import Nat, NatFailed
from tests.logs import capture_logs

from .laboratory import POD_CIDR, Laboratory, run

pytestmark = pytest.mark.root
VIP = "10.96.0.10"


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_table, "REST_S", 0.01)


def ruleset(lab: Laboratory, *pods: int, **more: Any) -> Ruleset:
    rule = ServiceRules(
        service="default/web:", protocol="tcp", port=80, addresses=(VIP,), endpoints=tuple((lab.pod(n), 8080) for n in pods),
        **more,
    )  # fmt: skip
    return Ruleset(services={"default/web": (rule,)}, pod_cidr=POD_CIDR, digest="d")


def meddle(lab: Laboratory, text: str) -> None:
    run("ip", "netns", "exec", lab.ns("node"), "nft", "-f", "-", stdin=text)


def listed(lab: Laboratory, table: str) -> str:
    return run("ip", "netns", "exec", lab.ns("node"), "nft", "list", "table", "ip", table)


async def restored(lab: Laboratory, table: str, before: str) -> None:
    """Within a second, and some more for a slow machine."""
    async with asyncio.timeout(40):
        while True:
            try:
                if await asyncio.to_thread(listed, lab, table) == before:
                    return
            except AssertionError:
                pass  # no such table
            await asyncio.sleep(0.02)


MEDDLING = (
    "flush ruleset",
    "delete table ip {table}",
    "flush table ip {table}",
    "flush chain ip {table} {chain}",
    "flush map ip {table} {map}",
    "delete element ip {table} {map} {{ {element} }}",
    "add rule ip {table} {chain} drop",
)


async def test_the_rules_of_services_are_repaired(lab: Laboratory, nft: NftablesAdapter) -> None:
    await nft.apply(ruleset(lab, 2))
    before = await asyncio.to_thread(listed, lab, nft.table)
    names = {"table": nft.table, "chain": "postrouting", "map": "services_by_address", "element": f"{VIP} . tcp . 80"}
    for text in MEDDLING:
        await asyncio.to_thread(meddle, lab, text.format(**names))
        await restored(lab, nft.table, before)
        assert (await asyncio.to_thread(lab.ask, "pod1", VIP, 80))[0] == "pod2", text
    await nft.apply(ruleset(lab, 3))
    assert (await asyncio.to_thread(lab.ask, "pod1", VIP, 80))[0] == "pod3", "and changes go on from there"


async def test_what_is_deleted_while_we_change_something_comes_back(lab: Laboratory, nft: NftablesAdapter) -> None:
    """It is heard of together with our own change, and nobody else tells of it again."""
    await nft.apply(ruleset(lab, 2))
    before = await asyncio.to_thread(listed, lab, nft.table)
    kept = nft.of[IPV4]._kept

    def at_once() -> None:
        assert kept._monitor is not None
        with kept._monitor.own_change():
            kept.session.run(f"add chain ip {nft.table} ours\ndelete chain ip {nft.table} ours\n")
            meddle(lab, f"flush table ip {nft.table}")

    assert kept._thread is not None
    kept._thread.submit(at_once).result(30)  # the loop stands still meanwhile: it does not see that there is something to read
    await restored(lab, nft.table, before)


async def test_the_masquerade_table_is_repaired_with_its_host_ports(lab: Laboratory) -> None:
    nat = Nat(lab.mark, bridge="br0", pod_cidr="10.244.0.0/24", cluster_cidr=POD_CIDR, netns=lab.ns("node"))
    port = PortMapping(protocol="TCP", container_port=8080, host_port=4080)
    await nat.load({lab.pod(1): (port,)})
    await nat.map_ports((lab.pod(2),), (PortMapping(protocol="TCP", container_port=8080, host_port=4081),))
    with pytest.raises(NatFailed):
        await nat.map_ports((lab.pod(3),), (port,))
    await nat.unmap_ports((lab.pod(3),), (port,))  # what it did not get stays the first one's
    before = await asyncio.to_thread(listed, lab, nat.table)
    assert f"{lab.pod(1)} . 8080" in before and f"{lab.pod(2)} . 8080" in before
    names = {"table": nat.table, "chain": "postrouting", "map": "any_address", "element": "tcp . 4080"}
    for text in MEDDLING:
        await asyncio.to_thread(meddle, lab, text.format(**names))
        await restored(lab, nat.table, before)
    await nat.close(remove=True)
    with pytest.raises(AssertionError):
        listed(lab, nat.table)


async def test_our_own_changes_are_none_of_others(lab: Laboratory, nft: NftablesAdapter) -> None:
    """Not even while somebody changes other tables all the time; and what packets do counts for nothing."""
    await nft.apply(ruleset(lab, 2, affinity_s=60))

    def others() -> None:
        for _ in range(20):
            meddle(lab, "add table ip elsewhere\nadd chain ip elsewhere c\ndelete table ip elsewhere")

    with capture_logs() as logs:
        busy = asyncio.ensure_future(asyncio.to_thread(others))
        for n in range(30):
            await nft.apply(ruleset(lab, 2 + n % 2, affinity_s=60))
            await asyncio.to_thread(lab.ask, "pod1", VIP, 80)
        await busy
        await asyncio.sleep(3 * guarded_table.SETTLE_S)
    assert not [entry for entry in logs if entry["event"] == "packet_rules_restored"]


async def test_tables_of_ours_that_begin_at_once_are_not_each_others_meddlers(lab: Laboratory) -> None:
    """Those of two families do, each in its thread, before either knows which changes are its own."""
    first, second = (GuardedTable(f"shipslog_{name}", lambda: None, netns=lab.ns("node")) for name in ("one", "other"))
    done = threading.Event()

    def meanwhile() -> None:
        second.change("add table ip shipslog_other\nadd chain ip shipslog_other c")
        done.set()

    def change() -> bool:
        monitor = first._monitor
        assert monitor is not None
        with monitor.own_change():
            asyncio.run_coroutine_threadsafe(second.run(meanwhile), loop)
            done.wait(0.5)  # it may not come between
            first.session.run("add table ip shipslog_one\nadd chain ip shipslog_one c")
        return monitor.meddled()

    loop = asyncio.get_running_loop()
    await second.run(lambda: second.session)
    async with asyncio.timeout(40):
        assert not await first.run(change)
        assert not await second.run(lambda: second.meddled()) and await asyncio.to_thread(done.wait, 30)
    for table in (first, second):
        await table.close()


async def test_a_repair_that_fails_is_tried_again(
    lab: Laboratory, nft: NftablesAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await nft.apply(ruleset(lab, 2))
    before = await asyncio.to_thread(listed, lab, nft.table)
    table = nft.of[IPV4]
    load, failures = table._load, 0

    def fail_once(wanted: Ruleset) -> None:
        nonlocal failures
        failures += 1
        if failures == 1:
            raise NetfilterFailed("busy")
        load(wanted)

    monkeypatch.setattr(table, "_load", fail_once)
    with capture_logs() as logs:
        await asyncio.to_thread(meddle, lab, "flush ruleset")
        await restored(lab, nft.table, before)
    assert failures == 2 and "task_begins_again" in [entry["event"] for entry in logs]
