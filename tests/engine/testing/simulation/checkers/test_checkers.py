"""Every checker goes red when the rule that it is about is broken: in the product where that can be had, else by hand."""

import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipslog.engine.commit import transitions, watch
from shipslog.engine.state import snapshots as engine_snapshots
from shipslog.engine.state.projected import Projected
from shipslog.engine.testing.simulation import checkers, world
from shipslog.engine.testing.simulation.checkers import log_is_whole, nodes
from shipslog.engine.testing.simulation.checkers.broken_promise import Broken
from shipslog.engine.testing.simulation.world import simulate
from shipslog.reconcilers import every_rule
from shipslog.reconcilers.rule.decision import Decision, Reconciler
from shipslog.reconcilers.rule.pods import disrupted
from shipslog.reconcilers.scheduler import preemption
from shipslog.runtime.containers.simulated import SimPod, SimulatedNode
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import api_time

Patch = pytest.MonkeyPatch


def seen_red(checker: str, seeds: Sequence[int] = range(1, 9)) -> None:
    """In one of these worlds the checker notices, and before it no other. Where it takes many, the first is one in which it
    was seen: what the engine does may move it elsewhere, and then the others are gone through."""
    for seed in seeds:
        try:
            simulate(seed)
        except Broken as broken:
            assert broken.checker == checker, str(broken)
            return
    pytest.fail(f"{checker} did not notice in {len(seeds)} worlds")


def rule_named(name: str) -> Reconciler:
    return next(r for r in every_rule.ALL if r.name == name)


def deciding(name: str, decide: Any) -> tuple[Reconciler, ...]:
    """All rules, and one of them decides otherwise."""
    return tuple(msgspec.structs.replace(r, decide=decide) if r.name == name else r for r in every_rule.ALL)


def without(patch: Patch, name: str) -> None:
    left = tuple(r for r in every_rule.ALL if r.name != name)
    patch.setattr(world, "all_reconcilers", lambda: left)
    patch.setattr(world, "SETTLE_S", 60.0)


@pytest.mark.parametrize(
    ("missing", "checker"),
    [
        ("endpoints", "services"),
        ("endpoint-slices", "services"),
        ("service-proxy", "services"),
        ("network-policy", "network_policies"),
        ("kubelet", "settled"),
        ("replica-set", "settled"),
        ("deployment", "settled"),
        ("garbage-collector", "deletion"),
    ],
)
def test_a_world_without_one_of_its_rules(missing: str, checker: str, monkeypatch: Patch) -> None:
    without(monkeypatch, missing)
    seen_red(checker)


def test_acknowledged_sees_that_one_client_overwrites_another(monkeypatch: Patch) -> None:
    real = transitions.Transition.evaluate

    def blind(self: transitions.Transition, command: Any, ctx: Any) -> Any:
        obj = getattr(command, "object", None)
        if obj is not None and obj.metadata.name.startswith("counter"):
            meta = msgspec.structs.replace(obj.metadata, resource_version="")
            command = msgspec.structs.replace(command, object=msgspec.structs.replace(obj, metadata=meta))
        return real(self, command, ctx)

    monkeypatch.setattr(transitions.Transition, "evaluate", blind)
    seen_red("acknowledged", range(1, 65))


def test_watches_sees_that_a_change_is_not_passed_on(monkeypatch: Patch) -> None:
    real, count = watch.WatchHub.publish, itertools.count(1)

    def forgetful(self: watch.WatchHub, resource: str, record: watch.WatchRecord) -> None:
        if resource != "configmaps" or next(count) % 7:
            real(self, resource, record)

    monkeypatch.setattr(watch.WatchHub, "publish", forgetful)
    seen_red("watches")


def test_budgets_sees_that_evictions_are_not_held_back(monkeypatch: Patch) -> None:
    monkeypatch.setattr(transitions, "admit_eviction", lambda pod, ctx: None)
    seen_red("budgets", (3, *range(1, 17)))


def test_preemption_sees_that_nobody_gives_way(monkeypatch: Patch) -> None:
    monkeypatch.setattr(preemption.Preemption, "best", lambda self: None)
    monkeypatch.setattr(world, "SETTLE_S", 60.0)
    worlds = [seed for seed in range(1, 65) if seed % 16]  # in long ones some pods are held back for longer
    seen_red("preemption", (6, *worlds))


def test_preemption_sees_that_a_budget_is_overlooked(monkeypatch: Patch) -> None:
    monkeypatch.setattr(preemption.Budgets, "that_speak_of", lambda self, pod: ())
    seen_red("preemption", (9, *range(1, 129)))


