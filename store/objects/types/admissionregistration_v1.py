"""The types of the API group-version admissionregistration.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Base64, Int32, Int64, Nullable, Object, merge, nothing, null_list, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class ApplyConfiguration(Object, frozen=True, kw_only=True):
    expression: str = ""

    __proto__: ClassVar[dict[str, int]] = {"expression": 1}


class AuditAnnotation(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    value_expression: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "value_expression": 2}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'valueExpression')


class ExpressionWarning(Object, frozen=True, kw_only=True):
    field_ref: str = field(default_factory=str)
    warning: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"field_ref": 2, "warning": 3}
    __required__: ClassVar[tuple[str, ...]] = ('fieldRef', 'warning')


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
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1", name="apiVersion")
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
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: MutatingAdmissionPolicyBindingSpec = field(default_factory=MutatingAdmissionPolicyBindingSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class RuleWithOperations(Object, frozen=True, kw_only=True):
    operations: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    scope: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"operations": 1, "*rule": 2}


class ServiceReference(Object, frozen=True, kw_only=True):
    namespace: str = field(default_factory=str)
    name: str = field(default_factory=str)
    path: str | None = None
    port: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 2, "namespace": 1, "path": 3, "port": 4}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'namespace')


class WebhookClientConfig(Object, frozen=True, kw_only=True):
    url: str | None = None
    service: ServiceReference | None = None
    ca_bundle: Base64 = ""

    __proto__: ClassVar[dict[str, int]] = {"ca_bundle": 2, "service": 1, "url": 3}


class MutatingWebhook(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    client_config: WebhookClientConfig = field(default_factory=WebhookClientConfig)
    rules: tuple[RuleWithOperations, ...] = ()
    failure_policy: str | None = None
    match_policy: str | None = None
    namespace_selector: meta_v1.LabelSelector | None = None
    object_selector: meta_v1.LabelSelector | None = None
    side_effects: str | None = field(default_factory=nothing)
    timeout_seconds: Int32 | None = None
    admission_review_versions: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    reinvocation_policy: str | None = None
    match_conditions: Annotated[tuple[MatchCondition, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("admission_review_versions",))

    __proto__: ClassVar[dict[str, int]] = {"admission_review_versions": 8, "client_config": 2, "failure_policy": 4, "match_conditions": 12, "match_policy": 9, "name": 1, "namespace_selector": 5, "object_selector": 11, "reinvocation_policy": 10, "rules": 3, "side_effects": 6, "timeout_seconds": 7}
    __required__: ClassVar[tuple[str, ...]] = ('admissionReviewVersions', 'clientConfig', 'name', 'sideEffects')


class MutatingWebhookConfiguration(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "MutatingWebhookConfiguration")
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    webhooks: Annotated[tuple[MutatingWebhook, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "webhooks": 2}


class TypeChecking(Object, frozen=True, kw_only=True):
    expression_warnings: tuple[ExpressionWarning, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"expression_warnings": 1}


class Validation(Object, frozen=True, kw_only=True):
    expression: str = field(default_factory=str)
    message: str = ""
    reason: str | None = None
    message_expression: str = ""

    __proto__: ClassVar[dict[str, int]] = {"expression": 1, "message": 2, "message_expression": 4, "reason": 3}
    __required__: ClassVar[tuple[str, ...]] = ('expression',)


class ValidatingAdmissionPolicySpec(Object, frozen=True, kw_only=True):
    param_kind: ParamKind | None = None
    match_constraints: MatchResources | None = None
    validations: tuple[Validation, ...] = ()
    failure_policy: str | None = None
    audit_annotations: tuple[AuditAnnotation, ...] = ()
    match_conditions: Annotated[tuple[MatchCondition, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    variables: Annotated[tuple[Variable, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"audit_annotations": 5, "failure_policy": 4, "match_conditions": 6, "match_constraints": 2, "param_kind": 1, "validations": 3, "variables": 7}


class ValidatingAdmissionPolicyStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 = 0
    type_checking: TypeChecking | None = None
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',))] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 3, "observed_generation": 1, "type_checking": 2}


class ValidatingAdmissionPolicy(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ValidatingAdmissionPolicy")
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ValidatingAdmissionPolicySpec = field(default_factory=ValidatingAdmissionPolicySpec)
    status: ValidatingAdmissionPolicyStatus = field(default_factory=ValidatingAdmissionPolicyStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class ValidatingAdmissionPolicyBindingSpec(Object, frozen=True, kw_only=True):
    policy_name: str = ""
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None
    validation_actions: Annotated[tuple[str, ...], merge(list_type="set")] = ()

    __proto__: ClassVar[dict[str, int]] = {"match_resources": 3, "param_ref": 2, "policy_name": 1, "validation_actions": 4}
    __required__: ClassVar[tuple[str, ...]] = ('policyName', 'validationActions')


class ValidatingAdmissionPolicyBinding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ValidatingAdmissionPolicyBinding")
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ValidatingAdmissionPolicyBindingSpec = field(default_factory=ValidatingAdmissionPolicyBindingSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class ValidatingWebhook(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    client_config: WebhookClientConfig = field(default_factory=WebhookClientConfig)
    rules: tuple[RuleWithOperations, ...] = ()
    failure_policy: str | None = None
    match_policy: str | None = None
    namespace_selector: meta_v1.LabelSelector | None = None
    object_selector: meta_v1.LabelSelector | None = None
    side_effects: str | None = field(default_factory=nothing)
    timeout_seconds: Int32 | None = None
    admission_review_versions: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    match_conditions: Annotated[tuple[MatchCondition, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("admission_review_versions",))

    __proto__: ClassVar[dict[str, int]] = {"admission_review_versions": 8, "client_config": 2, "failure_policy": 4, "match_conditions": 11, "match_policy": 9, "name": 1, "namespace_selector": 5, "object_selector": 10, "rules": 3, "side_effects": 6, "timeout_seconds": 7}
    __required__: ClassVar[tuple[str, ...]] = ('admissionReviewVersions', 'clientConfig', 'name', 'sideEffects')


class ValidatingWebhookConfiguration(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ValidatingWebhookConfiguration")
    api_version: str = field(default_factory=lambda: "admissionregistration.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    webhooks: Annotated[tuple[ValidatingWebhook, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "webhooks": 2}

