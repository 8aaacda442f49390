"""The leases of nodes: made, and renewed in time, those of one turn together."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.kubelet import node, node_lease
from shipslog.store.commands import Create, Update
from shipslog.store.facts import COMMANDS_TOLD
from shipslog.store.objects.types import coordination_v1, core_v1
from shipslog.store.objects.values.times import SECOND_NS
from tests.reconcilers.views import NOW, add, meta, observed, view_of, woken

NAMESPACE = core_v1.Namespace(metadata=meta("kube-node-lease", namespace=""))
TURN = node_lease.turn_of("n1")


def names_of_one_turn(count: int) -> list[str]:
    names, number = ["n1"], 2
    while len(names) < count:
        if node_lease.turn_of(f"n{number}") == TURN:
            names.append(f"n{number}")
        number += 1
    return names


def registered(*names: str) -> Any:
    view = view_of(*(observed(name) for name in names))
    for name in names:
        (create,) = node.decide(view, name, now=NOW).commands
        assert isinstance(create, Create)
        add(view, create.object)
    return view


def lease_of(view: Any, name: str) -> coordination_v1.Lease:
    lease = view.get(coordination_v1.Lease, name, "kube-node-lease")
    assert lease is not None
    return lease


def test_it_is_made_and_renewed_every_ten_seconds() -> None:
    view = registered("n1")
    assert not node_lease.decide(view, TURN, now=NOW).commands, "there is no namespace for leases yet"
    assert woken(node_lease.WAKES, view, NAMESPACE) == [TURN]
    (lease,) = node_lease.decide(view, TURN, now=NOW).commands
    assert isinstance(lease, Create) and isinstance(lease.object, coordination_v1.Lease)
    assert lease.object.metadata.owner_references[0].name == lease.object.spec.holder_identity == "n1"
    add(view, lease.object)
    decision = node_lease.decide(view, TURN, now=NOW + 4 * SECOND_NS)
    assert not decision.commands and decision.requeue_after == 6
    (renewed,) = node_lease.decide(view, TURN, now=NOW + 10 * SECOND_NS).commands
    assert isinstance(renewed, Update) and renewed.object.spec.renew_time == "2027-01-15T08:00:10.000000Z"
    (again,) = node_lease.decide(view, TURN, now=NOW - SECOND_NS).commands
    assert isinstance(again, Update), "a clock that went back does not stop it"


def test_nobody_renews_for_a_node_that_has_not_reported() -> None:
    view = view_of(NAMESPACE, core_v1.Node(metadata=meta("n1", namespace="")))
    decision = node_lease.decide(view, TURN, now=NOW)
    assert not decision.commands and decision.requeue_after is None
    assert woken(node_lease.WAKES, view, observed("n1")) == [TURN]
    assert woken(node_lease.WAKES, view, observed("n2")) == [], "its object wakes its turn, once it is made"


def test_a_lease_that_somebody_else_took_is_taken_back() -> None:
    view = registered("n1")
    add(view, NAMESPACE)
    (lease,) = node_lease.decide(view, TURN, now=NOW).commands
    assert isinstance(lease, Create)
    add(view, replace(lease.object, spec=replace(lease.object.spec, holder_identity="another")))
    (taken,) = node_lease.decide(view, TURN, now=NOW + SECOND_NS).commands
    assert isinstance(taken, Update) and taken.object.spec.holder_identity == "n1"


def test_those_of_one_turn_renew_together_and_no_more_at_once_than_a_decision_tells() -> None:
    names = names_of_one_turn(COMMANDS_TOLD + 4)
    view = registered(*names)
    add(view, NAMESPACE)
    now, made = NOW, list[str]()
    while len(made) < len(names):
        decision = node_lease.decide(view, TURN, now=now)
        made_last = len(made) + len(decision.commands) == len(names)
        assert 0 < len(decision.commands) < COMMANDS_TOLD and decision.requeue_after is not None
        assert (decision.requeue_after > 1) if made_last else (decision.requeue_after == node_lease.MORE_S)
        for command in decision.commands:
            assert isinstance(command, Create)
            made.append(command.object.metadata.name)
            add(view, command.object)
        now += SECOND_NS
    assert sorted(made) == sorted(names)
    due = NOW + node_lease.RENEW_S * SECOND_NS
    first = node_lease.decide(view, TURN, now=due)
    assert len(first.commands) == COMMANDS_TOLD - 1 and all(isinstance(c, Update) for c in first.commands)
    for command in first.commands:
        assert isinstance(command, Update)
        add(view, command.object)
    assert lease_of(view, "n1").spec.renew_time == "2027-01-15T08:00:10.000000Z"  # type: ignore[union-attr]
    rest = node_lease.decide(view, TURN, now=due)
    assert not rest.commands and rest.requeue_after == 1, "the others were made a second later"
    second = node_lease.decide(view, TURN, now=due + SECOND_NS)
    assert len(second.commands) == 5
