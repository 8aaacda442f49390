"""Policies as packets meet them: pods of three namespaces, a client outside and the node, each in its network namespace.

What the rule decides goes through the adapter into the kernel; then everybody calls everybody.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shipslog.reconcilers.services.network_policy import decide
from shipslog.runtime.commands import ApplyNetworkPolicies, NetworkPolicyRules, Ruleset, ServiceRules
from shipslog.runtime.netfilter import guarded_table
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.network_policies import NetworkPolicyAdapter
from shipslog.runtime.netfilter.nftables import NftablesAdapter
from tests.reconcilers.services.policies import NOW, PODS, policy, world

from .laboratory import CLIENT, NODE, POD_CIDR, Laboratory, inside, laboratory, run, said

pytestmark = pytest.mark.root
SOURCES = (*PODS, "client", "node")
PORTS = (("tcp", 80), ("tcp", 81), ("udp", 80))
Allowed = Callable[[str, str, str, int], bool]


def place(who: str) -> str:
    return f"pod{PODS.index(who) + 1}" if who in PODS else who


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces and packet rules need root")
    with laboratory(len(PODS), routed=True) as made:
        for n in range(1, made.pods + 1):
            made.serve_tcp(f"pod{n}", 80)
            made.serve_tcp(f"pod{n}", 81)
            made.serve_udp(f"pod{n}", 80)
        made.serve_tcp("client", 80)
        made.serve_tcp("node", 80)
        yield made


@pytest.fixture
async def adapter(lab: Laboratory) -> AsyncIterator[NetworkPolicyAdapter]:
    made = NetworkPolicyAdapter(lab.mark, netns=lab.ns("node"))
    yield made
    await made.close(remove=True)


def rules(*policies: Any) -> NetworkPolicyRules:
    (command,) = decide(world(*policies), "n1", now=NOW).commands
    assert isinstance(command, ApplyNetworkPolicies)
    return command.policies


def reaches(lab: Laboratory, source: str, host: str, protocol: str, port: int, timeout_s: float) -> bool:
    try:
        if protocol == "tcp":
            lab.ask(place(source), host, port, timeout_s=timeout_s)
        else:
            lab.ask_udp(place(source), host, port, timeout_s=timeout_s)
    except TimeoutError:
        return False
    return True


def wrong(lab: Laboratory, allowed: Allowed, ports: tuple[tuple[str, int], ...] = PORTS) -> list[str]:
    """Who reaches whom against what is wanted. What should pass has long to do so; what should not is not waited for long."""

    def call(case: tuple[str, str, str, int]) -> str:
        source, target, protocol, port = case
        wanted = allowed(*case) or source in ("node", target)
        host = {"client": CLIENT, "node": NODE}.get(target) or lab.pod(PODS.index(target) + 1)
        found = reaches(lab, source, host, protocol, port, 8.0 if wanted else 0.25)
        return "" if found == wanted else f"{source} -> {target} {protocol}/{port}: {'passes' if found else 'is stopped'}"

    cases = [(s, t, *port) for s in SOURCES for t in PODS for port in ports]
    cases += [(s, t, "tcp", 80) for s in PODS for t in ("client", "node")]
    with ThreadPoolExecutor(24) as threads:
        return [line for line in threads.map(call, cases) if line]


ANY: dict[str, Any] = {"podSelector": {}}
X, Y = frozenset(PODS[:2]), frozenset(PODS[2:4])
A = {"podSelector": {"matchLabels": {"pod": "a"}}}
Y_OR_Z = {"key": "ns", "operator": "In", "values": ["y", "z"]}
FROM_Y = {"namespaceSelector": {"matchLabels": {"ns": "y"}}}

CASES: dict[str, tuple[tuple[Any, ...], Allowed]] = {
    "no policy": ((), lambda *_: True),
    "nothing comes in": ((policy("x", ANY),), lambda s, t, *_: t not in X),
    "nothing goes out": ((policy("x", {**ANY, "policyTypes": ["Egress"]}),), lambda s, t, *_: s not in X or t == "node"),
    "neither": (
        (policy("x", {**ANY, "policyTypes": ["Ingress", "Egress"]}),),
        lambda s, t, *_: not {s, t} & X or t == "node",
    ),
    "everything comes in": ((policy("x", {**ANY, "ingress": [{}]}),), lambda *_: True),
    "they add up": (
        (policy("x", ANY), policy("x", {**A, "ingress": [{"from": [A]}]}, "two")),
        lambda s, t, *_: t not in X or (t == "x/a" and s == "x/a"),
    ),
    "pods of its own namespace": (
        (policy("x", {**A, "ingress": [{"from": [ANY]}]}),),
        lambda s, t, *_: t != "x/a" or s in X,
    ),
    "all pods of another": ((policy("x", {**A, "ingress": [{"from": [FROM_Y]}]}),), lambda s, t, *_: t != "x/a" or s in Y),
    "some pods of another": (
        (policy("x", {**A, "ingress": [{"from": [{**FROM_Y, **A}]}]}),),
        lambda s, t, *_: t != "x/a" or s == "y/a",
    ),
    "one or the other": (
        (policy("x", {**A, "ingress": [{"from": [FROM_Y, A]}]}),),
        lambda s, t, *_: t != "x/a" or s in Y,
    ),
    "by expressions": (
        (
            policy(
                "x",
                {
                    "podSelector": {"matchExpressions": [{"key": "pod", "operator": "NotIn", "values": ["a"]}]},
                    "ingress": [
                        {
                            "from": [
                                {
                                    "namespaceSelector": {
                                        "matchExpressions": [{"key": "ns", "operator": "In", "values": ["y", "z"]}]
                                    }
                                }
                            ]
                        }
                    ],
                },
            ),
        ),
        lambda s, t, *_: t != "x/b" or s[:2] in ("y/", "z/"),
    ),
    "one port": (
        (policy("x", {**ANY, "ingress": [{"ports": [{"port": 81}]}]}),),
        lambda s, t, protocol, port: t not in X or (protocol, port) == ("tcp", 81),
    ),
    "a range of ports": (
        (policy("x", {**ANY, "ingress": [{"ports": [{"port": 70, "endPort": 80}]}]}),),
        lambda s, t, protocol, port: t not in X or (protocol, port) == ("tcp", 80),
    ),
    "a port by name": (
        (policy("x", {**ANY, "ingress": [{"ports": [{"port": "second"}]}]}),),
        lambda s, t, protocol, port: t not in X or (protocol, port) == ("tcp", 81),
    ),
    "a port by name on the way out": (
        (policy("x", {**A, "egress": [{"to": [FROM_Y], "ports": [{"port": "second"}]}]}),),
        lambda s, t, protocol, port: (
            t == "node" or "x/a" not in (s, t) or (s == "x/a" and t in Y and (protocol, port) == ("tcp", 81))
        ),
    ),
    "a protocol": (
        (policy("x", {**ANY, "ingress": [{"ports": [{"protocol": "UDP"}]}]}),),
        lambda s, t, protocol, port: t not in X or protocol == "udp",
    ),
    "a block and what it leaves out": (
        (policy("x", {**A, "ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/24", "except": ["10.244.0.4/31"]}}]}]}),),
        lambda s, t, *_: t != "x/a" or s in X | {"z/a", "z/b"},
    ),
    "a block outside": (
        (policy("x", {**A, "ingress": [{"from": [{"ipBlock": {"cidr": f"{CLIENT}/32"}}]}]}),),
        lambda s, t, *_: t != "x/a" or s == "client",
    ),
    "out to a block": (
        (policy("x", {**A, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "192.168.77.0/24"}}]}]}),),
        lambda s, t, *_: s != "x/a" or t in ("client", "node"),
    ),
    "out of one and into the other": (
        (
            policy("x", {**ANY, "policyTypes": ["Egress"], "egress": [{"to": [FROM_Y]}]}),
            policy("y", {**A, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"ns": "z"}}}]}]}),
        ),
        lambda s, t, *_: (s not in X or t in Y or t == "node") and (t != "y/a" or s.startswith("z/")),
    ),
    "by IPv6 alone": (
        (policy("x", {**A, "ingress": [{"from": [{"ipBlock": {"cidr": "2001:db8::/32"}}]}]}),),
        lambda s, t, *_: t != "x/a",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_everybody_calls_everybody(lab: Laboratory, adapter: NetworkPolicyAdapter, case: str) -> None:
    policies, allowed = CASES[case]
    await adapter.apply(rules(*policies))
    assert await asyncio.to_thread(wrong, lab, allowed) == []


async def test_one_after_the_other_each_is_the_only_one_in_force(lab: Laboratory, adapter: NetworkPolicyAdapter) -> None:
    """Changes from any to any: what is left in the table is what a fresh load would have made."""
    fresh = NetworkPolicyAdapter(f"{lab.mark}f", netns=lab.ns("node"))
    try:
        for policies, _ in CASES.values():
            wanted = rules(*policies)
            await adapter.apply(wanted)
            await fresh.close(remove=True)
            await fresh.apply(wanted)
            assert listed(lab, adapter.table) == listed(lab, fresh.table)
    finally:
        await fresh.close(remove=True)


def listed(lab: Laboratory, table: str) -> list[str]:
    """What is in a table: its parts in no particular order, the rules of each chain in theirs. [] without one."""
    try:
        text = run("ip", "netns", "exec", lab.ns("node"), "nft", "-j", "list", "table", "ip", table)
    except AssertionError:
        return []
    found = []
    for item in json.loads(text.replace(table, "TABLE"))["nftables"]:
        ((kind, part),) = item.items()
        part.pop("handle", None)
        if isinstance(part.get("elem"), list):
            part["elem"].sort(key=json.dumps)
        found.append((kind, part.get("chain", ""), "" if kind == "rule" else json.dumps(part), json.dumps(part)))
    return [text for *_, text in sorted(found, key=lambda one: one[:3])]


async def test_a_service_is_judged_by_the_pod_behind_it(lab: Laboratory, adapter: NetworkPolicyAdapter) -> None:
    services = NftablesAdapter(lab.mark, netns=lab.ns("node"))
    rule = ServiceRules(
        service="x/web:", protocol="tcp", port=8000, addresses=("10.96.0.10",), node_port=30001,
        endpoints=((lab.pod(1), 80),),
    )  # fmt: skip
    try:
        await services.apply(Ruleset(services={"x/web": (rule,)}, pod_cidr=POD_CIDR, digest="d"))
        await adapter.apply(rules(policy("x", {**A, "ingress": [{"from": [A, FROM_Y], "ports": [{"port": 80}]}]})))
        for host, port in (("10.96.0.10", 8000), (NODE, 30001)):
            assert (await asyncio.to_thread(lab.ask, "pod3", host, port))[0] == "pod1"
            assert (await asyncio.to_thread(lab.ask, "pod1", host, port))[0] == "pod1", "a pod reaches itself"
            assert (await asyncio.to_thread(lab.ask, "node", host, port))[0] == "pod1", "and so does the node"
            for who in ("pod2", "pod5"):
                with pytest.raises(TimeoutError):
                    await asyncio.to_thread(lab.ask, who, host, port, timeout_s=0.3)
        with pytest.raises(TimeoutError):  # not hidden behind the node before it is judged
            await asyncio.to_thread(lab.ask, "client", NODE, 30001, timeout_s=0.3)
    finally:
        await services.close(remove=True)


async def test_connections_live_through_changes_restarts_and_repairs(
    lab: Laboratory, adapter: NetworkPolicyAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_table, "REST_S", 0.01)
    from_y = rules(policy("x", {**A, "ingress": [{"from": [FROM_Y]}]}))
    await adapter.apply(from_y)
    with await asyncio.to_thread(lab.connect, "pod3", lab.pod(1), 80) as old:
        assert said(old)[0] == "pod1"
        before = listed(lab, adapter.table)
        for text in ("flush ruleset", "delete table ip {0}", "flush chain ip {0} forward_ingress", "flush map ip {0} ingress"):
            run("ip", "netns", "exec", lab.ns("node"), "nft", "-f", "-", stdin=text.format(adapter.table))
            async with asyncio.timeout(10):
                while listed(lab, adapter.table) != before:
                    await asyncio.sleep(0.02)
            assert said(old)[0] == "pod1"
        await adapter.close(remove=False)
        assert listed(lab, adapter.table) == before, "while nobody keeps them, they hold"
        again = NetworkPolicyAdapter(lab.mark, netns=lab.ns("node"))
        await again.apply(from_y)
        assert said(old)[0] == "pod1"
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(lab.connect, "pod5", lab.pod(1), 80, timeout_s=0.3)
        await again.apply(rules(policy("x", ANY)))
        assert said(old)[0] == "pod1", "what was let in stays"
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(lab.connect, "pod3", lab.pod(1), 80, timeout_s=0.3)
        await again.apply(rules())
        assert listed(lab, adapter.table) == [], "without policies there is nothing"
        await asyncio.to_thread(lab.ask, "pod3", lab.pod(1), 80)
        await again.close(remove=True)


async def test_sctp_is_told_by_its_ports(lab: Laboratory, adapter: NetworkPolicyAdapter) -> None:
    try:
        server = lab.make("pod1", socket.SOCK_STREAM, socket.IPPROTO_SCTP)
    except OSError:
        pytest.skip("this kernel has no SCTP")

    def connects(who: str, port: int, timeout_s: float) -> bool:
        with lab.make(who, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as client:
            client.settimeout(timeout_s)
            try:
                client.connect((lab.pod(1), port))
            except TimeoutError:
                return False
            return True

    with server:
        server.bind(("0.0.0.0", 90))
        server.listen(8)
        ports = [{"protocol": "SCTP", "port": 90}]
        await adapter.apply(rules(policy("x", {**A, "ingress": [{"from": [FROM_Y], "ports": ports}]})))
        assert await asyncio.to_thread(connects, "pod3", 90, 8.0)
        assert not await asyncio.to_thread(connects, "pod5", 90, 0.3)


async def test_what_is_refused_changes_nothing(lab: Laboratory, adapter: NetworkPolicyAdapter) -> None:
    good = rules(policy("x", {**A, "ingress": [{"from": [FROM_Y]}]}))
    await adapter.apply(good)
    before = listed(lab, adapter.table)
    bad = NetworkPolicyRules(pods=good.pods, rules=good.rules, groups=dict.fromkeys(good.groups, ("ten.example",)))
    with pytest.raises(NetfilterFailed, match="as before"):
        await adapter.apply(bad)
    assert listed(lab, adapter.table) == before


async def test_it_writes_anew_what_a_change_does_not_fit(lab: Laboratory, adapter: NetworkPolicyAdapter) -> None:
    await adapter.apply(rules(policy("x", ANY)))
    await adapter._kept.run(adapter._kept.change, f"delete element ip {adapter.table} ingress {{ {lab.pod(1)} }}\n")
    await adapter.apply(rules(policy("y", ANY)))
    assert await asyncio.to_thread(wrong, lab, lambda s, t, *_: t not in Y, (("tcp", 80),)) == []


def test_the_laboratory_routes_between_pods(lab: Laboratory) -> None:
    """Else all that is above would say nothing."""
    assert lab.pod(1) in inside(lab.ns("pod1"), lambda: run("ip", "route", "get", lab.pod(2)))
