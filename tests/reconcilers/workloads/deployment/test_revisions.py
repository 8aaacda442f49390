"""Which replica set is the new one, its revision, the way back, and what is forgotten."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.workloads.deployment.revisions import REVISION, hash_of, name_of, revision_of
from shipslog.store.commands import Update
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentStatus, ReplicaSet
from tests.reconcilers.views import controlled_by, rs

from .made import PREFIX, decide, deployment, dropped, of, sizes, status, template, told, written

DONE = DeploymentStatus(observed_generation=1, replicas=10, updated_replicas=10, ready_replicas=10, available_replicas=10)


def annotations(decision: Any, kind: type[Any]) -> dict[str, str]:
    (found,) = written(decision, kind)
    return {name.removeprefix(f"{PREFIX}/"): value for name, value in found.metadata.annotations.items()}


def test_a_template_has_a_hash_of_letters_that_say_nothing() -> None:
    hashed = hash_of(template("v1"), None)
    assert hashed == hash_of(template("v1"), None) != hash_of(template("v2"), None)
    assert hashed != hash_of(template("v1"), 1) and set(hashed) <= set("bcdfghjklmnpqrstvwxz2456789")
    assert hashed == "8bddd9b8b", "names on disk stay as they are"
    assert name_of("web", "x") == "web-x" and len(name_of("w" * 253, "xyz")) == 253


def test_a_new_one_gets_the_next_revision_and_the_deployments_annotations() -> None:
    cause = {"kubernetes.io/change-cause": "v2", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    decision = decide(deployment(10, "v2", annotations=cause), of("v1", 10, revision=4))
    made = next(s for s in written(decision, ReplicaSet) if s.spec.template.spec.containers[0].image == "v2")
    assert made.metadata.annotations == {
        "kubernetes.io/change-cause": "v2",
        f"{PREFIX}/revision": "5",
        f"{PREFIX}/desired-replicas": "10",
        f"{PREFIX}/max-replicas": "13",
    }
    assert annotations(decision, Deployment)["revision"] == "5"


def test_a_revision_may_be_as_large_as_such_numbers_are() -> None:
    assert revision_of(rs("a", 1, annotations={REVISION: "3546343826724305832"})) == 3546343826724305832
    assert revision_of(rs("a", 1, annotations={REVISION: str(2**63 - 1)})) == 0, "there is none after it"


@pytest.mark.parametrize(
    ("history", "becomes"),
    [("", "1"), ("3,7", "3,7,1"), (",".join(["123456789"] * 200), ",".join([*["123456789"] * 199, "1"]))],
    ids=["first", "again", "as many as there is room for"],
)
def test_an_old_one_that_is_used_again_gets_a_new_revision_and_keeps_its_history(history: str, becomes: str) -> None:
    old = of("v1", 0, annotations={f"{PREFIX}/revision-history": history} if history else {})
    decision = decide(deployment(10, "v1"), old, of("v2", 10, revision=8))
    back = next(s for s in written(decision, ReplicaSet) if s.metadata.name == old.metadata.name)
    assert back.metadata.annotations[f"{PREFIX}/revision"] == "9"
    assert back.metadata.annotations[f"{PREFIX}/revision-history"] == becomes
    assert back.spec.replicas == 3


def test_a_name_that_is_taken_makes_another() -> None:
    taken = of("v1", 1, owner_references=controlled_by(rs("theirs", 1)))
    first = decide(deployment(1), taken)
    assert not written(first, ReplicaSet) and status(first).collision_count == 1
    second = decide(deployment(1, status=status(first)), taken)
    (made,) = written(second, ReplicaSet)
    assert made.metadata.name == name_of("web", hash_of(template(), 1)) != taken.metadata.name


def test_replica_sets_are_adopted_and_released() -> None:
    orphan = of("v1", 10, owner_references=())
    stray = replace(of("v2", 1), metadata=replace(of("v2", 1).metadata, labels={"app": "other"}))
    decision = decide(deployment(10), orphan, stray)
    owners = {s.metadata.name: s.metadata.owner_references for s in written(decision, ReplicaSet)}
    assert owners[orphan.metadata.name][0].name == "web" and owners[stray.metadata.name] == ()
    assert len(decision.commands) == 2


def test_the_oldest_are_forgotten_when_the_rollout_is_done() -> None:
    olds = [of(f"o{n}", 0, revision=n) for n in range(1, 6)]
    used = of("o6", 0, revision=6, running=1)
    new = of("v1", 10, revision=7)
    asked = deployment(10, spec={"revision_history_limit": 3}, status=DONE)
    assert dropped(decide(asked, *olds, used, new)) == [s.metadata.name for s in olds[:3]]
    assert dropped(decide(deployment(10, spec={"revision_history_limit": 3}), *olds, used, new)) == [], "not while it goes on"
    none = deployment(10, spec={"revision_history_limit": 0}, status=DONE)
    assert used.metadata.name not in dropped(decide(none, *olds, used, new)), "its pods are there yet"
    paused = deployment(10, spec={"revision_history_limit": 4, "paused": True})
    assert dropped(decide(paused, *olds, new)) == [olds[0].metadata.name]


def test_a_rollout_that_is_paused_scales_and_does_not_roll() -> None:
    held = decide(deployment(10, "v2", spec={"paused": True}), of("v1", 10))
    assert written(held, ReplicaSet) == []
    assert sizes(decide(deployment(12, "v2", spec={"paused": True}), of("v1", 10))) == {"v1": 12}


def test_one_that_goes_is_counted_and_left() -> None:
    going = deployment(10, "v2", deletion_timestamp="2027-01-15T08:00:00Z", finalizers=("foregroundDeletion",))
    decision = decide(going, of("v1", 10))
    assert len(decision.commands) == 1 and status(decision).replicas == 10


@pytest.mark.parametrize(
    ("to", "image", "says"),
    [
        ("1", "v1", 'Rolled back deployment "web" to revision 1'),
        ("0", "v2", 'Rolled back deployment "web" to revision 2'),
        ("3", "v3", 'The rollback revision contains the same template as current deployment "web"'),
        ("9", "v3", "Unable to find the revision to rollback to."),
    ],
)
def test_old_clients_ask_in_an_annotation_to_go_back(to: str, image: str, says: str) -> None:
    sets = (of("v1", 0, revision=1, annotations={"why": "one"}), of("v2", 0, revision=2), of("v3", 10, revision=3))
    asked = deployment(10, "v3", annotations={"deprecated.deployment.rollback.to": to, "why": "three"})
    decision = decide(asked, *sets)
    (update,) = decision.commands
    assert isinstance(update, Update) and update.subresource == ""
    assert update.object.spec.template == template(image) and told(decision) == [says]
    kept = {name: value for name, value in update.object.metadata.annotations.items() if name != f"{PREFIX}/revision"}
    assert kept == {"1": {"why": "one"}, "0": {}}.get(to, {"why": "three"})


def test_what_asks_for_no_revision_asks_nothing() -> None:
    asked = deployment(10, annotations={"deprecated.deployment.rollback.to": "soon"})
    assert told(decide(asked, of("v1", 10))) == []


@pytest.mark.parametrize("name", ["revision", "desired-replicas", "max-replicas"])
def test_numbers_that_are_none_are_no_numbers(name: str) -> None:
    """More digits than Python turns into a number."""
    odd = {f"{PREFIX}/{name}": "9" * 5000}
    sets = of("v1", 4, annotations=odd), of("v2", 8, annotations=odd)
    assert decide(deployment(10, "v2", annotations={"deprecated.deployment.rollback.to": "9" * 5000}), *sets).commands
