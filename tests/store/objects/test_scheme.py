"""Kinds as a value: one more, one less, and the schemes of before do not notice."""

import pytest

from shipslog.store.objects import core_v1
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind


def ship(version: str = "v1") -> Kind:
    return Kind(group="fleet.example", version=version, kind="Ship", plural="ships", singular="ship", type=core_v1.ConfigMap)


def test_a_kind_names_itself() -> None:
    kind = ship()
    assert (kind.resource, kind.api_version, kind.list_kind) == ("ships.fleet.example", "fleet.example/v1", "ShipList")
    assert kind.head == b'{"kind":"Ship","apiVersion":"fleet.example/v1",'


def test_a_scheme_with_one_more_kind_is_another_scheme() -> None:
    fleet = BUILTIN.with_kind(ship())
    assert fleet.find("fleet.example", "v1", "ships") is fleet.by_gvk("fleet.example/v1", "Ship")
    assert fleet.serves("fleet.example", "v1") and "fleet.example" in fleet.groups()
    assert not BUILTIN.knows("ships.fleet.example") and BUILTIN.find("fleet.example", "v1", "ships") is None
    newer = fleet.with_kind(ship("v2"))
    assert newer.versions("fleet.example") == ("v2",) and fleet.versions("fleet.example") == ("v1",)
    assert not newer.without("ships.fleet.example").serves("fleet.example", "v2")


def test_kinds_may_share_a_struct() -> None:
    fleet = BUILTIN.with_kind(ship())
    assert fleet.of(core_v1.ConfigMap).kind == "ConfigMap"
    assert fleet.of(core_v1.ConfigMap(api_version="fleet.example/v1", kind="Ship")).plural == "ships"
    with pytest.raises(KeyError):
        fleet.of(core_v1.ConfigMap(api_version="fleet.example/v1", kind="Boat"))
    assert BUILTIN.of_type(core_v1.PodSpec) is None
