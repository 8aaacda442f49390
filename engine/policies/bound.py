"""Which policies a request concerns: those that mean it, bound to it, with the objects that their bindings name as parameters.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic (dispatcher, policy_matcher) and its collectParams.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from shipslog.engine.admission.matching import Asked, Place, by_object, in_namespaces, matches, meant
from shipslog.engine.state.view import MemoryView
from shipslog.store.objects.scheme import Scheme
from shipslog.store.objects.selector import of_label_selector
from shipslog.store.objects.types.admissionregistration_v1 import MatchResources, ParamKind, ParamRef
from shipslog.store.objects.wire import codec

GROUP = "admissionregistration.k8s.io"
VALIDATING = (f"validatingadmissionpolicies.{GROUP}", f"validatingadmissionpolicybindings.{GROUP}")
MUTATING = (f"mutatingadmissionpolicies.{GROUP}", f"mutatingadmissionpolicybindings.{GROUP}")
MOST_PARAMS = 1_000  # that a selector may choose: each is a turn of all expressions


class Unusable(Exception):
    """A policy or a binding that cannot be asked; the words are Kubernetes'."""


class Bound(Struct, frozen=True):
    """A policy that concerns a request, by one of its bindings, in the version in which it is shown the object."""

    policy: Any
    binding: Any
    place: Place


def bound(view: MemoryView, resources: tuple[str, str], asked: Asked) -> Iterator[Bound]:
    """All that concern a request, in the order of their names."""
    bindings: dict[str, list[Any]] = {}
    for entry in view.entries(resources[1]):
        bindings.setdefault(entry.object.spec.policy_name, []).append(entry.object)
    for entry in view.entries(resources[0]):
        policy = entry.object
        held = bindings.get(policy.metadata.name)
        if not held or policy.metadata.deletion_timestamp:
            continue
        place = chosen(policy.spec.match_constraints, asked, view)
        if place is None:
            continue
        for binding in held:
            if binding.spec.match_resources is None or chosen(binding.spec.match_resources, asked, view) is not None:
                yield Bound(policy, binding, place)


def chosen(match: MatchResources | None, asked: Asked, view: MemoryView) -> Place | None:
    """The version in which a request is meant; None where it is not."""
    if match is None:
        return asked.place
    if not in_namespaces(match.namespace_selector, asked, view) or not by_object(match.object_selector, asked):
        return None
    if match.exclude_resource_rules and meant(match.exclude_resource_rules, match.match_policy, asked, view.scheme) is not None:
        return None
    if not match.resource_rules:
        return asked.place
    return meant(match.resource_rules, match.match_policy, asked, view.scheme)


def may_mean(policy: Any, scheme: Scheme, asked: Asked) -> bool:
    """Whether the rules of a policy mean requests of that sort; selectors and names are not looked at."""
    match = policy.spec.match_constraints
    if match is None or not match.resource_rules:
        return True
    rules = [msgspec.structs.replace(rule, scope="*", resource_names=()) for rule in match.resource_rules]
    if any(matches(rule, asked) for rule in rules):
        return True
    return meant(rules, match.match_policy, asked, scheme) is not None


def params_of(view: MemoryView, kind: ParamKind | None, ref: ParamRef | None, namespace: str) -> list[Any]:
    """The parameters of a binding as JSON, one turn for each; [None] for a policy without. An empty list: there is nothing
    to be held to. Errors: Unusable."""
    if kind is None:
        return [None]
    if ref is None:
        return [None]
    found = view.scheme.by_gvk(kind.api_version, kind.kind)
    if found is None or not found.is_served:
        named = f"{kind.api_version}, Kind={kind.kind}"
        raise Unusable(f"failed to find resource referenced by paramKind: '{named}'")
    where = ref.namespace
    if found.namespaced and not where:
        if not namespace:
            raise Unusable("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
        where = namespace
    elif not found.namespaced and where:
        raise Unusable("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
    resource = (found.hub or found).resource
    if ref.name:
        entry = view.entry(resource, ref.name, where if found.namespaced else "")
        entries = [entry] if entry is not None else []
    elif ref.selector is not None:
        selector = of_label_selector(ref.selector)
        all_ = view.entries(resource, where) if found.namespaced else view.entries(resource)
        entries = [e for e in all_ if selector.matches(e.object.metadata.labels)][:MOST_PARAMS]
    else:
        raise Unusable("one of name or selector must be provided")
    if not entries and ref.parameter_not_found_action == "Deny":
        raise Unusable("no params found for policy binding with `Deny` parameterNotFoundAction")
    return [msgspec.json.decode(codec.encode(found.from_hub(e.object))) for e in entries]
