"""Which versions of groups are listed, and when one goes."""

import hashlib

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.cluster.api_services import ALWAYS, AT_START, MANAGED, RECONCILER, priority
from shipslog.reconcilers.cluster.service_account import CA, SOURCE
from shipslog.store.commands import Create, Delete
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apiregistration_v1 import APIService, APIServiceSpec, ServiceReference
from shipslog.store.objects.types.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.wire import codec
from shipslog.store.state import entry_of

LISTED = (3, 48, "5a6edd9bd653")  # version of the rule, how many names it lists, and their digest
KIND = BUILTIN.by_resource("apiservices.apiregistration.k8s.io")


def put(view: MemoryView, service: APIService) -> None:
    view.put(entry_of(KIND, service, codec.encode(service), 1))


def served(certificate: str = "CERTIFICATE") -> MemoryView:
    """A view in which a server has published its authority; "" as the engine does it where there is none."""
    view = MemoryView()
    published = core_v1.ConfigMap(metadata=ObjectMeta(name=CA, namespace=SOURCE), data={"ca.crt": certificate})
    view.put(entry_of(BUILTIN.by_resource("configmaps"), published, codec.encode(published), 1))
    return view


def filled() -> MemoryView:
    view = served()
    for command in RECONCILER.decide(view, "all", now=0).commands:
        assert isinstance(command, Create)
        put(view, command.object)
    return view


def test_every_version_is_listed_but_that_of_the_list() -> None:
    made = {s.metadata.name: s for s in filled().list(APIService)}
    assert {"v1.", "v1.apps", "v2.autoscaling", "v1.authentication.k8s.io"} <= made.keys()
    assert "v1beta1.metrics.k8s.io" not in made  # whoever measures may register it
    assert "v1.apiregistration.k8s.io" not in made
    core = made["v1."].spec
    assert (core.group_priority_minimum, core.version_priority, core.service) == (18_000, 1, None)
    assert made["v1.apps"].metadata.labels == {MANAGED: AT_START}


def test_which_versions_there_are_is_part_of_the_rules_version() -> None:
    """A log of yesterday verifies today only where a rule that decides otherwise says so."""
    names = sorted(service.metadata.name for service in filled().list(APIService))
    listed = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    assert (RECONCILER.version, len(names), listed) == LISTED, "raise the rule's `version`, then write here what it lists"


def test_where_nobody_serves_none_is_listed() -> None:
    for view in (MemoryView(), served("")):
        decision = RECONCILER.decide(view, "all", now=0)
        assert not decision.commands and decision.reason == "nobody serves the API"


async def test_they_and_the_flows_of_requests_come_when_somebody_does() -> None:
    async with Cluster.open(runtime="none") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default", until=lambda account: True)
        assert not cluster.list(APIService) and not cluster.list(FlowSchema) and not cluster.list(PriorityLevelConfiguration)
        await cluster.prepare_to_serve("CERTIFICATE")
        assert cluster.list(FlowSchema) and cluster.list(PriorityLevelConfiguration)
        await cluster.wait(APIService, "v1.apps", until=lambda service: True)


def test_then_there_is_nothing_to_do() -> None:
    decision = RECONCILER.decide(filled(), "all", now=0)
    assert not decision.commands and "are listed" in decision.reason


@pytest.mark.parametrize(
    ("labels", "service", "goes"),
    [
        ({MANAGED: ALWAYS}, None, True),
        ({}, None, False),
        ({MANAGED: ALWAYS}, ServiceReference(namespace="a", name="b"), False),
    ],
)
def test_what_is_gone_goes_unless_it_is_somebodys(labels: dict[str, str], service: ServiceReference | None, goes: bool) -> None:
    view = filled()
    spec = APIServiceSpec(group="gone.example.com", version="v1", service=service)
    put(view, APIService(metadata=ObjectMeta(name="v1.gone.example.com", labels=labels, uid="7"), spec=spec))
    commands = RECONCILER.decide(view, "all", now=0).commands
    assert [c.uid for c in commands if isinstance(c, Delete)] == (["7"] if goes else [])


def test_one_for_a_service_in_the_place_of_ours_stays() -> None:
    view = filled()
    mine = view.get(APIService, "v1.batch")
    assert mine is not None
    put(view, replace(mine, spec=replace(mine.spec, service=ServiceReference(namespace="a", name="b"))))
    assert not RECONCILER.decide(view, "all", now=0).commands


def test_definitions_come_behind_what_every_cluster_has() -> None:
    assert priority("x.example.com", "v1", defined=True) == (1000, 100)
    assert priority("apps", "v1", defined=False) == (17_800, 15) and priority("batch", "v1beta1", defined=False)[1] == 9
