"""What wakes a rule: declared once, asked with each change as it was before and as it is after."""

import pytest

from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.rule.decision import Reconciler, blind_to
from shipslog.reconcilers.rule.wakes import namesake, rule
from shipslog.store.facts import DecisionTaken, NodeObserved
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import coordination_v1, core_v1
from shipslog.store.view import View
from tests.reconcilers.views import meta, node, owned_by, pod, rc, service, view_of, woken, woken_by_end

OWNED = {"owner_references": owned_by("web")}


def app(view: View, obj: core_v1.Pod) -> tuple[str, ...]:
    label = obj.metadata.labels.get("app", "")
    return (f"default/{label}",) if label else ()


def test_a_rule_is_woken_by_its_own_kind_and_starts_with_all_of_it() -> None:
    wakes, view = rule(core_v1.ReplicationController), view_of(rc("a", 1), rc("b", 1))
    assert wakes.all_keys(view) == ["default/a", "default/b"]
    assert woken(wakes, view, rc("a", 2)) == woken_by_end(wakes, view, rc("a", 2)) == ["default/a"]
    assert woken(rule(core_v1.Node), view, node("n")) == ["n"], "a cluster-scoped kind's keys are names"


def test_an_owned_object_wakes_its_controller_before_and_after() -> None:
    wakes, view = rule(core_v1.ReplicationController).owns(core_v1.Pod), view_of()
    assert woken(wakes, view, pod("p", **OWNED)) == ["default/web"]
    assert woken(wakes, view, pod("p")) == ["default/web"], "it was let go of"
    assert woken(wakes, view, pod("p")) == []
    assert woken(wakes, view, pod("q", owner_references=owned_by("web", controller=False))) == []
    other = rule(core_v1.Node).owns(core_v1.Pod)
    assert woken(other, view, pod("r", **OWNED)) == [], "another kind's object of that name is meant"


def test_what_is_watched_wakes_whom_it_concerned_and_whom_it_concerns() -> None:
    wakes, view = rule(core_v1.Service).watches(core_v1.Pod, to=app), view_of()
    assert woken(wakes, view, pod("p", labels={"app": "a"})) == ["default/a"]
    assert woken(wakes, view, pod("p", labels={"app": "b"})) == ["default/a", "default/b"]
    assert woken(wakes, view, pod("p", labels={"app": "b"})) == ["default/b"], "each key once"
    assert woken_by_end(wakes, view, pod("p", labels={"app": "b"})) == ["default/b"]


def test_a_mapping_that_goes_by_a_part_alone_is_asked_once_where_that_stayed() -> None:
    asked = list[core_v1.Pod]()

    def to(view: View, obj: core_v1.Pod) -> tuple[str, ...]:
        asked.append(obj)
        return app(view, obj)

    wakes, view = rule().watches(core_v1.Pod, to=to, by=lambda obj: obj.metadata.labels), view_of(pod("p", labels={"app": "a"}))
    assert woken(wakes, view, pod("p", labels={"app": "a"}, node="n")) == ["default/a"]
    assert [obj.spec.node_name for obj in asked] == ["n"], "as it is now: the answer before was the same"
    assert woken(wakes, view, pod("p", labels={"app": "b"}, node="n")) == ["default/a", "default/b"]
    assert woken_by_end(wakes, view, pod("p", labels={"app": "b"}, node="n")) == ["default/b"]


def test_changes_that_cannot_matter_are_left_out() -> None:
    wakes = rule().watches(core_v1.Pod, to=namesake, when=lambda before, after: before is None)
    view = view_of()
    assert woken(wakes, view, pod("p")) == ["default/p"]
    assert woken(wakes, view, pod("p", labels={"a": "b"})) == []


def test_what_is_about_every_kind_may_leave_kinds_out() -> None:
    wakes, view = rule().watches_every_kind(to=namesake, of=lambda kind: kind.namespaced), view_of()
    assert woken(wakes, view, pod("p")) == ["default/p"]
    assert woken(wakes, view, node("n")) == []


def test_facts_are_heard_by_their_kind() -> None:
    wakes, view = rule().hears(NodeObserved, to=lambda view, fact: (fact.node,)), view_of()
    assert woken(wakes, view, NodeObserved(node="n")) == ["n"]
    assert woken(wakes, view, pod("p")) == []


def test_a_start_looks_at_what_is_declared_so_and_at_what_is_always_there() -> None:
    wakes = rule(always=("x",)).watches(core_v1.Service, to=namesake, at_start=True).watches(core_v1.Pod, to=namesake)
    assert wakes.all_keys(view_of(service("s"), pod("p"))) == ["x", "default/s"]


def test_a_rule_of_every_kind_sees_also_what_it_has_not_heard_of() -> None:
    wakes = rule().watches_every_kind(to=namesake, at_start=True)
    view = view_of(service("s"), core_v1.Secret(metadata=meta("t")))
    assert sorted(wakes.all_keys(view)) == ["default/s", "default/t"]
    assert woken(wakes, view, node("n")) == ["n"]


def test_a_declaration_is_a_value() -> None:
    one = rule(core_v1.Service)
    more = one.watches(core_v1.Pod, to=app)
    assert woken(one, view_of(), pod("p", labels={"app": "a"})) == []
    assert woken(more, view_of(), pod("p", labels={"app": "a"})) == ["default/a"]
    with pytest.raises(AssertionError, match=r"begin with rule\(Kind\)"):
        rule().owns(core_v1.Pod)


@pytest.mark.parametrize("reconciler", ALL, ids=lambda r: r.name)
def test_no_rule_is_woken_by_decisions(reconciler: Reconciler) -> None:
    """They would wake each other for ever."""
    taken = DecisionTaken(reconciler="x", key="y", read_revision=0, now_ns=0, reason="z", commands=(), digest="")
    assert not reconciler.wakes.looks_at(taken, view_of().scheme)


@pytest.mark.parametrize("reconciler", ALL, ids=lambda r: r.name)
def test_every_rule_decides_each_key_that_a_start_gives_it(reconciler: Reconciler) -> None:
    view = view_of(
        core_v1.Namespace(metadata=meta("default", namespace="")), node("n"), NodeObserved(node="n"), rc("web", 1),
        service("web"), pod("p", node="n", labels={"app": "web"}, **OWNED),
    )  # fmt: skip
    for key in reconciler.wakes.all_keys(view):
        assert reconciler.decide(view, key, now=1).reason


def test_what_rules_read_of_heartbeats_they_declare() -> None:
    """Retention lets go of heartbeats that no rule says it reads. That they say the truth: tests/goldens."""
    lease = BUILTIN.by_resource("leases.coordination.k8s.io")
    assert blind_to(ALL, [lease]) == [r.name for r in ALL if r.name not in ("node-lease", "node-lifecycle")]
    assert rule(core_v1.Pod).reads(coordination_v1.Lease).declares(lease)
    assert rule(core_v1.Pod).watches("leases.coordination.k8s.io", to=namesake).declares(lease)
    assert not rule(core_v1.Pod).watches_every_kind(to=namesake).declares(lease)
