"""The types of the API group-version apiextensions.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Base64, Int32, Int64, NO_ITEMS, NullTime, Nullable, Object, RawObject, SCHEMA_OR_BOOL, SCHEMA_OR_SCHEMAS, SCHEMA_OR_STRINGS, Time, freeze_maps, merge, null_list, null_text, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class EmbeddedStatus(meta_v1.Status, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = field(default="", name="apiVersion")


class ConversionRequest(Object, frozen=True, kw_only=True):
    uid: str = field(default_factory=str)
    desired_api_version: str = field(default_factory=str, name="desiredAPIVersion")
    objects: Nullable[tuple[RawObject, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("objects",))
        to_nulls(self, lists=("objects",))

    __proto__: ClassVar[dict[str, int]] = {"desired_api_version": 2, "objects": 3, "uid": 1}
    __required__: ClassVar[tuple[str, ...]] = ('desiredAPIVersion', 'objects', 'uid')


class ConversionResponse(Object, frozen=True, kw_only=True):
    uid: str = field(default_factory=str)
    converted_objects: Nullable[tuple[RawObject, ...]] = field(default_factory=null_list)
    result: EmbeddedStatus = field(default_factory=EmbeddedStatus)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("converted_objects",))
        to_nulls(self, lists=("converted_objects",))

    __proto__: ClassVar[dict[str, int]] = {"converted_objects": 2, "result": 3, "uid": 1}
    __required__: ClassVar[tuple[str, ...]] = ('convertedObjects', 'result', 'uid')


class ConversionReview(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ConversionReview")
    api_version: str = field(default_factory=lambda: "apiextensions.k8s.io/v1", name="apiVersion")
    request: ConversionRequest | None = None
    response: ConversionResponse | None = None

    __proto__: ClassVar[dict[str, int]] = {"request": 1, "response": 2}


class CustomResourceColumnDefinition(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    type: str = field(default_factory=str)
    format: str = ""
    description: str = ""
    priority: Int32 = 0
    json_path: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"description": 4, "format": 3, "json_path": 6, "name": 1, "priority": 5, "type": 2}
    __required__: ClassVar[tuple[str, ...]] = ('jsonPath', 'name', 'type')


class ServiceReference(Object, frozen=True, kw_only=True):
    namespace: str = field(default_factory=str)
    name: str = field(default_factory=str)
    path: str | None = None
    port: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 2, "namespace": 1, "path": 3, "port": 4}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'namespace')


class WebhookClientConfig(Object, frozen=True, kw_only=True):
    service: ServiceReference | None = None
    ca_bundle: Base64 = ""
    url: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"ca_bundle": 2, "service": 1, "url": 3}


class WebhookConversion(Object, frozen=True, kw_only=True):
    client_config: WebhookClientConfig | None = None
    conversion_review_versions: Nullable[tuple[str, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("conversion_review_versions",))

    __proto__: ClassVar[dict[str, int]] = {"client_config": 2, "conversion_review_versions": 3}
    __required__: ClassVar[tuple[str, ...]] = ('conversionReviewVersions',)


class CustomResourceConversion(Object, frozen=True, kw_only=True):
    strategy: str = field(default_factory=str)
    webhook: WebhookConversion | None = None

    __proto__: ClassVar[dict[str, int]] = {"strategy": 1, "webhook": 2}
    __required__: ClassVar[tuple[str, ...]] = ('strategy',)


class CustomResourceDefinitionNames(Object, frozen=True, kw_only=True):
    plural: str = field(default_factory=str)
    singular: str = ""
    short_names: tuple[str, ...] = ()
    kind: str = field(default_factory=str)
    list_kind: str = ""
    categories: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"categories": 6, "kind": 4, "list_kind": 5, "plural": 1, "short_names": 3, "singular": 2}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'plural')


class CustomResourceSubresourceScale(Object, frozen=True, kw_only=True):
    spec_replicas_path: str = field(default_factory=str)
    status_replicas_path: str = field(default_factory=str)
    label_selector_path: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"label_selector_path": 3, "spec_replicas_path": 1, "status_replicas_path": 2}
    __required__: ClassVar[tuple[str, ...]] = ('specReplicasPath', 'statusReplicasPath')


class CustomResourceSubresourceStatus(Object, frozen=True, kw_only=True):
    pass

    __proto__: ClassVar[dict[str, int]] = {}


class CustomResourceSubresources(Object, frozen=True, kw_only=True):
    scale: CustomResourceSubresourceScale | None = None
    status: CustomResourceSubresourceStatus | None = None

    __proto__: ClassVar[dict[str, int]] = {"scale": 2, "status": 1}


class ExternalDocumentation(Object, frozen=True, kw_only=True):
    description: str = ""
    url: str = ""

    __proto__: ClassVar[dict[str, int]] = {"description": 1, "url": 2}


class ValidationRule(Object, frozen=True, kw_only=True):
    rule: str = field(default_factory=str)
    message: str = ""
    message_expression: str = ""
    reason: str | None = None
    field_path: str = ""
    optional_old_self: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"field_path": 5, "message": 2, "message_expression": 3, "optional_old_self": 6, "reason": 4, "rule": 1}
    __required__: ClassVar[tuple[str, ...]] = ('rule',)


class JSONSchemaProps(Object, frozen=True, kw_only=True):
    id: str = ""
    schema: str = field(default="", name="$schema")
    ref: str | None = field(default=None, name="$ref")
    description: str = ""
    type: str = ""
    format: str = ""
    title: str = ""
    default: RawObject = None
    maximum: float | None = None
    exclusive_maximum: bool = False
    minimum: float | None = None
    exclusive_minimum: bool = False
    max_length: Int64 | None = None
    min_length: Int64 | None = None
    pattern: str = ""
    max_items: Int64 | None = None
    min_items: Int64 | None = None
    unique_items: bool = False
    multiple_of: float | None = None
    enum: tuple[RawObject, ...] = ()
    max_properties: Int64 | None = None
    min_properties: Int64 | None = None
    required: tuple[str, ...] = ()
    items: "Annotated[JSONSchemaProps | tuple[JSONSchemaProps, ...], SCHEMA_OR_SCHEMAS] | None" = None
    all_of: "tuple[JSONSchemaProps, ...]" = ()
    one_of: "tuple[JSONSchemaProps, ...]" = ()
    any_of: "tuple[JSONSchemaProps, ...]" = ()
    not_: "JSONSchemaProps | None" = None
    properties: "dict[str, JSONSchemaProps]" = NO_ITEMS
    additional_properties: "Annotated[bool | JSONSchemaProps, SCHEMA_OR_BOOL] | None" = None
    pattern_properties: "dict[str, JSONSchemaProps]" = NO_ITEMS
    dependencies: "dict[str, Annotated[JSONSchemaProps | tuple[str, ...], SCHEMA_OR_STRINGS]]" = NO_ITEMS
    additional_items: "Annotated[bool | JSONSchemaProps, SCHEMA_OR_BOOL] | None" = None
    definitions: "dict[str, JSONSchemaProps]" = NO_ITEMS
    external_docs: ExternalDocumentation | None = None
    example: RawObject = None
    nullable: bool = False
    x_kubernetes_preserve_unknown_fields: bool | None = field(default=None, name="x-kubernetes-preserve-unknown-fields")
    x_kubernetes_embedded_resource: bool = field(default=False, name="x-kubernetes-embedded-resource")
    x_kubernetes_int_or_string: bool = field(default=False, name="x-kubernetes-int-or-string")
    x_kubernetes_list_map_keys: tuple[str, ...] = field(default=(), name="x-kubernetes-list-map-keys")
    x_kubernetes_list_type: str | None = field(default=None, name="x-kubernetes-list-type")
    x_kubernetes_map_type: str | None = field(default=None, name="x-kubernetes-map-type")
    x_kubernetes_validations: Annotated[tuple[ValidationRule, ...], merge(list_map_keys=('rule',), patch_merge_key='rule', patch_strategy='merge')] = field(default=(), name="x-kubernetes-validations")

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("definitions", "dependencies", "pattern_properties", "properties",), free=("default", "enum", "example",))

    __proto__: ClassVar[dict[str, int]] = {"additional_items": 33, "additional_properties": 30, "all_of": 25, "any_of": 27, "default": 8, "definitions": 34, "dependencies": 32, "description": 4, "enum": 20, "example": 36, "exclusive_maximum": 10, "exclusive_minimum": 12, "external_docs": 35, "format": 6, "id": 1, "items": 24, "max_items": 16, "max_length": 13, "max_properties": 21, "maximum": 9, "min_items": 17, "min_length": 14, "min_properties": 22, "minimum": 11, "multiple_of": 19, "not_": 28, "nullable": 37, "one_of": 26, "pattern": 15, "pattern_properties": 31, "properties": 29, "ref": 3, "required": 23, "schema": 2, "title": 7, "type": 5, "unique_items": 18, "x_kubernetes_embedded_resource": 39, "x_kubernetes_int_or_string": 40, "x_kubernetes_list_map_keys": 41, "x_kubernetes_list_type": 42, "x_kubernetes_map_type": 43, "x_kubernetes_preserve_unknown_fields": 38, "x_kubernetes_validations": 44}


class CustomResourceValidation(Object, frozen=True, kw_only=True):
    open_apiv3_schema: JSONSchemaProps | None = field(default=None, name="openAPIV3Schema")

    __proto__: ClassVar[dict[str, int]] = {"open_apiv3_schema": 1}


class SelectableField(Object, frozen=True, kw_only=True):
    json_path: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"json_path": 1}
    __required__: ClassVar[tuple[str, ...]] = ('jsonPath',)


class CustomResourceDefinitionVersion(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    served: bool = field(default_factory=bool)
    storage: bool = field(default_factory=bool)
    schema: CustomResourceValidation | None = None
    subresources: CustomResourceSubresources | None = None
    additional_printer_columns: tuple[CustomResourceColumnDefinition, ...] = ()
    deprecated: bool = False
    deprecation_warning: str | None = None
    selectable_fields: tuple[SelectableField, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"additional_printer_columns": 6, "deprecated": 7, "deprecation_warning": 8, "name": 1, "schema": 4, "selectable_fields": 9, "served": 2, "storage": 3, "subresources": 5}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'served', 'storage')


class CustomResourceDefinitionSpec(Object, frozen=True, kw_only=True):
    group: str = field(default_factory=str)
    names: CustomResourceDefinitionNames = field(default_factory=CustomResourceDefinitionNames)
    scope: str = field(default_factory=str)
    versions: Nullable[tuple[CustomResourceDefinitionVersion, ...]] = field(default_factory=null_list)
    conversion: CustomResourceConversion | None = None
    preserve_unknown_fields: bool = False

    def __post_init__(self) -> None:
        to_nulls(self, lists=("versions",))

    __proto__: ClassVar[dict[str, int]] = {"conversion": 9, "group": 1, "names": 3, "preserve_unknown_fields": 10, "scope": 4, "versions": 7}
    __required__: ClassVar[tuple[str, ...]] = ('group', 'names', 'scope', 'versions')


class CustomResourceDefinitionCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""
    observed_generation: Int64 = 0
    status: str = field(default_factory=str)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "observed_generation": 6, "reason": 4, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class CustomResourceDefinitionStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[Nullable[tuple[CustomResourceDefinitionCondition, ...]], merge(list_map_keys=('type',))] = field(default_factory=null_list)
    accepted_names: CustomResourceDefinitionNames = field(default_factory=CustomResourceDefinitionNames)
    stored_versions: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    observed_generation: Int64 = 0

    def __post_init__(self) -> None:
        to_nulls(self, lists=("conditions", "stored_versions",))

    __proto__: ClassVar[dict[str, int]] = {"accepted_names": 2, "conditions": 1, "observed_generation": 4, "stored_versions": 3}


class CustomResourceDefinition(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CustomResourceDefinition")
    api_version: str = field(default_factory=lambda: "apiextensions.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: CustomResourceDefinitionSpec = field(default_factory=CustomResourceDefinitionSpec)
    status: CustomResourceDefinitionStatus = field(default_factory=CustomResourceDefinitionStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

