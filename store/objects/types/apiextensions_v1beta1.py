"""The types of apiextensions.k8s.io/v1beta1 that are not those of v1: what is said of one version there is said of all here.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py.
"""

from typing import Any, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Object

from . import meta_v1
from .apiextensions_v1 import (
    CustomResourceDefinitionNames,
    CustomResourceDefinitionStatus,
    CustomResourceSubresources,
    CustomResourceValidation,
    SelectableField,
    WebhookClientConfig,
)


class CustomResourceColumnDefinition(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    type: str = field(default_factory=str)
    format: str = ""
    description: str = ""
    priority: Int32 = 0
    json_path: str = field(default_factory=str, name="JSONPath")

    __proto__: ClassVar[dict[str, int]] = {
        "description": 4, "format": 3, "json_path": 6, "name": 1, "priority": 5, "type": 2,
    }
    __required__: ClassVar[tuple[str, ...]] = ("JSONPath", "name", "type")


class CustomResourceConversion(Object, frozen=True, kw_only=True):
    strategy: str = field(default_factory=str)
    webhook_client_config: WebhookClientConfig | None = None
    conversion_review_versions: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"conversion_review_versions": 3, "strategy": 1, "webhook_client_config": 2}
    __required__: ClassVar[tuple[str, ...]] = ("strategy",)


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

    __proto__: ClassVar[dict[str, int]] = {
        "additional_printer_columns": 6, "deprecated": 7, "deprecation_warning": 8, "name": 1, "schema": 4, "selectable_fields": 9,
        "served": 2, "storage": 3, "subresources": 5,
    }
    __required__: ClassVar[tuple[str, ...]] = ("name", "served", "storage")


class CustomResourceDefinitionSpec(Object, frozen=True, kw_only=True):
    group: str = field(default_factory=str)
    version: str = ""
    names: CustomResourceDefinitionNames = field(default_factory=CustomResourceDefinitionNames)
    scope: str = field(default_factory=str)
    validation: CustomResourceValidation | None = None
    subresources: CustomResourceSubresources | None = None
    versions: tuple[CustomResourceDefinitionVersion, ...] = ()
    additional_printer_columns: tuple[CustomResourceColumnDefinition, ...] = ()
    selectable_fields: tuple[SelectableField, ...] = ()
    conversion: CustomResourceConversion | None = None
    preserve_unknown_fields: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "additional_printer_columns": 8, "conversion": 9, "group": 1, "names": 3, "preserve_unknown_fields": 10, "scope": 4,
        "selectable_fields": 11, "subresources": 6, "validation": 5, "version": 2, "versions": 7,
    }
    __required__: ClassVar[tuple[str, ...]] = ("group", "names", "scope")
    __defaults__: ClassVar[dict[str, Any]] = {"preserveUnknownFields": True}


class CustomResourceDefinition(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CustomResourceDefinition")
    api_version: str = field(default_factory=lambda: "apiextensions.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: CustomResourceDefinitionSpec = field(default_factory=CustomResourceDefinitionSpec)
    status: CustomResourceDefinitionStatus = field(default_factory=CustomResourceDefinitionStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ("spec",)
