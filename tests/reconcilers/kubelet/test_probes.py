"""Which probes a node runs: also those that it should run no more."""

from msgspec.structs import replace

from shipslog.reconcilers.kubelet import probes
from shipslog.store.facts import ContainerStarted
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import node, observed, pod, view_of, woken, woken_by_end


def probed() -> core_v1.Pod:
    made = pod("p", node="n")
    probe = core_v1.Probe(tcp_socket=core_v1.TCPSocketAction(port=80))
    return replace(made, spec=replace(made.spec, containers=(replace(made.spec.containers[0], liveness_probe=probe),)))


def test_a_probed_pod_wakes_its_node_when_it_comes_and_when_it_goes() -> None:
    view = view_of(node("n"), observed("n"))
    assert probes.WAKES.all_keys(view) == ["n"]
    assert woken(probes.WAKES, view, probed()) == ["n"]
    assert woken(probes.WAKES, view, pod("q", node="n")) == []
    began = ContainerStarted(node="n", pod_uid="uid-pods-p", container="c", attempt=0, container_id="x")
    assert woken(probes.WAKES, view, began) == ["n"]
    assert woken_by_end(probes.WAKES, view, probed()) == ["n"], "its probes end though its object is gone"
    assert woken(probes.WAKES, view, node("n")) == [], "heartbeats change nothing"
