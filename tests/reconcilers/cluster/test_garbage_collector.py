"""What becomes of objects whose owners go: background, foreground, orphaned."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.cluster import garbage_collector as rule
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.types import core_v1, meta_v1
from tests.reconcilers.views import NOW, meta, node, owned_by, pod, rc, view_of, woken, woken_by_end

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


def test_an_owner_that_is_named_otherwise_is_none() -> None:
    named = replace(owned_by("web")[0], name="wob")
    (gone,) = commands("uid-pods-a", rc("web", 1), pod("a", owner_references=(named,)))
    assert isinstance(gone, Delete)


def test_how_it_goes_is_as_its_finalizers_ask() -> None:
    for finalizer, propagation in (("orphan", "Orphan"), ("foregroundDeletion", "Foreground"), ("other/one", "Background")):
        (gone,) = commands("uid-pods-a", pod("a", owner_references=owned_by("web"), finalizers=(finalizer,)))
        assert isinstance(gone, Delete) and gone.propagation == propagation


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
    reference = replace(owned_by("d")[0], api_version="fleet.example/v1", kind="Ship")
    assert commands("uid-pods-a", pod("a", owner_references=(reference,))) == ()


FOREGROUND: dict[str, Any] = {"finalizers": ("foregroundDeletion",), **GOING}


def test_an_object_in_no_namespace_is_never_collected_for_an_owner_in_one() -> None:
    owner = meta_v1.OwnerReference(api_version="v1", kind="ConfigMap", name="c", uid="uid-gone", controller=True)
    namespace = core_v1.Namespace(metadata=meta_v1.ObjectMeta(name="n", owner_references=(owner,)))
    decision = rule.decide(view_of(namespace), "uid-namespaces-n", now=NOW)
    assert decision.commands == ()
    (said,) = decision.says
    assert (said.type, said.reason, said.about.kind) == ("Warning", "OwnerRefInvalidNamespace", "Namespace")
    assert said.message == 'ownerRef [v1/ConfigMap, namespace: , name: c, uid: uid-gone] does not exist in namespace ""'


def test_an_owner_in_another_namespace_is_none_and_people_are_told() -> None:
    owner = core_v1.ReplicationController(metadata=meta("web", namespace="elsewhere"))
    decision = rule.decide(view_of(owner, pod("a", owner_references=owned_by("web"))), "uid-pods-a", now=NOW)
    (gone,), (said,) = decision.commands, decision.says
    assert isinstance(gone, Delete) and (said.reason, said.type) == ("OwnerRefInvalidNamespace", "Warning")
    named = f"[v1/ReplicationController, namespace: default, name: web, uid: {RC}]"
    assert said.message == f'ownerRef {named} does not exist in namespace "default"'


def test_an_owner_that_goes_is_let_go_of_where_another_stays() -> None:
    references = (*owned_by("web"), *owned_by("other", controller=False))
    view = view_of(rc("web", 1, **FOREGROUND), rc("other", 1), pod("a", owner_references=references))
    (kept,) = rule.decide(view, "uid-pods-a", now=NOW).commands
    assert isinstance(kept, Update) and [o.name for o in kept.object.metadata.owner_references] == ["other"]
    assert RC in woken(rule.WAKES, view, kept.object), "who waited for it hears that it need not"
    (released,) = rule.decide(view, RC, now=NOW).commands
    assert released.object.metadata.finalizers == ()


def test_owners_in_a_circle_do_not_wait_for_each_other_for_ever() -> None:
    a = rc("a", 1, owner_references=owned_by("c"), **FOREGROUND)
    others = [rc("b", 1, owner_references=owned_by("a")), rc("c", 1, owner_references=owned_by("b"))]
    view, uid = view_of(a, *others), "uid-replicationcontrollers-{}".format
    assert rule.decide(view, uid("a"), now=NOW).commands == (), "it waits for what is not being deleted yet"
    for name in ("b", "c"):
        (gone,) = rule.decide(view, uid(name), now=NOW).commands
        assert isinstance(gone, Delete) and gone.propagation == "Foreground"
        entry = view.by_uid(uid(name))
        assert entry is not None
        keys = woken(rule.WAKES, view, replace(entry.object, metadata=replace(entry.object.metadata, **FOREGROUND)))
    assert uid("a") in keys
    (released,) = rule.decide(view, uid("a"), now=NOW).commands
    assert released.object.metadata.finalizers == ()


def test_its_own_owner_is_a_circle_too() -> None:
    (released,) = commands(RC, rc("web", 1, owner_references=owned_by("web"), **FOREGROUND))
    assert released.object.metadata.finalizers == ()


def test_a_reference_from_elsewhere_blocks_nobody() -> None:
    stranger = pod("a", namespace="elsewhere", owner_references=owned_by("web"))
    (released,) = commands(RC, rc("web", 1, **FOREGROUND), stranger)
    assert released.object.metadata.finalizers == ()


def test_who_is_woken() -> None:
    view = view_of(rc("web", 1), pod("a"), pod("b", owner_references=owned_by("web")), node("n"))
    assert woken(rule.WAKES, view, pod("a", owner_references=owned_by("never"))) == ["uid-pods-a"], "an owner that came later"
    assert woken(rule.WAKES, view, pod("a", owner_references=owned_by("never"), phase="Running")) == []
    assert woken(rule.WAKES, view, rc("web", 1, **FOREGROUND)) == [RC, "uid-pods-b"]
    assert woken_by_end(rule.WAKES, view, pod("b", owner_references=owned_by("web"))) == ["uid-pods-b", RC]
    assert woken_by_end(rule.WAKES, view, node("n")) == ["uid-nodes-n"]
