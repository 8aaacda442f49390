"""What roles and their bindings have in common: rules of what may be done, subjects, references."""

from collections.abc import Sequence

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.rbac_v1 import PolicyRule, RoleRef, Subject

GROUP = "rbac.authorization.k8s.io"


def check_rules(faults: Faults, rules: Sequence[PolicyRule], *, namespaced: bool) -> None:
    for i, rule in enumerate(rules):
        path = f"rules[{i}]"
        if not rule.verbs:
            faults.required(f"{path}.verbs", "verbs must contain at least one value")
        if rule.non_resource_urls:
            if namespaced:
                words = "namespaced rules cannot apply to non-resource URLs"
                faults.invalid(f"{path}.nonResourceURLs", rule.non_resource_urls, words)
            if rule.api_groups or rule.resources or rule.resource_names:
                words = "rules cannot apply to both regular resources and non-resource URLs"
                faults.invalid(f"{path}.nonResourceURLs", rule.non_resource_urls, words)
            continue
        if not rule.api_groups:
            faults.required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        if not rule.resources:
            faults.required(f"{path}.resources", "resource rules must supply at least one resource")


def check_role_ref(faults: Faults, ref: RoleRef, kinds: tuple[str, ...]) -> None:
    if ref.api_group != GROUP:
        faults.not_supported("roleRef.apiGroup", ref.api_group, (GROUP,))
    if ref.kind not in kinds:
        faults.not_supported("roleRef.kind", ref.kind, kinds)
    if not ref.name:
        faults.required("roleRef.name")
    else:
        faults.invalid_each("roleRef.name", ref.name, names.path_segment(ref.name))


def check_subjects(faults: Faults, subjects: Sequence[Subject], *, namespaced: bool) -> None:
    for i, subject in enumerate(subjects):
        path = f"subjects[{i}]"
        if not subject.name:
            faults.required(f"{path}.name")
        if subject.kind == "ServiceAccount":
            if subject.name:
                faults.invalid_each(f"{path}.name", subject.name, names.subdomain(subject.name))
            if subject.api_group:
                faults.not_supported(f"{path}.apiGroup", subject.api_group, ("",))
            if not namespaced and not subject.namespace:
                faults.required(f"{path}.namespace")
        elif subject.kind in ("User", "Group"):
            if subject.api_group != GROUP:
                faults.not_supported(f"{path}.apiGroup", subject.api_group, (GROUP,))
        else:
            faults.not_supported(f"{path}.kind", subject.kind, ("ServiceAccount", "User", "Group"))
