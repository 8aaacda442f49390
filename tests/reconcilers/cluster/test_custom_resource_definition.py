"""Definitions of kinds: what the rule says of their names, and how it empties one that goes."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.cluster import custom_resource_definition as rule
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.custom import FINALIZER, CustomObject
from shipslog.store.objects.types import apiextensions_v1 as api
from tests.reconcilers.views import NOW, add, meta, view_of, woken


def definition(plural: str = "ships", **more: Any) -> api.CustomResourceDefinition:
    names = api.CustomResourceDefinitionNames(
        plural=plural, singular=plural[:-1], kind=plural[:-1].title(), list_kind="L" + plural
    )
    version = api.CustomResourceDefinitionVersion(name="v1", served=True, storage=True)
    spec = api.CustomResourceDefinitionSpec(group="example.com", scope="Namespaced", names=names, versions=(version,))
    name = f"{plural}.example.com"
    return api.CustomResourceDefinition(metadata=meta(name, namespace="", finalizers=(FINALIZER,), **more), spec=spec)


def decided(view: MemoryView, name: str = "ships.example.com") -> api.CustomResourceDefinition:
    """What the rule makes of a definition; the view takes it in."""
    (command,) = rule.decide(view, name, now=NOW).commands
    assert isinstance(command, Update)
    add(view, command.object)
    found: api.CustomResourceDefinition = command.object
    return found


def conditions(crd: api.CustomResourceDefinition) -> dict[str, str]:
    return {c.type: f"{c.status} {c.reason}" for c in crd.status.conditions}


def test_free_names_are_accepted_and_the_kind_is_served() -> None:
    view = view_of(definition())
    assert not view.scheme.knows("ships.example.com")
    crd = decided(view)
    assert conditions(crd) == {"NamesAccepted": "True NoConflicts", "Established": "True InitialNamesAccepted"}
    assert view.scheme.knows("ships.example.com")
    assert not rule.decide(view, "ships.example.com", now=NOW + 10**9).commands, "it says so once"


def test_names_of_others_are_not() -> None:
    view = view_of(definition())
    decided(view)
    other = definition("boats")
    other = replace(other, spec=replace(other.spec, names=replace(other.spec.names, short_names=("ship",))))
    assert set(woken(rule.WAKES, view, other)) == {"ships.example.com", "boats.example.com"}
    crd = decided(view, "boats.example.com")
    assert conditions(crd) == {"NamesAccepted": "False ShortNamesConflict", "Established": "False NotAccepted"}
    assert not view.scheme.knows("boats.example.com")


def test_of_those_that_wait_for_a_name_the_oldest_gets_it() -> None:
    first, *others = (definition(name) for name in ("ships", "boats", "craft"))
    others = [replace(o, spec=replace(o.spec, names=replace(o.spec.names, kind="Ship"))) for o in others]
    view = view_of(first)
    decided(view)
    for other in others:
        add(view, other)
        assert conditions(decided(view, other.metadata.name))["NamesAccepted"] == "False KindConflict"
    alone = view_of(*others)
    before = [rule.decide(alone, other.metadata.name, now=NOW).commands[0] for other in others]
    found = [conditions(command.object)["NamesAccepted"] for command in before if isinstance(command, Update)]
    assert found == ["True NoConflicts", "False KindConflict"], "of one view only one comes to have it"


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        ("https://github.com/kubernetes/kubernetes/pull/1", "True ApprovedAnnotation"),
        ("unapproved, experimental", "False UnapprovedAnnotation"),
        ("yes", "False InvalidAnnotation"),
        ("https://", "False InvalidAnnotation"),
        ("", "False MissingAnnotation"),
    ],
)
def test_a_group_of_kubernetes_is_told_who_approved_it(annotation: str, found: str) -> None:
    crd = definition(annotations={"api-approved.kubernetes.io": annotation})
    spec = replace(crd.spec, group="x.k8s.io")
    view = view_of(replace(crd, metadata=replace(crd.metadata, name="ships.x.k8s.io"), spec=spec))
    assert conditions(decided(view, "ships.x.k8s.io"))["KubernetesAPIApprovalPolicyConformant"] == found


def test_one_that_goes_is_emptied_first() -> None:
    view = view_of(definition())
    held = decided(view)
    ship = CustomObject(kind="Ship", api_version="example.com/v1", metadata=meta("one"))
    assert woken(rule.WAKES, view, ship) == [], "nothing is asked of a definition that stays"
    gone = replace(held, metadata=replace(held.metadata, deletion_timestamp="2027-01-15T08:00:00Z"))
    add(view, gone)
    before = view.entry("ships.example.com", "one", "default")
    assert conditions(decided(view))["Terminating"] == "True InstanceDeletionInProgress"
    assert view.scheme.by_resource("ships.example.com").definition.terminating
    assert view.entry("ships.example.com", "one", "default") is before, "a change of the definition leaves its objects alone"
    (command,) = rule.decide(view, "ships.example.com", now=NOW).commands
    assert isinstance(command, Delete) and (command.resource, command.name) == ("ships.example.com", "one")
