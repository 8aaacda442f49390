"""The contract of the packet rules' adapters: what holds for the kernel's holds for the recording."""

import os
import random
from collections.abc import AsyncIterator

import pytest

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.adapter import NetfilterAdapter, NetfilterFailed
from shipslog.runtime.netfilter.nftables import NftablesAdapter
from shipslog.runtime.netfilter.recording import RecordingAdapter
from shipslog.runtime.netfilter.service_elements import MARK_BASE

from .laboratory import laboratory

FIRST, SECOND = f" . {MARK_BASE:#010x}", f" . {MARK_BASE + 1:#010x}"


@pytest.fixture(params=["recording", pytest.param("nftables", marks=pytest.mark.root)])
async def adapter(request: pytest.FixtureRequest) -> AsyncIterator[NetfilterAdapter]:
    if request.param == "recording":
        yield RecordingAdapter()
        return
    if os.geteuid() != 0:
        pytest.skip("packet rules need root")
    with laboratory(pods=0) as lab:
        real = NftablesAdapter(lab.mark, netns=lab.ns("node"))
        yield real
        await real.close(remove=True)


def rule(name: str, number: int, *ports: int, **more: object) -> ServiceRules:
    fields: dict[str, object] = {
        "service": f"{name}:",
        "protocol": "tcp",
        "port": 80,
        "addresses": (f"10.96.0.{number}",),
        "endpoints": tuple((f"10.244.0.{port}", 8080) for port in ports),
    } | more
    return ServiceRules(**fields)  # type: ignore[arg-type]


def ruleset(pod_cidr: str = "10.244.0.0/16", **services: tuple[ServiceRules, ...]) -> Ruleset:
    return Ruleset(services=services, pod_cidr=pod_cidr, digest="d")


async def filled(adapter: NetfilterAdapter) -> dict[str, dict[str, str]]:
    return {name: dict(elements) for name, elements in (await adapter.sets()).items() if elements}


async def test_a_service_becomes_elements(adapter: NetfilterAdapter) -> None:
    await adapter.apply(ruleset(web=(rule("web", 1, 5, node_port=30001),), none=(rule("none", 2),)))
    assert await filled(adapter) == {
        "services_by_address": {"10.96.0.1 . tcp . 80": "goto address_foreign_1"},
        "services_by_port": {"tcp . 30001": "goto port_all_1"},
        "endpoints_by_address": {f"10.96.0.1 . tcp . 80{FIRST}": "10.244.0.5 . 8080"},
        "endpoints_by_port": {f"tcp . 30001{FIRST}": "10.244.0.5 . 8080"},
        "hairpin": {"10.244.0.5 . 10.244.0.5": ""},
        "refused_by_address": {"10.96.0.2 . tcp . 80": ""},
    }
    await adapter.apply(ruleset())
    assert await filled(adapter) == {}


async def test_an_endpoint_that_goes_is_replaced_in_its_place(adapter: NetfilterAdapter) -> None:
    await adapter.apply(ruleset(web=(rule("web", 1, 5, 6, 7),)))
    await adapter.apply(ruleset(web=(rule("web", 1, 6, 7),)))
    held = (await filled(adapter))["endpoints_by_address"]
    assert held == {f"10.96.0.1 . tcp . 80{FIRST}": "10.244.0.7 . 8080", f"10.96.0.1 . tcp . 80{SECOND}": "10.244.0.6 . 8080"}


async def test_two_services_that_claim_one_address_take_turns(adapter: NetfilterAdapter) -> None:
    one, two = rule("a", 1, 5, external_addresses=("1.2.3.4",)), rule("b", 2, 6, external_addresses=("1.2.3.4",))
    await adapter.apply(ruleset(b=(two,)))
    await adapter.apply(ruleset(a=(one,), b=(two,)))
    assert (await filled(adapter))["endpoints_by_address"][f"1.2.3.4 . tcp . 80{FIRST}"] == "10.244.0.5 . 8080"
    await adapter.apply(ruleset(b=(two,)))
    assert (await filled(adapter))["endpoints_by_address"][f"1.2.3.4 . tcp . 80{FIRST}"] == "10.244.0.6 . 8080"


async def test_what_is_refused_changes_nothing(adapter: NetfilterAdapter) -> None:
    await adapter.apply(ruleset(web=(rule("web", 1, 5),)))
    before = await filled(adapter)
    for bad in (ruleset(web=(rule("web", 1, 6, addresses=("ten.example",)),)), ruleset(pod_cidr="10.244.0.1/16")):
        with pytest.raises(NetfilterFailed, match=r"rules are as before|has host bits"):
            await adapter.apply(bad)
        assert await filled(adapter) == before


async def test_another_pod_range_rebuilds_the_frame(adapter: NetfilterAdapter) -> None:
    await adapter.apply(ruleset(web=(rule("web", 1, 5),)))
    before = await filled(adapter)
    await adapter.apply(ruleset(pod_cidr="10.245.0.0/16", web=(rule("web", 1, 5),)))
    assert await filled(adapter) == before


@pytest.mark.parametrize("seed", range(4))
async def test_the_path_does_not_matter(adapter: NetfilterAdapter, seed: int) -> None:
    """After any changes the sets are those of a fresh load; only the order of indexes may differ."""
    draw, services = random.Random(seed), dict[str, tuple[ServiceRules, ...]]()
    for _ in range(25):
        for _ in range(draw.randint(1, 3)):
            number = draw.randint(1, 6)
            name = f"s{number}"
            if draw.random() < 0.2:
                services.pop(name, None)
                continue
            ends = draw.sample(range(5, 12), draw.randint(0, 4))
            local = tuple((f"10.244.0.{n}", 8080) for n in ends[:1]) if draw.random() < 0.4 else None
            services[name] = (
                rule(
                    name,
                    number,
                    *sorted(ends),
                    node_port=draw.choice((0, 30000 + number)),
                    local_endpoints=local,
                    external_addresses=draw.choice(((), (f"1.2.3.{number}",))),
                    protocol=draw.choice(("tcp", "udp", "sctp")),
                    affinity_s=draw.choice((0, 0, 60)),
                ),
            )
        await adapter.apply(ruleset(**services))
        fresh = RecordingAdapter()
        await fresh.apply(ruleset(**services))
        assert unordered(await filled(adapter)) == unordered(await filled(fresh))


def unordered(sets: dict[str, dict[str, str]]) -> dict[str, object]:
    result: dict[str, object] = dict(sets)
    for name in ("endpoints_by_address", "endpoints_by_port"):
        held = [(key.rsplit(" . ", 1)[0], key[-8:-6], value) for key, value in sets.get(name, {}).items()]
        result[name] = sorted(held)
    return result


async def test_the_recording_counts_what_a_change_touches() -> None:
    adapter = RecordingAdapter()
    services = {f"s{n}": (rule(f"s{n}", n, 5, 6),) for n in range(1, 200)}
    await adapter.apply(ruleset(**services))
    await adapter.apply(ruleset(**services | {"s7": (rule("s7", 7, 5, 6, 8),)}))
    assert adapter.touched == 3 and adapter.applied == 2  # the verdict, the new endpoint, its hairpin
    assert adapter.endpoints("10.96.0.7", "tcp", 80) == (("10.244.0.5", 8080), ("10.244.0.6", 8080), ("10.244.0.8", 8080))


async def test_the_recording_fails_when_told() -> None:
    adapter = RecordingAdapter()
    adapter.fail_next = "no luck"
    with pytest.raises(NetfilterFailed, match="no luck"):
        await adapter.apply(ruleset())
    await adapter.apply(ruleset())
