"""The chains of the mode iptables: their names, what stands in them, and that only what changed is sent."""

import re

import pytest

from shipslog.runtime.netfilter.family import IPV4, IPV6
from shipslog.runtime.netfilter.iptables import chains
from shipslog.runtime.netfilter.iptables.adapter import IptablesAdapter
from shipslog.runtime.netfilter.iptables.names import endpoint_chain, service_chain
from shipslog.runtime.netfilter.iptables.rules import assembled, parts_of

from .laboratory import POD_CIDR, Laboratory, run
from .modes import VIP, ruleset, tcp, udp


def test_chains_are_called_as_in_every_other_cluster() -> None:
    assert service_chain("default/kubernetes:https", "tcp") == "KUBE-SVC-NPX46M4PTMTKRN6Y"
    assert service_chain("kube-system/kube-dns:dns", "udp") == "KUBE-SVC-TCOU7JCQXEZGVUNU"
    assert service_chain("kube-system/kube-dns:dns-tcp", "tcp") == "KUBE-SVC-ERIFXISQEP7F7OF4"
    assert service_chain("a/b:", "tcp") == service_chain("a/b", "tcp")
    assert len(endpoint_chain("a/b:", "tcp", "10.0.0.1:80")) == 25


def test_a_service_reads_as_operators_know_it() -> None:
    lab = Laboratory()
    rules = ruleset(tcp(lab, 1, 2, affinity_s=60, local_endpoints=()))
    listed = assembled(IPV4, rules, {"default/web:": parts_of(IPV4, rules.services["default/web:"], POD_CIDR)})
    svc, ext = "KUBE-SVC-" + service_chain("default/web", "tcp")[9:], "KUBE-EXT-" + service_chain("default/web", "tcp")[9:]
    one, two = (endpoint_chain("default/web", "tcp", f"{lab.pod(n)}:8080") for n in (1, 2))
    assert listed["nat", "KUBE-SERVICES"] == (
        f'-m comment --comment "default/web cluster IP" -m tcp -p tcp -d {VIP}/32 --dport 80 -j {svc}',
        '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
        " -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    )
    assert listed["nat", "KUBE-NODEPORTS"] == (f'-m comment --comment "default/web" -m tcp -p tcp --dport 30001 -j {ext}',)
    note = f'-m comment --comment "default/web -> {lab.pod(1)}:8080"'
    assert listed["nat", svc][1:4:2] == (
        f"{note} -m recent --name {one} --rcheck --seconds 60 --reap --rsource -j {one}",
        f"{note} -m statistic --mode random --probability 0.5000000000 -j {one}",
    )
    assert listed["nat", svc][4].endswith(f"-j {two}") and "statistic" not in listed["nat", svc][4]
    assert listed["nat", one] == (
        f'-m comment --comment "default/web" -s {lab.pod(1)}/32 -j KUBE-MARK-MASQ',
        f'-m comment --comment "default/web" -m recent --name {one} --set --rsource -m tcp -p tcp -j DNAT'
        f" --to-destination {lab.pod(1)}:8080",
    )
    assert ["has no local endpoints" in line for line in listed["filter", "KUBE-EXTERNAL-SERVICES"]] == [True]


def test_clients_inside_and_outside_may_get_others() -> None:
    """internalTrafficPolicy Local beside an external one of all: two rules of one port."""
    lab = Laboratory()
    inside, outside = tcp(lab, 1, node_port=0), tcp(lab, 1, 2, addresses=())
    chains = parts_of(IPV4, (inside, outside), POD_CIDR).chains
    sizes = {name[:9]: len([line for line in lines if "->" in line]) for (_, name), lines in chains.items() if "SV" in name}
    assert sizes == {"KUBE-SVL-": 1, "KUBE-SVC-": 2}


def test_ipv6_is_written_with_brackets() -> None:
    lab = Laboratory()
    rule = tcp(lab, family="IPv6", addresses=("fd00:96::1",), endpoints=(("fd00:244::5", 8080),))
    lines = [line for lines in parts_of(IPV6, (rule,), "fd00:244::/64").chains.values() for line in lines]
    assert any(line.endswith("--to-destination [fd00:244::5]:8080") for line in lines)
    assert any("-d fd00:96::1/128" in line for line in lines)


@pytest.mark.root
async def test_a_change_touches_the_chains_of_its_service_alone(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = IptablesAdapter(netns=lab.ns("node"))
    sent: list[str] = []
    call = adapter._chains._run

    def noted(*argv: str, text: str = "") -> str:
        sent.append(text)
        return call(*argv, text=text)

    monkeypatch.setattr(adapter._chains, "_run", noted)
    try:
        await adapter.apply(ruleset(tcp(lab, 1), udp(lab, 2)))
        sent.clear()
        await adapter.apply(ruleset(tcp(lab, 1, 3), udp(lab, 2)))
        (text,) = sent
        kinds = sorted(name[:9] for name in re.findall(r"^:(\S+)", text, re.M))
        assert kinds == ["KUBE-SEP-", "KUBE-SVC-"], "the new endpoint's, and those that draw one"
        sent.clear()
        await adapter.apply(ruleset(tcp(lab, 1, 3), udp(lab, 2)))
        assert not sent
    finally:
        await adapter.close(remove=True)
    left = run("ip", "netns", "exec", lab.ns("node"), "nft", "list", "tables").splitlines()
    assert not {"table ip nat", "table ip filter"} & set(left), "nor a table that nobody needs"


@pytest.mark.root
async def test_other_peoples_rules_are_left_alone(lab: Laboratory) -> None:
    node = ("ip", "netns", "exec", lab.ns("node"))
    run(*node, "iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "-j", "MASQUERADE")
    adapter = IptablesAdapter(netns=lab.ns("node"))
    try:
        await adapter.apply(ruleset(tcp(lab, 1)))
        run(*node, "iptables-nft", "-t", "nat", "-D", "POSTROUTING", "-j", "KUBE-POSTROUTING", "-m", "comment", "--comment",
            "kubernetes postrouting rules")  # fmt: skip
        await adapter.apply(ruleset(tcp(lab, 2)))
    finally:
        await adapter.close(remove=True)
    assert "-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE" in run(*node, "iptables-nft-save", "-t", "nat")
    run(*node, "nft", "delete", "table", "ip", "nat")


MANY = [tcp(Laboratory(), 1, 2, service=f"n/s{n}:", addresses=(f"10.96.1.{n}",), node_port=31000 + n) for n in range(200)]


@pytest.mark.root
@pytest.mark.parametrize("buffer", [chains.BUFFER, 2048])
async def test_a_large_restore_is_not_taken_for_somebody_elses(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch, buffer: int
) -> None:
    """Whether or not all that is told of it can be heard."""
    monkeypatch.setattr(chains, "BUFFER", buffer)
    adapter = IptablesAdapter(netns=lab.ns("node"))
    try:
        await adapter.apply(ruleset(*MANY))
        kept = adapter._chains.kept
        assert not await kept.run(kept.meddled) and not kept.missed
    finally:
        await adapter.close(remove=True)


@pytest.mark.root
async def test_what_was_changed_while_nothing_was_heard_is_found(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "BUFFER", 2048)
    adapter = IptablesAdapter(netns=lab.ns("node"))
    call, kept = adapter._chains._run, adapter._chains.kept

    def harmed(*argv: str, text: str = "") -> str:
        told = call(*argv, text=text)
        if "*nat" in text:
            call("iptables-nft", "-t", "nat", "-F", "KUBE-NODEPORTS")
        return told

    monkeypatch.setattr(adapter._chains, "_run", harmed)
    try:
        await adapter.apply(ruleset(*MANY))
        assert await kept.run(kept.meddled)
    finally:
        monkeypatch.undo()
        await adapter.close(remove=True)
