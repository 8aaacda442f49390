"""Kubernetes' DNS specification (1.1.0) as a table, asked with dig: what a name means in the cluster of conftest.py."""

import pytest

from .conftest import Asked

D = "cluster.local"
S = f"svc.{D}"
OK, NO = "NOERROR", "NXDOMAIN"

TABLE: list[tuple[str, str, str, list[str]]] = [
    # 2.1 the schema's version
    (f"dns-version.{D}", "TXT", OK, [f'dns-version.{D}. TXT "1.1.0"']),
    (f"dns-version.{D}", "A", OK, []),
    # 2.3.1 a Service with a cluster address
    (f"web.default.{S}", "A", OK, [f"web.default.{S}. A 10.96.0.80"]),
    (f"WeB.Default.{S}", "A", OK, [f"WeB.Default.{S}. A 10.96.0.80"]),
    (f"web.default.{S}", "AAAA", OK, []),
    (f"web.default.{S}", "TXT", OK, []),
    (f"web.other.{S}", "A", NO, []),
    (f"nobody.default.{S}", "A", NO, []),
    # 2.3.2 its ports
    (f"_http._tcp.web.default.{S}", "SRV", OK, [f"_http._tcp.web.default.{S}. SRV 0 100 80 web.default.{S}."]),
    (f"_dns._udp.web.default.{S}", "SRV", OK, [f"_dns._udp.web.default.{S}. SRV 0 100 53 web.default.{S}."]),
    (f"_dns._tcp.web.default.{S}", "SRV", NO, []),
    (f"_http._tcp.web.default.{S}", "A", OK, []),
    (f"_tcp.web.default.{S}", "SRV", OK, []),
    (f"_sctp.web.default.{S}", "SRV", NO, []),
    (f"_http._tcp.plain.default.{S}", "SRV", NO, []),
    # 2.3.3 the way back
    ("80.0.96.10.in-addr.arpa", "PTR", OK, [f"80.0.96.10.in-addr.arpa. PTR web.default.{S}."]),
    ("99.0.96.10.in-addr.arpa", "PTR", NO, []),
    # 2.4.1 a headless Service: the endpoints that are ready
    (f"set.default.{S}", "A", OK, [f"set.default.{S}. A 10.244.0.11", f"set.default.{S}. A 10.244.0.12"]),
    (f"set.default.{S}", "AAAA", OK, [f"set.default.{S}. AAAA fd00::11"]),
    (f"set-0.set.default.{S}", "A", OK, [f"set-0.set.default.{S}. A 10.244.0.11"]),
    (f"10-244-0-12.set.default.{S}", "A", OK, [f"10-244-0-12.set.default.{S}. A 10.244.0.12"]),
    (f"10-244-0-13.set.default.{S}", "A", NO, []),
    (f"set-9.set.default.{S}", "A", NO, []),
    (f"x.web.default.{S}", "A", NO, []),
    (f"empty.default.{S}", "A", OK, []),
    # 2.4.2 its ports, which are those of the endpoints
    (
        f"_http._tcp.set.default.{S}",
        "SRV",
        OK,
        [
            f"_http._tcp.set.default.{S}. SRV 0 50 8080 10-244-0-12.set.default.{S}.",
            f"_http._tcp.set.default.{S}. SRV 0 50 8080 set-0.set.default.{S}.",
        ],
    ),
    # 2.4.3 the way back
    ("11.0.244.10.in-addr.arpa", "PTR", OK, [f"11.0.244.10.in-addr.arpa. PTR set-0.set.default.{S}."]),
    ("12.0.244.10.in-addr.arpa", "PTR", OK, [f"12.0.244.10.in-addr.arpa. PTR 10-244-0-12.set.default.{S}."]),
    (
        "1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
        "PTR",
        OK,
        [f"1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR set-0.set.default.{S}."],
    ),
    # 2.5 external names
    (f"away.default.{S}", "CNAME", OK, [f"away.default.{S}. CNAME www.example.org."]),
    (f"away.default.{S}", "A", OK, [f"away.default.{S}. CNAME www.example.org.", "www.example.org. A 192.0.2.1"]),
    (f"near.default.{S}", "A", OK, [f"near.default.{S}. CNAME web.default.{S}.", f"web.default.{S}. A 10.96.0.80"]),
    # what lies between, and beside
    (D, "SOA", OK, [f"{D}. SOA ns.dns.{D}. hostmaster.{D}. 1 7200 1800 86400 5"]),
    (D, "A", OK, []),
    (S, "A", OK, []),
    (f"default.{S}", "A", OK, []),
    (f"nowhere.{S}", "A", NO, []),
    (f"x.y.web.default.{S}", "A", NO, []),
    (f"elsewhere.{D}", "A", NO, []),
    ("www.example.org", "A", OK, ["www.example.org. A 192.0.2.1"]),
    ("www.example.org", "AAAA", OK, []),
    ("none.example.org", "A", NO, []),
]


async def test_each_name_means_what_the_specification_says(names: Asked) -> None:
    wrong = []
    for transport in ("+notcp", "+tcp"):
        for name, kind, status, records in TABLE:
            got, found = await names.dig(transport, name, kind)
            if (got, sorted(found)) != (status, sorted(records)):
                wrong.append((transport, name, kind, got, found))
    assert not wrong


async def test_a_name_that_leads_to_itself_ends(names: Asked) -> None:
    status, found = await names.dig(f"round.default.{S}", "A")
    assert status == OK
    assert 1 <= len(found) <= 8


async def test_a_pod_is_found_by_its_address_in_its_namespace(names: Asked) -> None:
    pod = {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await names.cluster.apply({"apiVersion": "v1", "kind": "Pod", **pod})
    asked = f"10-244-0-77.default.pod.{D}"
    assert await names.dig(asked, "A") == (NO, [])
    await names.cluster.patch(
        "pods", "p", {"status": {"podIP": "10.244.0.77", "podIPs": [{"ip": "10.244.0.77"}]}}, subresource="status"
    )
    assert await names.dig(asked, "A") == (OK, [f"{asked}. A 10.244.0.77"])
    assert (await names.dig(f"10-244-0-77.kube-system.pod.{D}", "A"))[0] == NO


@pytest.mark.parametrize("change", ["service", "slice", "namespace"])
async def test_an_answer_follows_the_view(names: Asked, change: str) -> None:
    asked, before, after = {
        "service": (f"web.default.{S}", OK, NO),
        "slice": (f"10-244-0-12.set.default.{S}", OK, NO),
        "namespace": (f"later.{S}", NO, OK),
    }[change]
    assert [(await names.dig(asked, "A"))[0] for _ in range(2)] == [before] * 2
    if change == "service":
        await names.cluster.delete("services", "web")
    elif change == "slice":
        await names.cluster.delete("endpointslices.discovery.k8s.io", "set-1")
    else:
        await names.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}})
    assert (await names.dig(asked, "A"))[0] == after
