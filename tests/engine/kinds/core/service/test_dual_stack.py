"""Services of two families: what they get, what may change of it, and Kubernetes' words for what may not."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.store.refusals import Refusal

V4, V6 = "10.96.0.0/16", "fd00:10:96::/112"


@pytest.fixture
def dual(world: Any) -> Any:
    world.view.config = replace(world.view.config, service_cidr=f"{V4},{V6}")
    return world


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}], **spec}}


def kinds(addresses: tuple[str, ...]) -> str:
    return "".join("6" if ":" in address else "4" for address in addresses)


@pytest.mark.parametrize(
    ("spec", "families", "policy"),
    [
        ({}, "4", "SingleStack"),
        ({"ipFamilies": ["IPv6"]}, "6", "SingleStack"),
        ({"ipFamilyPolicy": "PreferDualStack"}, "46", "PreferDualStack"),
        ({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}, "64", "RequireDualStack"),
        ({"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"]}, "64", "PreferDualStack"),
        ({"clusterIP": "fd00:10:96::77"}, "6", "SingleStack"),
        ({"clusterIP": "fd00:10:96::77", "ipFamilyPolicy": "PreferDualStack"}, "64", "PreferDualStack"),
        ({"clusterIPs": ["10.96.9.9", "fd00:10:96::78"], "ipFamilyPolicy": "RequireDualStack"}, "46", "RequireDualStack"),
        ({"type": "NodePort", "ipFamilyPolicy": "RequireDualStack"}, "46", "RequireDualStack"),
    ],
)
def test_what_it_gets(dual: Any, spec: dict[str, Any], families: str, policy: str) -> None:
    if "clusterIPs" in spec:
        spec = {**spec, "clusterIP": spec["clusterIPs"][0]}
    made = dual.create("services", service(**spec)).spec
    assert kinds(made.cluster_ips) == families and made.cluster_ip == made.cluster_ips[0]
    assert tuple(f"IPv{n}" for n in families) == made.ip_families and made.ip_family_policy == policy


@pytest.mark.parametrize(("ranges", "families"), [(V6, ("IPv6",)), (f"{V6},{V4}", ("IPv6",)), (V4, ("IPv4",))])
def test_the_primary_family_is_the_default(world: Any, ranges: str, families: tuple[str, ...]) -> None:
    world.view.config = replace(world.view.config, service_cidr=ranges)
    assert world.create("services", service()).spec.ip_families == families
    both = world.create("services", service("b", ipFamilyPolicy="PreferDualStack")).spec
    assert len(both.cluster_ips) == len(ranges.split(",")) and both.ip_family_policy == "PreferDualStack"


def test_headless(dual: Any) -> None:
    one = dual.create("services", service(clusterIP="None")).spec
    assert (one.ip_families, one.ip_family_policy, one.cluster_ips) == (("IPv4",), "SingleStack", ("None",))
    both = dual.create("services", service("b", clusterIP="None", ipFamilyPolicy="RequireDualStack")).spec
    assert (both.ip_families, both.cluster_ips) == (("IPv4", "IPv6"), ("None",))
    free = dual.create("services", service("c", clusterIP="None", selector=None, ipFamilies=["IPv6"])).spec
    assert (free.ip_families, free.ip_family_policy) == (("IPv6", "IPv4"), "RequireDualStack")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"},
            "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
        ),
        (
            {"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9", "fd00:10:96::9"]},
            "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
        ),
        ({"clusterIP": "fd00:10:97::9"}, "provided IP is not in the valid range. The range of valid IPs is fd00:10:96::/112"),
        (
            {"clusterIP": "10.96.9.9", "ipFamilies": ["IPv6"]},
            'spec.clusterIPs[0]: Invalid value: "10.96.9.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
        ),
    ],
)
def test_refused_in_kubernetes_words(dual: Any, spec: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal) as told:
        dual.create("services", service(**spec))
    assert words in str(told.value)


def test_one_family_is_not_the_other(world: Any) -> None:
    for spec, words in (
        ({"ipFamilyPolicy": "RequireDualStack"}, "this cluster is not configured for dual-stack services"),
        ({"ipFamilies": ["IPv6"]}, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        ({"clusterIP": "fd00::1"}, "IPv6 is not configured on this cluster"),
    ):
        with pytest.raises(Refusal) as told:
            world.create("services", service(**spec))
        assert words in str(told.value)


def test_up_to_two_and_down_to_one(dual: Any) -> None:
    one = dual.create("services", service())
    up = dual.change(one, spec={"ipFamilyPolicy": "PreferDualStack"})
    assert up.spec.cluster_ips[0] == one.spec.cluster_ip and kinds(up.spec.cluster_ips) == "46"
    assert up.spec.ip_families == ("IPv4", "IPv6")
    with pytest.raises(Refusal, match="must be 'SingleStack' to release the secondary cluster IP"):
        dual.change(up, spec={"clusterIPs": [up.spec.cluster_ip]})
    with pytest.raises(Refusal, match="must be 'SingleStack' to release the secondary IP family"):
        dual.change(up, spec={"ipFamilies": ["IPv4"]})
    down = dual.change(up, spec={"ipFamilyPolicy": "SingleStack"})
    assert down.spec.cluster_ips == one.spec.cluster_ips and down.spec.ip_families == ("IPv4",)
    asked = {"ipFamilyPolicy": "RequireDualStack", "clusterIPs": [one.spec.cluster_ip, "fd00:10:96::99"]}
    assert dual.change(down, spec=asked).spec.cluster_ips == (one.spec.cluster_ip, "fd00:10:96::99")


def test_the_primary_one_never_changes(dual: Any) -> None:
    both = dual.create("services", service(ipFamilyPolicy="RequireDualStack"))
    four, six = both.spec.cluster_ips
    with pytest.raises(Refusal, match="may not change once set"):
        dual.change(both, spec={"clusterIP": six, "clusterIPs": [six, four], "ipFamilies": ["IPv6", "IPv4"]})
    with pytest.raises(Refusal, match="may not change once set"):
        dual.change(both, spec={"clusterIPs": [four, "fd00:10:96::55"]})
    replaced = dual.update(both, dual.decode("services", service(ipFamilyPolicy="RequireDualStack")))
    assert replaced.spec.cluster_ips == (four, six), "a replacement without allocated values keeps them"


def test_one_that_prefers_two_stays_as_it_is_when_the_cluster_gets_two(world: Any) -> None:
    old = world.create("services", service(ipFamilyPolicy="PreferDualStack"))
    assert kinds(old.spec.cluster_ips) == "4"
    world.view.config = replace(world.view.config, service_cidr=f"{V4},{V6}")
    same = world.change(old, metadata={"labels": {"a": "b"}})
    assert same.spec == old.spec
    assert kinds(world.change(same, spec={"ipFamilyPolicy": "RequireDualStack"}).spec.cluster_ips) == "46"


def test_type_changes(dual: Any) -> None:
    both = dual.create("services", service(ipFamilyPolicy="PreferDualStack"))
    named = dual.change(both, spec={"type": "ExternalName", "externalName": "a.example"})
    assert (named.spec.cluster_ips, named.spec.ip_families, named.spec.ip_family_policy) == ((), (), None)
    back = dual.change(named, spec={"type": "ClusterIP", "externalName": None, "ipFamilyPolicy": "RequireDualStack"})
    assert kinds(back.spec.cluster_ips) == "46"


def test_a_range_of_services_gets_its_second_family(world: Any) -> None:
    one = world.create("servicecidrs", {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/24"]}})
    two = world.change(one, spec={"cidrs": ["10.97.0.0/24", "fd00:10:97::/112"]})
    assert two.spec.cidrs == ("10.97.0.0/24", "fd00:10:97::/112")
    with pytest.raises(Refusal, match="immutable"):
        world.change(two, spec={"cidrs": ["10.97.0.0/24"]})
    with pytest.raises(Refusal, match="immutable"):
        world.change(one, spec={"cidrs": ["10.98.0.0/24", "fd00:10:97::/112"]})
