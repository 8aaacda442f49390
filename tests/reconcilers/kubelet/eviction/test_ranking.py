"""Who goes first."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.kubelet.eviction.ranking import is_critical, ranked, request_of
from shipslog.store.facts import PodUse
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import pod


def asking(name: str, memory: str = "0", priority: int = 0, **more: Any) -> core_v1.Pod:
    made = pod(name, node="n", **more)
    (container,) = made.spec.containers
    container = replace(container, resources=core_v1.ResourceRequirements(requests={"memory": memory}))
    made = replace(made, spec=replace(made.spec, containers=(container,), priority=priority))
    return replace(made, metadata=replace(made.metadata, uid=name))


def order(pods: list[core_v1.Pod], resource: str, **uses: PodUse) -> list[str]:
    return [one.metadata.name for one in ranked(pods, resource, uses)]


def test_who_uses_more_than_asked_for_goes_first_whatever_its_priority_then_the_least_then_the_most_beyond() -> None:
    pods = [asking("within", "1k"), asking("high", "100", 5), asking("small", "100"), asking("large", "100"), asking("unknown")]
    uses = {"within": PodUse(memory_bytes=900), "high": PodUse(memory_bytes=800), "small": PodUse(memory_bytes=200)}
    assert order(pods, "memory", **uses, large=PodUse(memory_bytes=300)) == ["unknown", "large", "small", "high", "within"]


def test_of_processes_only_priority_and_number_count() -> None:
    pods = [asking("few", "1"), asking("many", "1"), asking("high", "1", 5)]
    uses = {"few": PodUse(processes=2), "many": PodUse(processes=3), "high": PodUse(processes=9)}
    assert order(pods, "pids", **uses) == ["many", "few", "high"]


def test_nobody_asks_for_inodes() -> None:
    pods = [asking("a"), asking("b")]
    assert order(pods, "inodes", a=PodUse(inodes=1), b=PodUse(inodes=2)) == ["b", "a"]


def test_what_a_pod_asks_for_is_what_it_needs_at_most_at_once() -> None:
    def container(name: str, memory: str, **more: Any) -> core_v1.Container:
        return core_v1.Container(name=name, resources=core_v1.ResourceRequirements(requests={"memory": memory}), **more)

    spec = core_v1.PodSpec(
        init_containers=(container("side", "10", restart_policy="Always"), container("once", "100")),
        containers=(container("a", "20"), container("b", "30")), overhead={"memory": "5"},
    )  # fmt: skip
    assert request_of(spec, "memory") == 115
    assert request_of(replace(spec, init_containers=spec.init_containers[:1]), "memory") == 65


@pytest.mark.parametrize(
    ("made", "critical"),
    [
        (asking("p"), False),
        (asking("p", priority=2_000_000_000), True),
        (asking("p", annotations={"kubernetes.io/config.source": "api"}), False),
        (asking("p", annotations={"kubernetes.io/config.source": "file"}), True),
    ],
    ids=["ordinary", "system", "of the API", "static"],
)
def test_whose_place_nobody_takes(made: core_v1.Pod, critical: bool) -> None:
    assert is_critical(made) is critical
