"""Kinds as a value: one more, one less, and the schemes of before do not notice."""

import pytest

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.types import core_v1


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


def test_a_type_is_loaded_when_it_is_first_asked_for() -> None:
    kind = Kind(kind="LeaseCandidate", plural="leasecandidates", singular="x", type="coordination_v1beta1:LeaseCandidate")
    scheme = Scheme([kind, Kind(kind="Pod", plural="pods", singular="pod", type="core_v1:Pod")])
    assert scheme.find("", "v1", "leasecandidates") is kind and scheme.named("leasecandidates") is kind
    assert scheme.of_type(core_v1.Pod) is not None and scheme.of_type(core_v1.ConfigMap) is None
    assert not kind.is_loaded
    assert scheme.of(kind.type) is kind and kind.is_loaded


def test_a_type_of_the_same_name_is_another_type() -> None:
    class Pod(core_v1.Pod, frozen=True, kw_only=True): ...

    Pod.__module__ = "elsewhere.core_v1"
    assert BUILTIN.of_type(Pod) is None and BUILTIN.of_type(core_v1.Pod) is BUILTIN.by_resource("pods")
