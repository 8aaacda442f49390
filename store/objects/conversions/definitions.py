"""Definitions of kinds in apiextensions.k8s.io/v1beta1: one schema, columns and subresources may be for all versions.

Without a schema an object may have any field there; in v1 a schema says so. Source: pkg/apis/apiextensions/v1beta1 (defaults,
conversion) of apiextensions-apiserver 1.21.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types import apiextensions_v1 as v1
from shipslog.store.objects.types import apiextensions_v1beta1 as old

from .copies import copied

FIELDS: dict[str, str] = {}
ANYTHING = v1.CustomResourceValidation(
    open_apiv3_schema=v1.JSONSchemaProps(type="object", x_kubernetes_preserve_unknown_fields=True)
)


def to_hub(definition: old.CustomResourceDefinition) -> v1.CustomResourceDefinition:
    """As it is stored."""
    spec = definition.spec
    keeps = spec.preserve_unknown_fields is None or spec.preserve_unknown_fields
    versions = tuple(_version_to_hub(version, spec, keeps) for version in _versions(spec))
    made: v1.CustomResourceDefinition = copied(
        definition,
        v1.CustomResourceDefinition,
        spec=v1.CustomResourceDefinitionSpec(
            group=spec.group,
            names=spec.names,
            scope=spec.scope or "Namespaced",
            versions=versions,
            conversion=None if spec.conversion is None else _conversion_to_hub(spec.conversion),
        ),
    )
    return made


def _versions(spec: old.CustomResourceDefinitionSpec) -> tuple[old.CustomResourceDefinitionVersion, ...]:
    """The versions: before there could be several, there was the name of one."""
    if spec.versions or not spec.version:
        return spec.versions
    return (old.CustomResourceDefinitionVersion(name=spec.version, served=True, storage=True),)


def _version_to_hub(
    version: old.CustomResourceDefinitionVersion, spec: old.CustomResourceDefinitionSpec, keeps: bool
) -> v1.CustomResourceDefinitionVersion:
    schema = version.schema or spec.validation
    if schema is None or schema.open_apiv3_schema is None:
        schema = ANYTHING
    elif keeps and schema.open_apiv3_schema.x_kubernetes_preserve_unknown_fields is None:
        top = schema.open_apiv3_schema
        top = replace(top, type=top.type or "object", x_kubernetes_preserve_unknown_fields=True)
        schema = replace(schema, open_apiv3_schema=top)
    columns = version.additional_printer_columns or spec.additional_printer_columns
    made: v1.CustomResourceDefinitionVersion = copied(
        version,
        v1.CustomResourceDefinitionVersion,
        schema=schema,
        subresources=version.subresources or spec.subresources,
        additional_printer_columns=tuple(copied(column, v1.CustomResourceColumnDefinition) for column in columns),
        selectable_fields=version.selectable_fields or spec.selectable_fields,
    )
    return made


def _conversion_to_hub(conversion: old.CustomResourceConversion) -> v1.CustomResourceConversion:
    if conversion.strategy != "Webhook" and conversion.webhook_client_config is None:
        return v1.CustomResourceConversion(strategy=conversion.strategy)
    webhook = v1.WebhookConversion(
        client_config=conversion.webhook_client_config,
        conversion_review_versions=conversion.conversion_review_versions or ("v1beta1",),
    )
    return v1.CustomResourceConversion(strategy=conversion.strategy, webhook=webhook)


def from_hub(definition: v1.CustomResourceDefinition) -> old.CustomResourceDefinition:
    """As v1beta1 shows it: what all versions have alike stands above them."""
    spec = definition.spec
    shared = {
        "validation": _shared(spec.versions, "schema"),
        "subresources": _shared(spec.versions, "subresources"),
        "additional_printer_columns": tuple(map(_column, _shared(spec.versions, "additional_printer_columns") or ())),
        "selectable_fields": _shared(spec.versions, "selectable_fields") or (),
    }
    versions = tuple(_version_from_hub(version, shared) for version in spec.versions)
    conversion = None
    if spec.conversion is not None:
        hook = spec.conversion.webhook
        conversion = old.CustomResourceConversion(
            strategy=spec.conversion.strategy,
            webhook_client_config=None if hook is None else hook.client_config,
            conversion_review_versions=() if hook is None else hook.conversion_review_versions,
        )
    made: old.CustomResourceDefinition = copied(
        definition,
        old.CustomResourceDefinition,
        spec=old.CustomResourceDefinitionSpec(
            group=spec.group,
            version=spec.versions[0].name if spec.versions else "",
            names=spec.names,
            scope=spec.scope,
            versions=versions,
            conversion=conversion,
            preserve_unknown_fields=spec.preserve_unknown_fields,
            **shared,
        ),
    )
    return made


def _shared(versions: tuple[v1.CustomResourceDefinitionVersion, ...], field: str) -> Any:
    """What all versions have alike; None where they differ."""
    values = [getattr(version, field) for version in versions]
    return values[0] if values and all(value == values[0] for value in values) else None


def _column(column: v1.CustomResourceColumnDefinition) -> old.CustomResourceColumnDefinition:
    made: old.CustomResourceColumnDefinition = copied(column, old.CustomResourceColumnDefinition)
    return made


def _version_from_hub(
    version: v1.CustomResourceDefinitionVersion, shared: dict[str, Any]
) -> old.CustomResourceDefinitionVersion:
    columns = () if shared["additional_printer_columns"] else tuple(map(_column, version.additional_printer_columns))
    made: old.CustomResourceDefinitionVersion = copied(
        version,
        old.CustomResourceDefinitionVersion,
        schema=None if shared["validation"] is not None else version.schema,
        subresources=None if shared["subresources"] is not None else version.subresources,
        additional_printer_columns=columns,
        selectable_fields=() if shared["selectable_fields"] else version.selectable_fields,
    )
    return made
