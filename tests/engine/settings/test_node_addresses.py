"""A node's addresses by the families of its cluster."""

from pathlib import Path

import pytest

from shipslog.engine.daemon import netloc
from shipslog.engine.settings import Settings
from shipslog.engine.settings import node_addresses as addresses
from shipslog.runtime.choice import UNMOVED, pod_cidr_of_node

DUAL = "10.244.0.0/16,fd00:10:244::/56"


def settings(**given: object) -> Settings:
    return Settings(data=Path("/nowhere"), **given)  # type: ignore[arg-type]


def test_where_the_api_listens() -> None:
    assert addresses.everywhere(settings()) == "0.0.0.0"
    assert addresses.everywhere(settings(pod_cidr=DUAL)) == addresses.everywhere(settings(pod_cidr="fd00::/56")) == "::"
    assert (netloc("::1", 6443), netloc("127.0.0.1", 6443)) == ("[::1]:6443", "127.0.0.1:6443")


def test_a_nodes_part_of_each_range() -> None:
    assert pod_cidr_of_node(DUAL) == "10.244.0.0/24,fd00:10:244::/64"
    masks = addresses.masks_of(settings(node_cidr_mask_size_ipv4=20, node_cidr_mask_size_ipv6=72))
    assert pod_cidr_of_node(f"{DUAL}", masks) == "10.244.0.0/20,fd00:10:244::/72"
    assert pod_cidr_of_node("fd00:10:244::/112") == "fd00:10:244::/112", "all of a smaller one"


def test_what_is_given_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(pod_cidr=DUAL, node_ip="192.0.2.1,2001:db8::1")
    assert addresses.node_addresses(given, UNMOVED) == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("six", "pods", "runtime", "found"),
    [
        ("2001:db8::7", DUAL, "oci", ("192.0.2.1", "2001:db8::7")),
        ("", DUAL, "oci", ("192.0.2.1", "fd00:10:244::1")),
        ("", DUAL, "cri", ("192.0.2.1",)),
        ("", "fd00:10:244::/56", "process", ("::1",)),
        ("", "fd00:10:244::/56", "oci", ("fd00:10:244::1",)),
        ("2001:db8::7", "10.244.0.0/16", "oci", ("192.0.2.1",)),
        ("2001:db8::7", "fd00::/56,10.244.0.0/16", "oci", ("2001:db8::7", "192.0.2.1")),
    ],
)
def test_the_machines_own(six: str, pods: str, runtime: str, found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody outside reaches the machine by IPv6, its pods reach it at their bridge."""
    monkeypatch.setattr("shipslog.runtime.machine.node_facts.main_address", lambda: "192.0.2.1")
    monkeypatch.setattr("shipslog.runtime.machine.node_facts._main_address_6", lambda: six)
    assert addresses.node_addresses(settings(pod_cidr=pods, runtime=runtime), UNMOVED) == found
