"""Pods' addresses: both families at the same place, none twice, round and round."""

from pathlib import Path

import pytest

from shipslog.runtime.network.addresses import Addresses, AddressesExhausted
from shipslog.runtime.network.netlink import hardware_address


def test_both_families_have_the_same_place(tmp_path: Path) -> None:
    both = Addresses("10.244.0.0/24,fd00:10:244::/64", tmp_path / "next")
    assert both.gateways == ("10.244.0.1", "fd00:10:244::1")
    assert both.interfaces == ("10.244.0.1/24", "fd00:10:244::1/64")
    assert [both.take(f"u{i}") for i in range(2)] == [
        ("10.244.0.2", "fd00:10:244::2"),
        ("10.244.0.3", "fd00:10:244::3"),
    ]
    again = Addresses("10.244.0.0/24,fd00:10:244::/64", tmp_path / "next")
    assert again.take("u2") == ("10.244.0.4", "fd00:10:244::4"), "the round goes on where it was"


def test_the_smaller_range_says_how_many(tmp_path: Path) -> None:
    both = Addresses("fd00::/64,10.0.0.0/29", tmp_path / "next")
    taken = [both.take(f"u{i}") for i in range(5)]
    assert [four for _, four in taken] == [f"10.0.0.{i}" for i in range(2, 7)]
    with pytest.raises(AddressesExhausted, match=r"all 5 addresses of fd00::/64 and 10.0.0.0/29"):
        both.take("more")
    both.release(taken[3][0], "another's")
    with pytest.raises(AddressesExhausted):
        both.take("more")
    both.release(taken[3][0], "u3")
    assert both.take("more") == taken[3]


def test_hardware_addresses_follow_the_primary_address() -> None:
    assert hardware_address("10.244.0.2") == bytes.fromhex("0a580af40002")
    assert hardware_address("fd00:10:244::2") == bytes.fromhex("0a5800000002")
