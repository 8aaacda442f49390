"""What the scheduler remembers between decisions changes none of them: a view that has kept everything up, and one that is
made anew, decide the same; and what they decide is right by `naive`, which looks at everything each time."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.digest import digest
from shipslog.store.commands import Bind, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted
from shipslog.store.objects.types import core_v1, meta_v1

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
    return core_v1.PodSpec()


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
    important = draw(st.sampled_from((None, None, 5, 9)))
    kept_free = "" if where else draw(st.sampled_from(("", "", "", "n0", "gone")))
    ends = draw(st.sampled_from(("", "", "2027-01-15T08:00:00Z")))
    phase = draw(st.sampled_from(("", "", "Failed")))
    made = pod(f"p{number}{draw(some)}", node=where, phase=phase, cpu=draw(st.sampled_from(("", "600m"))), labels=labels,
               spec=replace(draw(specs()), priority=important), deletion_timestamp=ends)  # fmt: skip
    return fate, replace(made, status=replace(made.status, nominated_node_name=kept_free))


def drop(view: MemoryView, obj: Any) -> None:
    fact = created(obj)
    if view.entry(fact.resource, fact.name, fact.namespace) is None:
        return
    gone = ObjectDeleted(resource=fact.resource, namespace=fact.namespace, name=fact.name, uid=fact.uid, object=fact.object)
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=gone))


def check(view: MemoryView, commands: Any) -> None:
    """Each pod goes where it may, and of none that may go somewhere it is said that it may not; who gives way is
    less important, and none too many."""
    world = naive.World(list(view.list(core_v1.Node)), list(view.list(core_v1.Pod)))
    victims = {c.name for c in commands if isinstance(c, Delete)}
    takers: dict[str, list[core_v1.Pod]] = {}
    for command in commands:
        if isinstance(command, Bind):
            new = view.get(core_v1.Pod, command.name, command.namespace)
            assert new is not None and world.fits_beside(new, command.node), f"{command.name} may not go to {command.node}"
            world.place(new, command.node)
        elif isinstance(command, Update) and not command.object.spec.node_name:
            told = command.object
            world.told(told)
            if told.status.conditions and told.status.conditions[-1].reason == "Unschedulable":
                assert not [n for n in world.nodes if world.fits_beside(told, n)], f"{told.metadata.name} may go there"
            if told.status.nominated_node_name and "not eligible" not in told.status.conditions[-1].message:
                takers.setdefault(told.status.nominated_node_name, []).append(told)
    check_victims(view, world, victims, takers)


def check_victims(view: MemoryView, world: naive.World, victims: set[str], takers: dict[str, list[core_v1.Pod]]) -> None:
    for name in victims:
        victim = view.get(core_v1.Pod, name, "default")
        assert victim is not None and not victim.metadata.deletion_timestamp
        least = min((naive.priority(taker) for taker in takers.get(victim.spec.node_name, ())), default=None)
        assert least is not None and naive.priority(victim) < max(map(naive.priority, takers[victim.spec.node_name]))
    for on, pods in takers.items():
        last = pods[-1]
        lower = {p.metadata.name for p in world.pods if p.spec.node_name == on and naive.priority(p) < naive.priority(last)}
        ending = {p.metadata.name for p in world.pods if p.metadata.name in lower and p.metadata.deletion_timestamp}
        assert world.fits_beside(last, on, lower & victims | ending), f"what leaves {on} is not enough for {last.metadata.name}"
        for one in victims & lower if len(pods) == 1 else ():
            spared = (lower & victims | ending) - {one}
            assert not world.fits_beside(last, on, spared), f"{one} gives way on {on} for nothing"


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
