"""What the scheduler remembers between decisions changes none of them: a view that has kept everything up, and one that is
made anew, decide the same; and what they decide is right by `naive`, which looks at everything each time."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.digest import digest
from shipslog.store.commands import Bind
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted
from shipslog.store.objects import core_v1, meta_v1

from ..views import NOW, created, node, pod, rc, service
from . import naive
from .test_queue import follow, take

HOST, ZONE = "host", "zone"
some = st.integers(0, 3)
app = st.sampled_from(("x", "y"))


@st.composite
def specs(draw: st.DrawFn) -> core_v1.PodSpec:
    chosen = meta_v1.LabelSelector(match_labels={"app": draw(app)})
    key = draw(st.sampled_from((HOST, ZONE)))
    term = (core_v1.PodAffinityTerm(label_selector=chosen, topology_key=key),)
    liked = (core_v1.WeightedPodAffinityTerm(weight=draw(st.integers(1, 9)), pod_affinity_term=term[0]),)
    match draw(st.sampled_from(("plain", "plain", "near", "far", "even", "anyway", "likes", "dislikes", "port", "chosen"))):
        case "likes":
            likes = core_v1.PodAffinity(preferred_during_scheduling_ignored_during_execution=liked)
            return core_v1.PodSpec(affinity=core_v1.Affinity(pod_affinity=likes))
        case "dislikes":
            dislikes = core_v1.PodAntiAffinity(preferred_during_scheduling_ignored_during_execution=liked)
            return core_v1.PodSpec(affinity=core_v1.Affinity(pod_anti_affinity=dislikes))
        case "anyway":
            anyway = core_v1.TopologySpreadConstraint(
                max_skew=1, topology_key=key, when_unsatisfiable="ScheduleAnyway", label_selector=chosen
            )
            return core_v1.PodSpec(topology_spread_constraints=(anyway,))
        case "near":
            near = core_v1.PodAffinity(required_during_scheduling_ignored_during_execution=term)
            return core_v1.PodSpec(affinity=core_v1.Affinity(pod_affinity=near))
        case "far":
            far = core_v1.PodAntiAffinity(required_during_scheduling_ignored_during_execution=term)
            return core_v1.PodSpec(affinity=core_v1.Affinity(pod_anti_affinity=far))
        case "even":
            even = core_v1.TopologySpreadConstraint(
                max_skew=1, topology_key=key, when_unsatisfiable="DoNotSchedule", label_selector=chosen,
                min_domains=draw(st.sampled_from((None, 3))),
            )  # fmt: skip
            return core_v1.PodSpec(topology_spread_constraints=(even,))
        case "port":
            return core_v1.PodSpec(host_network=True)
        case "chosen":
            return core_v1.PodSpec(node_selector={ZONE: draw(st.sampled_from(("z0", "z1")))})
    return core_v1.PodSpec(priority=draw(st.sampled_from((None, 5))))


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, Any]:
    """("take" or "drop", object) or ("decide", seconds)"""
    what = draw(st.sampled_from(("pod",) * 5 + ("decide",) * 3 + ("node", "service", "rc")))
    if what == "decide":
        return what, draw(some)
    fate = draw(st.sampled_from(("take", "take", "take", "drop")))
    number = draw(some)
    if what == "node":
        labels = {HOST: f"n{number}", ZONE: f"z{draw(st.integers(0, 1))}"}
        return fate, node(f"n{number}", draw(st.sampled_from(("1", "4"))), ready=draw(some) > 0, labels=labels)
    if what == "service":
        return fate, service(draw(app))
    if what == "rc":
        return fate, rc(draw(app), 1)
    labels = {"app": draw(app), "name": f"p{number}"}
    where = draw(st.sampled_from(("", "", "n0", "n1", "gone")))
    ends = draw(st.sampled_from(("", "", "2027-01-15T08:00:00Z")))
    phase = draw(st.sampled_from(("", "", "Failed")))
    made = pod(f"p{number}{draw(some)}", node=where, phase=phase, cpu=draw(st.sampled_from(("", "600m"))), labels=labels,
               spec=draw(specs()), deletion_timestamp=ends)  # fmt: skip
    return fate, made


def drop(view: MemoryView, obj: Any) -> None:
    fact = created(obj)
    if view.entry(fact.resource, fact.name, fact.namespace) is None:
        return
    gone = ObjectDeleted(resource=fact.resource, namespace=fact.namespace, name=fact.name, uid=fact.uid, object=fact.object)
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=gone))


def check(view: MemoryView, commands: Any) -> None:
    """Each pod goes where it may, and of none that may go somewhere it is said that it may not."""
    world = naive.World(list(view.list(core_v1.Node)), list(view.list(core_v1.Pod)))
    for command in commands:
        if isinstance(command, Bind):
            new = view.get(core_v1.Pod, command.name, command.namespace)
            assert new is not None and world.fits(new, command.node), f"{command.name} may not go to {command.node}"
            world.place(new, command.node)
        elif command.object.status.conditions[-1].reason == "Unschedulable":
            assert not [n for n in world.nodes if world.fits(command.object, n)], f"{command.object.metadata.name} may go there"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(changes(), min_size=40, max_size=80))
def test_remembered_or_made_anew_it_decides_the_same(steps: list[tuple[str, Any]]) -> None:
    view = MemoryView()
    for number in range(3):
        take(view, node(f"n{number}", labels={HOST: f"n{number}", ZONE: f"z{number % 2}"}))
    for what, obj in steps:
        if what == "take":
            take(view, obj)
        elif what == "drop":
            drop(view, obj)
        else:
            now = NOW + obj * 1_000_000_000
            kept, anew = (scheduler.decide(which, "pending", now=now) for which in (view, view.copy()))
            assert replace(kept, commands=(), says=()) == replace(anew, commands=(), says=())
            assert digest(kept.commands) == digest(anew.commands)
            check(view, kept.commands)
            follow(view, kept)
    assert view.reindex() == []
