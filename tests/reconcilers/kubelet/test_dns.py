"""Whom a pod asks for names."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.kubelet import lifecycle
from shipslog.runtime.commands import RunPodSandbox
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted
from tests.reconcilers.views import NOW, add, node, observed, pod, service, view_of

SEARCHES = ("default.svc.ships.example", "svc.ships.example", "ships.example")


def asked(config: ClusterConfig, *, with_service: bool, policy: str = "ClusterFirst") -> RunPodSandbox:
    made = pod("p", node="n", phase="Pending")
    made = replace(made, spec=replace(made.spec, dns_policy=policy))
    dns = service("kube-dns")
    dns = replace(dns, metadata=replace(dns.metadata, namespace="kube-system"), spec=replace(dns.spec, cluster_ip="10.96.0.9"))
    others = (dns,) if with_service else ()
    view = view_of()
    started = EngineStarted(version="1", config=config)
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="system:engine", cause=None, fact=started))
    add(view, node("n"), observed("n"), made, *others)
    decision = lifecycle.decide(view, "pod/uid-pods-p", now=NOW)
    (sandbox,) = [c for c in decision.commands if isinstance(c, RunPodSandbox)]
    return sandbox


def test_the_server_that_the_cluster_was_told_of_goes_before_the_service() -> None:
    told = ClusterConfig(dns_domain="ships.example", cluster_dns="10.96.0.10")
    for with_service in (True, False):
        sandbox = asked(told, with_service=with_service)
        assert (sandbox.dns_servers, sandbox.dns_searches) == (("10.96.0.10",), SEARCHES)
    assert asked(ClusterConfig(dns_domain="ships.example"), with_service=True).dns_servers == ("10.96.0.9",)


def test_without_either_and_with_another_policy_the_nodes_own_count() -> None:
    assert asked(ClusterConfig(), with_service=False).dns_servers == ()
    assert asked(ClusterConfig(cluster_dns="10.96.0.10"), with_service=False, policy="Default").dns_servers == ()


@pytest.mark.parametrize(("length", "fits"), [(34, True), (35, False)])
def test_a_whole_name_that_no_kernel_takes_is_told(length: int, fits: bool) -> None:
    made = pod("p", node="n", phase="Pending")
    made = replace(made, spec=replace(made.spec, hostname="h" * length, subdomain="sub", set_hostname_as_fqdn=True))
    view = view_of(node("n"), observed("n"), made)
    decision = lifecycle.decide(view, "pod/uid-pods-p", now=NOW)
    whole = f"{'h' * length}.sub.default.svc.cluster.local"
    assert [c.hostname for c in decision.commands if isinstance(c, RunPodSandbox)] == ([whole] if fits else [])
    why = f"FQDN {whole} is too long (64 characters is the max, {len(whole)} characters requested)"
    assert [say.reason for say in decision.says if why in say.message] == ([] if fits else ["FailedCreatePodSandBox"])


def decided(**spec: Any) -> Any:
    made = pod("p", node="n", phase="Pending")
    view = view_of(node("n"), observed("n"), replace(made, spec=replace(made.spec, **spec)))
    return lifecycle.decide(view, "pod/uid-pods-p", now=NOW)


def called(**spec: Any) -> tuple[str, str]:
    """(hostname, what else it is called in its hosts file)."""
    (sandbox,) = [c for c in decided(**spec).commands if isinstance(c, RunPodSandbox)]
    return sandbox.hostname, sandbox.fqdn


def test_hostname_override_goes_before_all_that_a_pod_may_be_called_otherwise() -> None:
    assert called(hostname="h", subdomain="s", hostname_override="override.example.host") == ("override.example.host", "")
    fqdn = "h.s.default.svc.cluster.local"
    assert called(hostname="h", subdomain="s") == ("h", fqdn)
    assert called(hostname="h", subdomain="s", set_hostname_as_fqdn=True) == (fqdn, fqdn)
