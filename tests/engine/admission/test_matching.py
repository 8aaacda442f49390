"""Which requests a rule means, whom a selector chooses, and which other version of a kind will do."""

from typing import Any

import pytest

from shipslog.engine.admission.matching import (
    Asked,
    Place,
    by_object,
    equivalents,
    in_namespaces,
    is_exempt,
    matches,
    meant,
    place_of,
)
from shipslog.engine.state.view import MemoryView
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types.admissionregistration_v1 import NamedRuleWithOperations, RuleWithOperations
from shipslog.store.objects.types.core_v1 import ConfigMap, Namespace, Pod
from shipslog.store.objects.types.meta_v1 import LabelSelector, LabelSelectorRequirement, ObjectMeta
from shipslog.store.refusals import NotFound
from shipslog.store.state import entry_of

POD = Pod(metadata=ObjectMeta(name="web", namespace="shop", labels={"app": "web"}))
PODS = place_of(BUILTIN.by_resource("pods"))
NAMESPACES = place_of(BUILTIN.by_resource("namespaces"))
NODES = place_of(BUILTIN.by_resource("nodes"))
AUTOSCALERS = "horizontalpodautoscalers.autoscaling"


def asked(place: Place = PODS, **more: Any) -> Asked:
    given = {"operation": "CREATE", "namespace": "shop" if place is PODS else "", "name": "web", "object": POD, **more}
    return Asked(place=place, **given)


def rule(**more: Any) -> RuleWithOperations:
    given = {"operations": ("CREATE",), "api_groups": ("",), "api_versions": ("v1",), "resources": ("pods",), **more}
    return RuleWithOperations(**given)


@pytest.mark.parametrize(
    ("wanted", "request_", "answer"),
    [
        (rule(), asked(), True),
        (rule(operations=("*",)), asked(operation="CONNECT", subresource="exec"), False),
        (rule(operations=("*",), resources=("pods/exec",)), asked(operation="CONNECT", subresource="exec"), True),
        (rule(operations=("UPDATE", "DELETE")), asked(), False),
        (rule(api_groups=("apps",)), asked(), False),
        (rule(api_groups=("*",), api_versions=("*",), resources=("*",)), asked(), True),
        (rule(api_versions=("v1beta1",)), asked(), False),
        (rule(resources=("*",)), asked(subresource="status"), False),
        (rule(resources=("*/*",)), asked(subresource="status"), True),
        (rule(resources=("*/*",)), asked(), True),
        (rule(resources=("pods/*",)), asked(), True),
        (rule(resources=("*/status",)), asked(subresource="status"), True),
        (rule(resources=("*/status",)), asked(), False),
        (rule(scope="Namespaced"), asked(), True),
        (rule(scope="Cluster"), asked(), False),
        (rule(scope="Cluster", resources=("*",)), asked(NODES), True),
        (rule(scope="Namespaced", resources=("*",)), asked(NODES), False),
        (rule(scope="Cluster", resources=("*",)), asked(NAMESPACES, namespace="shop", name="shop"), True),
        (rule(scope="Namespaced", resources=("*",)), asked(NAMESPACES, namespace="shop", name="shop"), False),
        (rule(scope="*"), asked(), True),
    ],
)
def test_a_rule_means_a_request(wanted: RuleWithOperations, request_: Asked, answer: bool) -> None:
    assert matches(wanted, request_) is answer


def test_a_rule_of_a_policy_may_name_objects() -> None:
    named = NamedRuleWithOperations(
        operations=("*",), api_groups=("",), api_versions=("v1",), resources=("pods",), resource_names=("db",)
    )
    assert not matches(named, asked()) and matches(named, asked(name="db"))


def test_another_version_of_the_kind_will_do_when_the_policy_says_so() -> None:
    v1 = next(k for k in BUILTIN.served() if k.resource == AUTOSCALERS and k.version == "v1")
    request = asked(place_of(v1), namespace="shop")
    newest = rule(api_groups=("autoscaling",), api_versions=("v2",), resources=("horizontalpodautoscalers",))
    assert meant([newest], "Exact", request, BUILTIN) is None
    found = meant([newest], "Equivalent", request, BUILTIN)
    assert found is not None and (found.version, found.api_version) == ("v2", "autoscaling/v2")
    exact = rule(api_groups=("autoscaling",), api_versions=("v1",), resources=("horizontalpodautoscalers",))
    assert meant([newest, exact], "Equivalent", request, BUILTIN) == request.place  # as it was asked for, where that is meant


def test_core_events_are_those_of_their_group() -> None:
    events = place_of(BUILTIN.by_resource("events"))
    assert ("events.k8s.io", "v1") in {(p.group, p.version) for p in equivalents(BUILTIN, events)}


def test_the_scale_of_whatever_object_is_one_of_autoscaling() -> None:
    scale = place_of(BUILTIN.by_resource("deployments.apps"), "scale")
    assert (scale.group, scale.resource, scale.kind, scale.api_version) == ("apps", "deployments", "Scale", "autoscaling/v1")
    assert place_of(BUILTIN.by_resource("pods"), "eviction").api_version == "policy/v1"


def view() -> MemoryView:
    made = MemoryView()
    namespace = Namespace(metadata=ObjectMeta(name="shop", labels={"team": "sales"}))
    made.put(entry_of(BUILTIN.by_resource("namespaces"), namespace, b"{}", 1))
    return made


SALES = LabelSelector(match_labels={"team": "sales"})
OTHERS = LabelSelector(match_expressions=(LabelSelectorRequirement(key="team", operator="NotIn", values=("sales",)),))


@pytest.mark.parametrize(
    ("selector", "request_", "answer"),
    [
        (None, asked(), True),
        (LabelSelector(), asked(namespace="nowhere"), True),
        (SALES, asked(), True),
        (OTHERS, asked(), False),
        (SALES, asked(NODES), True),
        (
            SALES,
            asked(NAMESPACES, namespace="x", object=Namespace(metadata=ObjectMeta(name="x", labels={"team": "sales"}))),
            True,
        ),
        (
            SALES,
            asked(NAMESPACES, namespace="shop", object=Namespace(metadata=ObjectMeta(name="shop")), operation="UPDATE"),
            False,
        ),
        (SALES, asked(NAMESPACES, namespace="shop", object=None, operation="DELETE"), True),
    ],
)
def test_the_namespace_is_chosen_by_its_labels(selector: LabelSelector | None, request_: Asked, answer: bool) -> None:
    assert in_namespaces(selector, request_, view()) is answer


def test_a_namespace_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        in_namespaces(SALES, asked(namespace="nowhere"), view())


@pytest.mark.parametrize(
    ("new", "old", "answer"),
    [
        (POD, None, True),
        (ConfigMap(), None, False),
        (ConfigMap(), POD, True),
        (None, POD, True),
        (None, None, False),
        (object(), None, False),
    ],
)
def test_the_object_is_chosen_as_it_is_or_as_it_shall_be(new: Any, old: Any, answer: bool) -> None:
    assert by_object(LabelSelector(match_labels={"app": "web"}), asked(object=new, old_object=old)) is answer
    assert by_object(LabelSelector(), asked(object=new, old_object=old)) and by_object(None, asked(object=None))


def test_who_says_who_is_asked_is_not_asked_about() -> None:
    hooks = place_of(BUILTIN.by_resource("validatingwebhookconfigurations.admissionregistration.k8s.io"))
    review = Place("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", "authorization.k8s.io", "v1")
    assert is_exempt(asked(hooks)) and is_exempt(asked(review)) and not is_exempt(asked())
