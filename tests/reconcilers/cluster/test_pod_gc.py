"""Pods that have ended, once there are too many."""

import pytest

from shipslog.reconcilers.cluster import pod_gc
from shipslog.store.commands import Delete
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted
from shipslog.store.objects.values.times import api_time
from tests.reconcilers.views import NOW, pod, view_of, woken


def ended(name: str, age_s: int, **more: object) -> object:
    return pod(name, node="n", phase="Succeeded", creation_timestamp=api_time(NOW - age_s * 10**9), **more)  # type: ignore[arg-type]


def test_the_oldest_go_and_those_that_run_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_gc, "MOST", 2)
    runs = [pod(f"r{i}", node="n") for i in range(9)]
    assert not pod_gc.decide(view_of(*runs, ended("a", 1), ended("b", 2)), pod_gc.KEY, now=NOW).commands
    view = view_of(*runs, ended("young", 1), ended("old", 9), ended("older", 10))
    commands = pod_gc.decide(view, pod_gc.KEY, now=NOW).commands
    assert [(type(c), getattr(c, "name", "")) for c in commands] == [(Delete, "older")]
    assert woken(pod_gc.RECONCILER.wakes, view, ended("another", 5)) == [pod_gc.KEY]
    assert woken(pod_gc.RECONCILER.wakes, view_of(), ended("first", 5)) == []
    assert [c.name for c in pod_gc.decide(view, pod_gc.KEY, now=NOW).commands if isinstance(c, Delete)] == ["older", "old"]


@pytest.mark.parametrize(("most", "gone"), [(1, ["older", "old"]), (2, ["older"]), (3, []), (0, [])])
def test_how_many_stay_is_the_clusters_to_say(most: int, gone: list[str]) -> None:
    view = view_of(ended("young", 1), ended("old", 9), ended("older", 10))
    config = ClusterConfig(terminated_pods=most)
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=EngineStarted(version="1", config=config)))
    assert [getattr(c, "name", "") for c in pod_gc.decide(view, pod_gc.KEY, now=NOW).commands] == gone
