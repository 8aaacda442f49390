"""Flow schemas: which requests are of which level of priority, and how they are told apart.

Tests: tests/engine/kinds/flowcontrol/test_flows.py
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.flowcontrol_v1 import (
    FlowSchema,
    NonResourcePolicyRule,
    PolicyRulesWithSubjects,
    ResourcePolicyRule,
    Subject,
)

from .conditions import check_types
from .every_cluster import FLOWS

USUAL, HIGHEST = 1_000, 10_000
METHODS, SUBJECTS = ("ByNamespace", "ByUser"), ("Group", "ServiceAccount", "User")
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
NAMESPACE_WORDS = "each member of this list must be '*' or a DNS-1123 label; "


class FlowSchemaRules(WithSpec):
    about = "Says of which level of priority requests are, and how they are told apart there."
    first = FLOWS
    columns = (
        NAME,
        Column("PriorityLevel", "The level of priority."),
        Column("MatchingPrecedence", "The lowest of those that match counts.", "integer"),
        Column("DistinguisherMethod", "How requests are told apart: ByUser, ByNamespace."),
        AGE,
        Column("MissingPL", "Whether its level of priority is missing."),
    )

    def cells(self, obj: FlowSchema, now_ns: int) -> list[Any]:
        spec = obj.spec
        by = "<none>" if spec.distinguisher_method is None else spec.distinguisher_method.type
        missing = next((c.status for c in obj.status.conditions if c.type == "Dangling"), "?")
        created = age(obj.metadata.creation_timestamp, now_ns)
        level = spec.priority_level_configuration.name
        return [obj.metadata.name, level, spec.matching_precedence, by, created, missing]

    def default(self, obj: FlowSchema) -> FlowSchema:
        return obj if obj.spec.matching_precedence else replace(obj, spec=replace(obj.spec, matching_precedence=USUAL))

    def check(self, faults: Faults, obj: FlowSchema) -> None:
        spec, name = obj.spec, obj.metadata.name
        path, precedence = "spec.matchingPrecedence", spec.matching_precedence
        if precedence <= 0:
            faults.invalid(path, precedence, "must be a positive value")
        if precedence > HIGHEST:
            faults.invalid(path, precedence, f"must not be greater than {HIGHEST}")
        if precedence == 1 and name != "exempt":
            faults.invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
        if spec.distinguisher_method is not None and spec.distinguisher_method.type not in METHODS:
            faults.not_supported("spec.distinguisherMethod.type", spec.distinguisher_method, METHODS)
        level, at = spec.priority_level_configuration.name, "spec.priorityLevelConfiguration.name"
        if level:
            faults.invalid_each(at, level, names.subdomain(level))
        else:
            faults.required(at, "must reference a priority level")
        for i, rule in enumerate(spec.rules):
            _check_rule(faults, rule, f"spec.rules[{i}]")
        _check_fixed(faults, obj)
        check_types(faults, obj.status.conditions, "status.conditions")

    def check_status(self, faults: Faults, old: FlowSchema, new: FlowSchema) -> None:
        check_types(faults, new.status.conditions, "status.conditions")


def _check_fixed(faults: Faults, obj: FlowSchema) -> None:
    """Two of them are what they are."""
    if obj.metadata.name not in ("exempt", "catch-all"):
        return
    if not any(obj.metadata.name == flow.metadata.name and obj.spec == flow.spec for flow in FLOWS):
        faults.invalid("spec", obj.spec, f"spec of '{obj.metadata.name}' must equal the fixed value")


def _check_rule(faults: Faults, rule: PolicyRulesWithSubjects, path: str) -> None:
    if not rule.subjects:
        faults.required(f"{path}.subjects", "subjects must contain at least one value")
    for i, subject in enumerate(rule.subjects):
        _check_subject(faults, subject, f"{path}.subjects[{i}]")
    if not rule.resource_rules and not rule.non_resource_rules:
        faults.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for i, resource in enumerate(rule.resource_rules):
        _check_resources(faults, resource, f"{path}.resourceRules[{i}]")
    for i, urls in enumerate(rule.non_resource_rules):
        _check_urls(faults, urls, f"{path}.nonResourceRules[{i}]")


def _check_subject(faults: Faults, subject: Subject, path: str) -> None:
    """It says what it is, and that alone."""
    if subject.kind not in SUBJECTS:
        faults.not_supported(f"{path}.kind", subject.kind, SUBJECTS)
        return
    for kind, field, named in (
        ("ServiceAccount", "serviceAccount", subject.service_account),
        ("User", "user", subject.user),
        ("Group", "group", subject.group),
    ):
        if kind != subject.kind:
            if named is not None:
                faults.forbidden(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{kind}'")
        elif named is None:
            faults.required(f"{path}.{field}", f"{field} is required when subject kind is '{kind}'")
        elif not named.name:
            faults.required(f"{path}.{field}.name")
    account = subject.service_account
    if subject.kind == "ServiceAccount" and account is not None:
        if account.name and account.name != "*":
            faults.invalid_each(f"{path}.serviceAccount.name", account.name, names.subdomain(account.name))
        if account.namespace:
            faults.invalid_each(f"{path}.serviceAccount.namespace", account.namespace, names.label(account.namespace))
        else:
            faults.required(f"{path}.serviceAccount.namespace", "must specify namespace for service account")


def _check_verbs(faults: Faults, verbs: Sequence[str], path: str) -> None:
    if not verbs:
        faults.required(path, "verbs must contain at least one value")
    elif "*" in verbs:
        if len(verbs) > 1:
            faults.invalid(path, verbs, "if '*' is present, must not specify other verbs")
    elif not set(verbs) <= set(VERBS):
        faults.not_supported(path, verbs, VERBS)


def _check_resources(faults: Faults, rule: ResourcePolicyRule, path: str) -> None:
    _check_verbs(faults, rule.verbs, f"{path}.verbs")
    for field, values, one, many in (
        ("apiGroups", rule.api_groups, "api group", "api groups"),
        ("resources", rule.resources, "resource", "resources"),
    ):
        if not values:
            faults.required(f"{path}.{field}", f"resource rules must supply at least one {one}")
        elif len(values) > 1 and "*" in values:
            faults.invalid(f"{path}.{field}", values, f"if '*' is present, must not specify other {many}")
    at = f"{path}.namespaces"
    if not rule.namespaces and not rule.cluster_scope:
        words = "resource rules that are not cluster scoped must supply at least one namespace"
        faults.required(at, words)
    elif "*" in rule.namespaces:
        if len(rule.namespaces) > 1:
            faults.invalid(at, rule.namespaces, "if '*' is present, must not specify other namespaces")
    else:
        for i, namespace in enumerate(rule.namespaces):
            faults.invalid_each(f"{at}[{i}]", namespace, (NAMESPACE_WORDS + m for m in names.label(namespace)))


def _check_urls(faults: Faults, rule: NonResourcePolicyRule, path: str) -> None:
    _check_verbs(faults, rule.verbs, f"{path}.verbs")
    urls, at = rule.non_resource_urls, f"{path}.nonResourceURLs"
    if not urls:
        faults.required(at, "nonResourceURLs must contain at least one value")
    elif "*" in urls:
        if len(urls) > 1:
            faults.invalid(at, urls, "if '*' is present, must not specify other non-resource URLs")
    else:
        for i, url in enumerate(urls):
            if why := _url_fault(url):
                faults.invalid(f"{at}[{i}]", url, why)


def _url_fault(url: str) -> str:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    return "wildcard can only do suffix matching" if "*" in url and (url.count("*") > 1 or not url.endswith("/*")) else ""


STRATEGY = FlowSchemaRules()
