"""What goes by what was observed: images first, then one pod after the other."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.kubelet.eviction import rule
from shipslog.runtime.commands import CollectImages
from shipslog.store.commands import Update
from shipslog.store.facts import (
    ImagePulled,
    ImagesCollected,
    PodUse,
    PressureObserved,
    SandboxRemoved,
    SandboxStarted,
    ThresholdMet,
)
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import NOW, add, node, observed, pod, view_of, woken

SECOND = 10**9
MI = 1 << 20
MEMORY = ThresholdMet(signal="memory.available", quantity=100 * MI, available=50 * MI)
DISK = ThresholdMet(signal="nodefs.available", quantity=100 * MI, available=50 * MI)
USES = {"uid-pods-a": PodUse(memory_bytes=9 * MI, memory={"c": 9 * MI}), "uid-pods-b": PodUse(memory_bytes=8 * MI)}


def seen(*thresholds: ThresholdMet, at: int = NOW, **more: Any) -> PressureObserved:
    return PressureObserved(node="n", thresholds=thresholds, at_ns=at, **{"pods": USES, **more})


def world(*things: Any) -> MemoryView:
    return view_of(node("n"), observed("n"), pod("a", node="n"), pod("b", node="n"), *things)


def decide(view: MemoryView, now: int = NOW) -> Any:
    return rule.decide(view, "n", now=now)


def marked(view: MemoryView, now: int = NOW) -> list[str]:
    return [c.object.metadata.name for c in decide(view, now).commands if isinstance(c, Update)]


def test_the_first_is_marked_with_why_in_kubernetes_words() -> None:
    decision = decide(world(seen(MEMORY)))
    (update,) = decision.commands
    assert update.object.metadata.name == "a" and update.subresource == "status"
    condition = next(c for c in update.object.status.conditions if c.type == "DisruptionTarget")
    told = (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container c was using 9Mi, request is 0, has larger consumption of memory. "
    )
    assert (condition.status, condition.reason, condition.message) == ("True", "TerminationByKubelet", told)
    of_pod, of_node = decision.says
    assert (of_pod.type, of_pod.reason, of_pod.message, of_pod.after) == ("Warning", "Evicted", told, update)
    assert (of_node.about.kind, of_node.reason, of_node.message) == (
        "Node",
        "EvictionThresholdMet",
        "Attempting to reclaim memory",
    )


def evicting(view: MemoryView, name: str, now: int = NOW) -> None:
    """The pod is marked, as decided."""
    updates = [c for c in decide(view, now).commands if isinstance(c, Update)]
    (update,) = [u for u in updates if u.object.metadata.name == name]
    add(view, update.object)


def test_the_next_goes_when_what_came_of_the_first_was_observed() -> None:
    view = world(SandboxStarted(node="n", pod_uid="uid-pods-a", sandbox_id="s"), seen(MEMORY))
    evicting(view, "a")
    assert marked(view) == [] and "waited for" in decide(view).reason
    add(view, seen(MEMORY, at=NOW + 10 * SECOND))
    assert marked(view, NOW + 10 * SECOND) == [], "it is not gone yet"
    add(view, SandboxRemoved(node="n", pod_uid="uid-pods-a"))
    assert marked(view, NOW + 10 * SECOND) == ["b"]
    assert marked(view, NOW + 50 * SECOND) == [], "that is too long ago to go by"


def test_one_that_hangs_keeps_the_others_for_a_minute() -> None:
    view = world(SandboxStarted(node="n", pod_uid="uid-pods-a", sandbox_id="s"), seen(MEMORY))
    evicting(view, "a")
    add(view, seen(MEMORY, at=NOW + 61 * SECOND))
    assert marked(view, NOW + 61 * SECOND) == ["b"]


def test_whose_place_nobody_may_take_stays() -> None:
    view = world(seen(MEMORY))
    for name in "ab":
        held = view.get(core_v1.Pod, name, "default")
        assert held is not None
        add(view, replace(held, spec=replace(held.spec, priority=2_000_000_000)))
    assert decide(view).commands == () and "no pod" in decide(view).reason


def test_of_a_disk_that_fills_images_go_first_and_again_after_each_pod() -> None:
    view = world(ImagePulled(node="n", image="img", image_id="sha256:1", at_ns=NOW), seen(DISK))
    (collect,) = decide(view).commands
    assert collect == CollectImages(node="n")
    told = ImagesCollected(node="n", images=("docker.io/library/img:latest",), image_ids=("sha256:1",), at_ns=NOW + 1)
    assert woken(rule.WAKES, view, told) == ["n"]
    assert view.image("n", "img") is None, "it is asked for again"
    add(view, seen(DISK, at=NOW + 5 * SECOND))
    evicting(view, "a", NOW + 5 * SECOND)
    add(view, seen(DISK, at=NOW + 10 * SECOND))
    assert decide(view, NOW + 10 * SECOND).commands == (CollectImages(node="n"),) == decide(view, NOW + 10 * SECOND).commands
    add(view, ImagesCollected(node="n", at_ns=NOW + 11 * SECOND))
    assert marked(view, NOW + 11 * SECOND) == [], "it may have helped"
    add(view, seen(DISK, at=NOW + 20 * SECOND))
    assert marked(view, NOW + 20 * SECOND) == ["b"]


def test_images_that_take_too_much_go_once_for_each_time_that_it_is_seen() -> None:
    view = world(seen(image_bytes=7, image_age_s=60.0))
    assert decide(view).commands == (CollectImages(node="n", wanted_bytes=7, min_age_s=60.0),)
    short = ImagesCollected(node="n", freed_bytes=5, wanted_bytes=7, at_ns=NOW + 1)
    add(view, short)
    assert decide(view).commands == ()
    (told,) = rule.tells(view, short)
    assert told.reason == "FreeDiskSpaceFailed" and told.message.endswith(
        "Attempted to free 7 bytes, but only found 5 bytes eligible to free."
    )
    assert not tuple(rule.tells(view, replace(short, freed_bytes=7)))


def test_pods_that_take_more_than_they_may_go_together() -> None:
    def limited(name: str) -> core_v1.Pod:
        volume = core_v1.Volume(name="v", empty_dir=core_v1.EmptyDirVolumeSource(size_limit="1Mi"))
        made = pod(name, node="n")
        return replace(made, spec=replace(made.spec, volumes=(volume,)))

    uses = {f"uid-pods-{name}": PodUse(volumes={"v": 2 * MI}) for name in "cd"}
    view = world(limited("c"), limited("d"), seen(MEMORY, pods=uses))
    assert marked(view) == ["c", "d"]
    assert [say.message for say in decide(view).says] == ['Usage of EmptyDir volume "v" exceeds the limit "1Mi". '] * 2


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_who_is_over_has_nothing_to_give(phase: str) -> None:
    view = view_of(node("n"), observed("n"), pod("a", node="n", phase=phase), seen(MEMORY))
    assert marked(view) == []
