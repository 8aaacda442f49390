"""What becomes of objects whose owners go: background, foreground, orphaned."""

from typing import Any

from shipslog.reconcilers.cluster import garbage_collector as rule
from shipslog.store.commands import Delete, Update
from tests.reconcilers.views import NOW, owned_by, pod, rc, view_of

GOING = {"deletion_timestamp": "2027-01-15T08:00:00Z"}
RC = "uid-replicationcontrollers-web"


def commands(uid: str, *things: Any) -> tuple[Any, ...]:
    return rule.decide(view_of(*things), uid, now=NOW).commands


def test_without_its_owner_it_goes() -> None:
    (gone,) = commands("uid-pods-a", pod("a", owner_references=owned_by("web")))
    assert isinstance(gone, Delete) and (gone.name, gone.propagation) == ("a", "Background")


def test_with_its_owner_it_stays() -> None:
    assert commands("uid-pods-a", rc("web", 1), pod("a", owner_references=owned_by("web"))) == ()


def test_an_owner_of_the_same_name_is_another() -> None:
    (gone,) = commands("uid-pods-a", rc("web", 1), pod("a", owner_references=owned_by("web", "uid-of-an-older-one")))
    assert isinstance(gone, Delete)


def test_one_of_two_owners_is_enough() -> None:
    references = (*owned_by("web"), *owned_by("gone", "uid-gone", controller=False))
    (kept,) = commands("uid-pods-a", rc("web", 1), pod("a", owner_references=references))
    assert isinstance(kept, Update) and [o.name for o in kept.object.metadata.owner_references] == ["web"]


def test_orphaning_takes_the_mark_off_first() -> None:
    owner = rc("web", 1, finalizers=("orphan",), **GOING)
    (freed,) = commands(RC, owner, pod("a", owner_references=owned_by("web")))
    assert isinstance(freed, Update) and freed.object.metadata.owner_references == ()
    (released,) = commands(RC, owner, pod("a"))
    assert isinstance(released, Update) and released.object.metadata.finalizers == ()


def test_foreground_waits_for_what_blocks() -> None:
    owner = rc("web", 1, finalizers=("foregroundDeletion",), **GOING)
    owned = pod("a", owner_references=owned_by("web"))
    assert commands(RC, owner, owned) == ()
    (gone,) = commands("uid-pods-a", owner, owned)
    assert isinstance(gone, Delete)
    (released,) = commands(RC, owner)
    assert isinstance(released, Update) and released.object.metadata.finalizers == ()


def test_owners_of_kinds_that_are_not_served_count_as_there() -> None:
    from msgspec.structs import replace

    reference = replace(owned_by("d")[0], api_version="apps/v1", kind="Deployment")
    assert commands("uid-pods-a", pod("a", owner_references=(reference,))) == ()
