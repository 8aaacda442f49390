"""Pools of addresses as people write them."""

import ipaddress
from itertools import islice

import pytest

from shipslog.store.address_pool import from_place, holds, ranges_of


@pytest.mark.parametrize(
    "text, version, addresses",
    [
        ("10.0.0.8/30", 4, ["10.0.0.9", "10.0.0.10"]),
        ("10.0.0.8/31", 4, ["10.0.0.8", "10.0.0.9"]),
        ("10.0.0.7", 4, ["10.0.0.7"]),
        ("10.0.0.254-10.0.1.1, fd00::/126", 4, ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]),
        ("10.0.0.254-10.0.1.1, fd00::/126", 6, ["fd00::", "fd00::1", "fd00::2", "fd00::3"]),
        ("10.0.0.1-10.0.0.2,10.0.0.9-10.0.0.9", 4, ["10.0.0.1", "10.0.0.2", "10.0.0.9"]),
        ("", 4, []),
    ],
)
def test_what_is_in_a_pool(text: str, version: int, addresses: list[str]) -> None:
    assert list(from_place(text, version, 0)) == addresses
    assert all(holds(text, address) for address in addresses)
    assert sorted(from_place(text, version, 10**9 + 1)) == sorted(addresses), "from any place all of them, once"


def test_what_is_not() -> None:
    assert not holds("10.0.0.8/30", "10.0.0.8") and not holds("10.0.0.8/30", "fd00::9")


@pytest.mark.parametrize("text", ["10.0.0.2-10.0.0.1", "10.0.0.1-fd00::1", "x", "10.0.0.0/33", "1-2"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="'"):
        ranges_of(text)


def test_a_large_one_costs_nothing() -> None:
    assert list(islice(from_place("fd00::/64", 6, 5), 1)) == ["fd00::5"]


def test_whether_they_share_an_address() -> None:
    (part,) = ranges_of("10.0.0.250-10.0.1.5")
    assert part.meets(ipaddress.ip_network("10.0.1.0/24")) and not part.meets(ipaddress.ip_network("10.0.2.0/24"))
    assert not part.meets(ipaddress.ip_network("fd00::/8"))