def test_preemption_sees_that_one_gives_way_to_nobody(monkeypatch: Patch) -> None:
    real = rule_named("scheduler").decide

    def cruel(view: Any, key: str, *, now: int) -> Decision:
        decision = real(view, key, now=now)
        runs = [p for p in view.list(core_v1.Pod) if p.spec.node_name and not p.metadata.deletion_timestamp]
        more = [Update(object=disrupted(p, preemption.REASON, "", api_time(now)), subresource="status") for p in runs[:1]]
        return msgspec.structs.replace(decision, commands=(*decision.commands, *more))

    monkeypatch.setattr(world, "all_reconcilers", lambda: deciding("scheduler", cruel))
    seen_red("preemption")


def test_deletion_sees_a_namespace_that_does_not_end(monkeypatch: Patch) -> None:
    real = rule_named("namespace").decide

    def idle(view: Any, key: str, *, now: int) -> Decision:
        there = view.get(core_v1.Namespace, key) is not None
        return Decision(reason="it stays") if there else real(view, key, now=now)

    monkeypatch.setattr(world, "all_reconcilers", lambda: deciding("namespace", idle))
    monkeypatch.setattr(world, "SETTLE_S", 60.0)
    seen_red("deletion")


def test_foreground_sees_that_an_owner_does_not_wait(monkeypatch: Patch) -> None:
    real = rule_named("garbage-collector").decide

    def hasty(view: Any, key: str, *, now: int) -> Decision:
        return real(Blind(view), key, now=now)

    monkeypatch.setattr(world, "all_reconcilers", lambda: deciding("garbage-collector", hasty))
    seen_red("foreground", (2, *range(1, 33)))


class Blind:
    """A view in which nobody owns anything."""

    def __init__(self, view: Any) -> None:
        self._view = view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def owned(self, uid: str) -> Sequence[Any]:
        return ()


def test_indexes_sees_that_one_does_not_follow(monkeypatch: Patch) -> None:
    real = Projected.fold

    def careless(self: Projected, what: str, before: Any, after: Any) -> None:
        if what != "configmaps" or after is not None:  # nothing that runs depends on them
            real(self, what, before, after)

    monkeypatch.setattr(Projected, "fold", careless)
    seen_red("indexes", range(1, 33))


def test_snapshots_sees_that_something_is_left_out(monkeypatch: Patch) -> None:
    real: Callable[[Any], Any] = engine_snapshots.take

    def careless(view: Any) -> Any:
        snapshot = real(view)
        saved = msgspec.json.decode(snapshot.payload, type=engine_snapshots.SavedView)
        saved = msgspec.structs.replace(saved, images=[])
        return msgspec.structs.replace(snapshot, payload=msgspec.json.encode(saved))

    monkeypatch.setattr(engine_snapshots, "take", careless)
    seen_red("snapshots")


def test_decisions_sees_a_rule_that_remembers(monkeypatch: Patch) -> None:
    real, count = rule_named("endpoints").decide, itertools.count(1)

    def moody(view: Any, key: str, *, now: int) -> Decision:
        decision = real(view, key, now=now)
        return msgspec.structs.replace(decision, commands=()) if next(count) % 2 else decision

    monkeypatch.setattr(world, "rules_to_verify", lambda rules: deciding("endpoints", moody))
    seen_red("decisions")


def test_nodes_sees_a_pod_that_is_on_two() -> None:
    pair = [SimulatedNode(name, now_ns=lambda: 0) for name in ("a", "b")]
    nodes.check(pair)
    for node in pair:
        node.pods["uid"] = SimPod("sandbox", "10.0.0.1", {}, {})
    with pytest.raises(Broken, match="on a and on b"):
        nodes.check(pair)


def test_log_is_whole_sees_gaps_and_times_that_go_back() -> None:
    def event(revision: int, at: int) -> Event:
        return Event(
            revision=revision, time_ns=at, actor="system:engine", fact=EngineStarted(version="1", config=ClusterConfig())
        )

    log_is_whole.check([event(1, 10), event(2, 10)])
    with pytest.raises(Broken, match="where 2 belongs"):
        log_is_whole.check([event(1, 10), event(3, 10)])
    with pytest.raises(Broken, match="times go back"):
        log_is_whole.check([event(1, 10), event(2, 9)])


def test_no_checker_was_never_seen_red() -> None:
    """One that is added and that no test above breaks something for is found here."""
    text = Path(__file__).read_text()
    seen = {*re.findall(r'seen_red\("(\w+)"', text), *re.findall(r'\("[\w-]+", "(\w+)"\),', text)}
    seen |= {
        name
        for name, body in re.findall(r"def test_(nodes|log_is_whole)_sees(.*?)(?=\ndef |\Z)", text, re.S)
        if "Broken" in body
    }
    there = {path.stem for path in Path(checkers.__file__).parent.glob("*.py")} - {"__init__", "broken_promise"}
    assert there <= seen
    assert set(re.findall(r"^    (\w+) ", checkers.__doc__ or "", re.M)) == there, "the package lists every checker"
