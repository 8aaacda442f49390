"""Two clusters on one machine: the second is told what the first has, before anything is made."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from shipslog.engine.cli import up
from shipslog.engine.settings import resolved
from shipslog.runtime.containers.oci.layout import bridge_name
from shipslog.runtime.network import claimed_ranges
from shipslog.runtime.network.claimed_ranges import Claim, RangesTaken
from shipslog.store.log.sqlite import SqliteLog


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(claimed_ranges, "RUN", tmp_path / "run")
    monkeypatch.setattr(claimed_ranges, "LINKS", tmp_path / "links")
    (tmp_path / "links").mkdir()
    return tmp_path


def claim(data: Path, pods: str = "10.244.0.0/16", services: str = "10.96.0.0/16", ports: str = "30000-32767") -> Claim:
    return Claim(data=str(data), pod_cidr=pods, service_cidr=services, node_port_range=ports)


def lives(one: Claim) -> Claim:
    claimed_ranges.take(one)
    (claimed_ranges.LINKS / bridge_name(one.instance)).mkdir()
    return one


def test_what_is_the_same_is_named_with_options_that_go(places: Path) -> None:
    lives(claim(places / "one"))
    with pytest.raises(RangesTaken) as told:
        claimed_ranges.take(claim(places / "two"))
    message = str(told.value)
    assert f"the cluster in {places / 'one'} " in message and f"shipslog down --all --data {places / 'one'}" in message
    example = re.search(r"for example --pod-cidr (\S+) --service-cidr (\S+) --node-port-range ([\d-]+);", message)
    assert example is not None, message
    lives(claim(places / "two", *example.groups()))
    with pytest.raises(RangesTaken, match=r"the cluster in .*two has"):
        claimed_ranges.check(claim(places / "three", "10.1.0.0/16", "10.2.0.0/16", example.group(3)))


def test_ranges_of_either_family_clash(places: Path) -> None:
    lives(claim(places / "one", "10.1.0.0/16,fd00:1::/56", "10.2.0.0/16,fd00:2::/112", "1-2"))
    with pytest.raises(RangesTaken, match=r"--pod-cidr 10.3.0.0/16,fd00:1::/64 \(it has 10.1") as told:
        claimed_ranges.check(claim(places / "two", "10.3.0.0/16,fd00:1::/64", "10.4.0.0/16,fd00:4::/112", "3-4"))
    example = re.search(r"for example --pod-cidr (\S+);", str(told.value))
    assert example is not None and [":" in cidr for cidr in example[1].split(",")] == [False, True]
    claimed_ranges.check(claim(places / "two", example[1], "10.4.0.0/16,fd00:4::/112", "3-4"))


def test_what_another_version_claims_and_this_one_cannot_read_is_said(places: Path) -> None:
    lives(claim(places / "one", pods="10.1.0.0/16;by-name=two"))
    with pytest.raises(RangesTaken, match=r"one runs in another version.*Nothing was made.*down --all --data"):
        claimed_ranges.take(claim(places / "two"))
    claimed_ranges.take(claim(places / "one"))  # its own is written anew


@pytest.mark.parametrize(
    ("third", "clashing"),
    [
        (("10.244.128.0/17", "10.97.0.0/16", "1-2"), "--pod-cidr"),
        (("10.96.4.0/24", "10.97.0.0/16", "1-2"), "--pod-cidr"),
        (("10.1.0.0/16", "10.0.0.0/8", "1-2"), "--service-cidr"),
        (("10.1.0.0/16", "10.97.0.0/16", "32767-40000"), "--node-port-range"),
        (("10.1.0.0/16", "10.97.0.0/16", "32768-40000"), ""),
    ],
)
def test_each_on_its_own(third: tuple[str, str, str], clashing: str, places: Path) -> None:
    lives(claim(places / "one"))
    if not clashing:
        claimed_ranges.check(claim(places / "two", *third))
        return
    with pytest.raises(RangesTaken) as told:
        claimed_ranges.check(claim(places / "two", *third))
    assert set(re.findall(r"(--[a-z-]+) \S+ \(it has", str(told.value))) == {clashing}


def test_a_cluster_is_not_in_its_own_way(places: Path) -> None:
    lives(claim(places / "one"))
    claimed_ranges.take(claim(places / "one"))


async def test_it_counts_while_its_daemon_or_its_bridge_is_there(places: Path) -> None:
    one, two = claim(places / "one"), claim(places / "two")
    claimed_ranges.take(one)
    claimed_ranges.check(two)  # it has begun nothing
    async with await SqliteLog.open(places / "one" / "cluster.db"):
        with pytest.raises(RangesTaken):
            claimed_ranges.check(two)
    claimed_ranges.check(two)
    (claimed_ranges.LINKS / bridge_name(one.instance)).mkdir()
    with pytest.raises(RangesTaken):
        claimed_ranges.check(two)
    claimed_ranges.release(one)
    claimed_ranges.check(two)
    assert not list(claimed_ranges.RUN.iterdir())


@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_up_refuses_and_leaves_nothing(how: tuple[str, ...], places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolved, "shares_machine", lambda wanted: wanted == "oci")
    lives(claim(places / "one"))
    data = places / "two"
    told = CliRunner().invoke(up.command, [*how, "--runtime", "oci", "--data", str(data)])
    assert told.exit_code == 2 and told.output.startswith(f"shipslog: the cluster in {places / 'one'} "), told.output
    assert not data.exists() and len(os.listdir(claimed_ranges.RUN)) == 1


@pytest.mark.parametrize(("one", "other", "clash"), [("iptables", "userspace", True), ("nftables", "iptables", False)])
def test_chains_of_iptables_are_one_clusters(one: str, other: str, clash: bool, places: Path) -> None:
    first = claim(places / "one", "10.1.0.0/16", "10.2.0.0/16", "30000-30099")
    second = claim(places / "two", "10.3.0.0/16", "10.4.0.0/16", "31000-31099")
    lives(replace(first, proxy_mode=one))
    if clash:
        with pytest.raises(RangesTaken, match=r"for example --proxy-mode nftables;"):
            claimed_ranges.check(replace(second, proxy_mode=other))
    else:
        claimed_ranges.check(replace(second, proxy_mode=other))
