"""The types of the API group-version admissionregistration.v1beta1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Object, merge

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class ApplyConfiguration(Object, frozen=True, kw_only=True):
    expression: str = ""

    __proto__: ClassVar[dict[str, int]] = {"expression": 1}


class JSONPatch(Object, frozen=True, kw_only=True):
    expression: str = ""

    __proto__: ClassVar[dict[str, int]] = {"expression": 1}


class MatchCondition(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    expression: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"expression": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('expression', 'name')


class NamedRuleWithOperations(Object, frozen=True, kw_only=True):
    resource_names: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    scope: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"resource_names": 1, "*ruleWithOperations": 2}


class MatchResources(Object, frozen=True, kw_only=True):
    namespace_selector: meta_v1.LabelSelector | None = None
    object_selector: meta_v1.LabelSelector | None = None
    resource_rules: tuple[NamedRuleWithOperations, ...] = ()
    exclude_resource_rules: tuple[NamedRuleWithOperations, ...] = ()
    match_policy: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"exclude_resource_rules": 4, "match_policy": 7, "namespace_selector": 1, "object_selector": 2, "resource_rules": 3}


class Mutation(Object, frozen=True, kw_only=True):
    patch_type: str = field(default_factory=str)
    apply_configuration: ApplyConfiguration | None = None
    json_patch: JSONPatch | None = None

    __proto__: ClassVar[dict[str, int]] = {"apply_configuration": 3, "json_patch": 4, "patch_type": 2}
    __required__: ClassVar[tuple[str, ...]] = ('patchType',)


class ParamKind(Object, frozen=True, kw_only=True):
    api_version: str = ""
    kind: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_version": 1, "kind": 2}


class Variable(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    expression: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"expression": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('expression', 'name')


class MutatingAdmissionPolicySpec(Object, frozen=True, kw_only=True):
    param_kind: ParamKind | None = None
    match_constraints: MatchResources | None = None
    variables: tuple[Variable, ...] = ()
    mutations: tuple[Mutation, ...] = ()
    failure_policy: str | None = None
    match_conditions: Annotated[tuple[MatchCondition, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    reinvocation_policy: str = ""

    __proto__: ClassVar[dict[str, int]] = {"failure_policy": 5, "match_conditions": 6, "match_constraints": 2, "mutations": 4, "param_kind": 1, "reinvocation_policy": 7, "variables": 3}


class MutatingAdmissionPolicy(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "MutatingAdmissionPolicy")
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: MutatingAdmissionPolicySpec = field(default_factory=MutatingAdmissionPolicySpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class ParamRef(Object, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""
    selector: meta_v1.LabelSelector | None = None
    parameter_not_found_action: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "namespace": 2, "parameter_not_found_action": 4, "selector": 3}


class MutatingAdmissionPolicyBindingSpec(Object, frozen=True, kw_only=True):
    policy_name: str = ""
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None

    __proto__: ClassVar[dict[str, int]] = {"match_resources": 3, "param_ref": 2, "policy_name": 1}


class MutatingAdmissionPolicyBinding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "MutatingAdmissionPolicyBinding")
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: MutatingAdmissionPolicyBindingSpec = field(default_factory=MutatingAdmissionPolicyBindingSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}

