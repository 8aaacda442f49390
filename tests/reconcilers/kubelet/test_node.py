"""A node's own object: registered and kept true."""

from msgspec.structs import replace

from shipslog.reconcilers.kubelet import node as rule
from shipslog.store.commands import Create, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS
from tests.reconcilers.views import NOW, add, meta, observed, view_of

LEASES = core_v1.Namespace(metadata=meta("kube-node-lease", namespace=""))


def test_it_is_registered_when_its_runtime_has_reported() -> None:
    assert not rule.decide(view_of(), "n1", now=NOW).commands
    told = replace(observed("n1"), pod_cidr="10.244.0.0/24", taints=("a=b:NoSchedule",), labels={"disk": "ssd"})
    (create,) = rule.decide(view_of(told), "n1", now=NOW).commands
    assert isinstance(create, Create)
    made = create.object
    assert made.spec.pod_cidr == "10.244.0.0/24" and made.spec.taints == (
        core_v1.Taint(key="a", value="b", effect="NoSchedule"),
    )
    assert made.metadata.labels["kubernetes.io/hostname"] == "n1" and made.metadata.labels["disk"] == "ssd"
    assert made.status.allocatable == made.status.capacity == {"cpu": "4", "memory": "8Gi"}
    assert {c.type: c.status for c in made.status.conditions}["Ready"] == "True"


def test_one_that_does_not_register_waits_for_who_makes_it_and_is_kept_true_then() -> None:
    told = replace(observed("n1"), registers=False)
    decision = rule.decide(view_of(told), "n1", now=NOW)
    assert not decision.commands and "somebody" in decision.reason
    (update,) = rule.decide(view_of(told, core_v1.Node(metadata=meta("n1", namespace=""))), "n1", now=NOW).commands
    assert isinstance(update, Update) and update.object.metadata.labels["kubernetes.io/hostname"] == "n1"


def test_labels_that_somebody_took_away_and_a_condition_that_somebody_set_come_back() -> None:
    view = view_of(observed("n1"))
    (create,) = rule.decide(view, "n1", now=NOW).commands
    assert isinstance(create, Create)
    made = create.object
    add(view, replace(made, metadata=replace(made.metadata, labels={"mine": "stays"})))
    (update,) = rule.decide(view, "n1", now=NOW).commands
    assert isinstance(update, Update) and not update.subresource
    assert update.object.metadata.labels == {**made.metadata.labels, "mine": "stays"}
    unknown = tuple(replace(c, status="Unknown", reason="NodeStatusUnknown") for c in made.status.conditions)
    add(view, replace(made, status=replace(made.status, conditions=unknown)))
    (update,) = rule.decide(view, "n1", now=NOW + SECOND_NS).commands
    assert isinstance(update, Update) and update.subresource == "status"
    ready = {c.type: c for c in update.object.status.conditions}["Ready"]
    assert (ready.status, ready.last_transition_time) == ("True", "2027-01-15T08:00:01Z")


def test_what_somebody_else_says_that_it_has_stays() -> None:
    view = view_of(observed("n1"))
    (create,) = rule.decide(view, "n1", now=NOW).commands
    assert isinstance(create, Create)
    made = create.object
    said = {"example.com/dongles": "3", "cpu": "400", "pods.kubernetes.io/x": "1"}
    add(view, replace(made, status=replace(made.status, capacity={**made.status.capacity, **said})))
    (update,) = rule.decide(view, "n1", now=NOW).commands
    assert isinstance(update, Update)
    held = {"cpu": "4", "memory": "8Gi", "example.com/dongles": "3"}
    assert update.object.status.capacity == held and update.object.status.allocatable == held
    add(view, update.object)
    assert not rule.decide(view, "n1", now=NOW).commands
    add(view, replace(update.object, status=replace(update.object.status, capacity={"cpu": "4", "memory": "8Gi"})))
    (update,) = rule.decide(view, "n1", now=NOW).commands
    assert isinstance(update, Update) and "example.com/dongles" not in update.object.status.allocatable
