"""CustomResourceDefinitions: kinds that objects define. Source: apiextensions-apiserver's strategy and validation (1.37).

What makes them served, and what empties them before they go, is a rule: reconcilers/cluster/custom_resource_definition.py.
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.admissionregistration.webhooks import PORT, REVIEWS, check_client
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.custom.json_paths import plain
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.reconcilers.cluster.api_approval import ANNOTATION, INVALID, MISSING, approval_of
from shipslog.store.objects.custom import FINALIZER, holds
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.apiextensions_v1 import (
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionStatus,
    CustomResourceDefinitionVersion,
    JSONSchemaProps,
)
from shipslog.store.refusals import group_resource

from .schemas import check_schema

COLUMN_TYPES = ("integer", "number", "string", "boolean", "date")
MAX_SELECTABLE, SELECTABLE_TYPES = 8, ("string", "boolean", "integer")
SELECTABLE_WORDS = (
    "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
)


class CustomResourceDefinitionStrategy(Strategy):
    about = "A kind of objects that the cluster serves beside its own."
    unconditional_update = False
    strict_finalizers = False
    columns = (NAME, Column("Created At", "When the API server created the object.", "date"))

    def default(self, obj: CustomResourceDefinition) -> CustomResourceDefinition:
        spec, status = obj.spec, obj.status
        given = spec.names
        filled = replace(
            given,
            singular=given.singular or given.kind.lower(),
            list_kind=given.list_kind or (f"{given.kind}List" if given.kind else ""),
        )
        conversion = with_port(spec.conversion or CustomResourceConversion(strategy="None"))
        stored = [v.name for v in spec.versions if v.storage]
        if not status.stored_versions and len(stored) == 1:
            status = replace(status, stored_versions=tuple(stored))
        return replace(obj, spec=replace(spec, names=filled, conversion=conversion), status=status)

    def create(self, kind: Kind, obj: CustomResourceDefinition, ctx: Admission) -> CustomResourceDefinition:
        meta = replace(obj.metadata, generation=1, finalizers=tuple(dict.fromkeys((*obj.metadata.finalizers, FINALIZER))))
        stored = tuple(v.name for v in obj.spec.versions if v.storage)[:1]
        return replace(obj, metadata=meta, status=CustomResourceDefinitionStatus(stored_versions=stored))

    def update(
        self, kind: Kind, old: CustomResourceDefinition, new: CustomResourceDefinition, subresource: str, ctx: Admission
    ) -> CustomResourceDefinition:
        if subresource == "status":
            return replace(new, spec=old.spec)
        stored = [v.name for v in new.spec.versions if v.storage]
        status = old.status
        if len(stored) == 1 and stored[0] not in status.stored_versions:
            status = replace(status, stored_versions=(*status.stored_versions, stored[0]))
        meta = replace(new.metadata, generation=generation_after(old, old.spec != new.spec))
        return replace(new, metadata=meta, status=status)

    def check(self, faults: Faults, obj: CustomResourceDefinition) -> None:
        self._check(faults, obj)
        _check_approval(faults, obj)

    def _check(self, faults: Faults, obj: CustomResourceDefinition) -> None:
        check_spec(faults, obj.spec)
        stored = [v.name for v in obj.spec.versions if v.storage]
        if stored and stored[-1] not in obj.status.stored_versions:
            words = f"must have the storage version {stored[-1]}"
            faults.invalid("status.storedVersions", obj.status.stored_versions, words)
        wanted = group_resource(obj.spec.names.plural, obj.spec.group)
        if obj.metadata.name != wanted:
            faults.invalid("metadata.name", obj.metadata.name, 'must be spec.names.plural+"."+spec.group')

    def check_update(
        self, faults: Faults, old: CustomResourceDefinition, new: CustomResourceDefinition, subresource: str
    ) -> None:
        known = {v.name for v in new.spec.versions}
        for at, name in enumerate(new.status.stored_versions):
            if name not in known:
                faults.invalid(f"status.storedVersions[{at}]", name, "must appear in spec.versions")
        if subresource == "status":
            return
        if approval_of(old)[0] != approval_of(new)[0]:
            _check_approval(faults, new)
        if old.spec == new.spec:
            return
        self._check(faults, new)
        was, now = old.spec, new.spec
        pairs = [("spec.group", was.group, now.group), ("spec.names.plural", was.names.plural, now.names.plural)]
        if holds(old, "Established"):
            pairs += [("spec.scope", was.scope, now.scope), ("spec.names.kind", was.names.kind, now.names.kind)]
        for field, before, after in pairs:
            if before != after:
                faults.invalid(field, after, IMMUTABLE)


def _check_approval(faults: Faults, obj: CustomResourceDefinition) -> None:
    """A group of Kubernetes' own is only taken by who says who approved that."""
    found, words = approval_of(obj)
    path = f"metadata.annotations[{ANNOTATION}]"
    if found == MISSING:
        faults.required(path, words)
    elif found == INVALID:
        faults.invalid(path, obj.metadata.annotations[ANNOTATION], words)


def check_spec(faults: Faults, spec: CustomResourceDefinitionSpec) -> None:
    if not spec.group:
        faults.required("spec.group")
    elif wrong := names.subdomain(spec.group):
        faults.invalid("spec.group", spec.group, ",".join(wrong))
    elif "." not in spec.group:
        faults.invalid("spec.group", spec.group, "should be a domain with at least one dot")
    if not spec.scope:
        faults.required("spec.scope")
    elif spec.scope not in ("Cluster", "Namespaced"):
        faults.not_supported("spec.scope", spec.scope, ("Cluster", "Namespaced"))
    if spec.preserve_unknown_fields:
        faults.invalid("spec.preserveUnknownFields", True, "cannot set to true, set x-kubernetes-preserve-unknown-fields to "
                       "true in spec.versions[*].schema instead")  # fmt: skip
    stored = [v for v in spec.versions if v.storage]
    seen: set[str] = set()
    check_parts(faults, spec.versions)
    for at, version in enumerate(spec.versions):
        path = f"spec.versions[{at}]"
        if version.name in seen:
            faults.invalid("spec.versions", [v.name for v in spec.versions], "must contain unique version names")
        seen.add(version.name)
        check_version(faults, version, path)
    if len(stored) != 1:
        shown = [v.name for v in spec.versions]
        faults.invalid("spec.versions", shown, "must have exactly one version marked as storage version")
    check_names(faults, spec.names, "spec.names")
    check_conversion(faults, spec.conversion)


def check_version(faults: Faults, version: CustomResourceDefinitionVersion, path: str) -> None:
    if wrong := names.dns_1035(version.name):
        faults.invalid(f"{path}.name", version.name, ",".join(wrong))
    if version.deprecation_warning is not None and not version.deprecated:
        faults.invalid(f"{path}.deprecationWarning", version.deprecation_warning, "can only be set for deprecated versions")
    if version.schema is None or version.schema.open_apiv3_schema is None:
        faults.required(f"{path}.schema.openAPIV3Schema", "schemas are required")


def check_parts(faults: Faults, versions: tuple[CustomResourceDefinitionVersion, ...]) -> None:
    """Schemas, columns and parts of the versions. What all of them have alike is checked once, and named without a version, as
    Kubernetes does."""
    for name, place, check in (
        ("schema", "validation", _check_schema),
        ("subresources", "subresources", _check_subresources),
        ("additional_printer_columns", "additionalPrinterColumns", _check_columns),
    ):
        held = [getattr(version, name) for version in versions]
        if held and all(one == held[0] for one in held):
            check(faults, held[0], f"spec.{place}")
            continue
        for at, one in enumerate(held):
            check(faults, one, f"spec.versions[{at}].{'schema' if name == 'schema' else place}")
    if versions and all(version.selectable_fields == versions[0].selectable_fields for version in versions):
        _check_selectable(faults, versions[0], "spec.selectableFields")
        return
    for at, version in enumerate(versions):
        _check_selectable(faults, version, f"spec.versions[{at}].selectableFields")


def _check_schema(faults: Faults, validation: Any, path: str) -> None:
    if validation is not None and validation.open_apiv3_schema is not None:
        check_schema(faults, validation.open_apiv3_schema, f"{path}.openAPIV3Schema")


def _check_columns(faults: Faults, columns: Any, path: str) -> None:
    for at, column in enumerate(columns):
        here = f"{path}[{at}]"
        if not column.name:
            faults.required(f"{here}.name")
        if not column.type:
            faults.required(f"{here}.type", "must be one of " + ",".join(COLUMN_TYPES))
        elif column.type not in COLUMN_TYPES:
            faults.invalid(f"{here}.type", column.type, "must be one of " + ",".join(COLUMN_TYPES))
        _check_path(faults, f"{here}.jsonPath", column.json_path)


def _check_selectable(faults: Faults, version: CustomResourceDefinitionVersion, path: str) -> None:
    """Fields that the schema has, and whose values are texts, numbers or truths. Source: ValidateSelectableFields."""
    schema = version.schema.open_apiv3_schema if version.schema is not None else None
    seen: set[tuple[str, ...]] = set()
    for at, field in enumerate(version.selectable_fields):
        here = f"{path}[{at}]"
        if not field.json_path:
            faults.required(f"{here}.jsonPath")
            continue
        found = plain(field.json_path)
        if found is None:
            faults.invalid(f"{here}.jsonPath", field.json_path, "is an invalid path: it must name fields alone")
            continue
        if found[0] == "metadata":
            faults.invalid(here, field.json_path, "must not point to fields in metadata")
        elif (at_field := _schema_at(schema, found)) is None:
            faults.invalid(f"{here}.jsonPath", field.json_path, "is an invalid path: does not refer to a valid field")
        elif at_field.type not in SELECTABLE_TYPES:
            faults.invalid(here, field.json_path, SELECTABLE_WORDS)
        if found in seen:
            faults.duplicate(here, field.json_path)
        seen.add(found)
    if len(seen) > MAX_SELECTABLE:
        faults.too_many(path, len(seen), MAX_SELECTABLE)


def _schema_at(schema: JSONSchemaProps | None, names_: tuple[str, ...]) -> JSONSchemaProps | None:
    """What a schema says of the value at a path; None where it knows none."""
    for name in names_:
        if schema is None:
            return None
        inner = schema.properties.get(name)
        more = schema.additional_properties
        schema = inner if inner is not None else more if isinstance(more, JSONSchemaProps) else None
    return schema


def _check_subresources(faults: Faults, subresources: Any, path: str) -> None:
    scale = subresources.scale if subresources is not None else None
    if scale is None:
        return
    for name, given, roots in (
        ("specReplicasPath", scale.spec_replicas_path, (".spec.",)),
        ("statusReplicasPath", scale.status_replicas_path, (".status.",)),
        ("labelSelectorPath", scale.label_selector_path, (".spec.", ".status.")),
    ):
        here = f"{path}.scale.{name}"
        if given is None:
            continue
        if not given:
            if name != "labelSelectorPath":
                faults.required(here)
        elif plain(given) is None or not given.startswith(roots):
            faults.invalid(here, given, f"should be a json path under {' or '.join(r[:-1] for r in roots)}")


def _check_path(faults: Faults, field: str, path: str) -> None:
    from shipslog.engine.kinds.custom.json_paths import BadPath, steps

    if not path:
        faults.required(field)
        return
    try:
        if not path.startswith(".") or not steps(path):
            raise BadPath("must be a simple json path starting with .")
    except BadPath as error:
        faults.invalid(field, path, str(error))


def check_names(faults: Faults, given: CustomResourceDefinitionNames, path: str) -> None:
    for name, value, needed in (("plural", given.plural, True), ("singular", given.singular, False)):
        if not value and needed:
            faults.required(f"{path}.{name}")
        elif value and (wrong := names.dns_1035(value)):
            faults.invalid(f"{path}.{name}", value, ",".join(wrong))
    for name, value in (("kind", given.kind), ("listKind", given.list_kind)):
        if not value:
            faults.required(f"{path}.{name}")
        elif wrong := names.dns_1035(value.lower()):
            faults.invalid(f"{path}.{name}", value, f"may have mixed case, but should otherwise match: {','.join(wrong)}")
    if given.kind and given.kind == given.list_kind:
        faults.invalid(f"{path}.listKind", given.list_kind, "kind and listKind may not be the same")
    for name, values in (("shortNames", given.short_names), ("categories", given.categories)):
        for at, value in enumerate(values):
            if wrong := names.dns_1035(value):
                faults.invalid(f"{path}.{name}[{at}]", value, ",".join(wrong))


def with_port(conversion: CustomResourceConversion) -> CustomResourceConversion:
    """A service is asked at 443 where nothing is said."""
    webhook = conversion.webhook
    client = webhook.client_config if webhook is not None else None
    if webhook is None or client is None or client.service is None or client.service.port is not None:
        return conversion
    client = replace(client, service=replace(client.service, port=PORT))
    return replace(conversion, webhook=replace(webhook, client_config=client))


def check_conversion(faults: Faults, conversion: Any) -> None:
    if conversion is None:
        return
    if conversion.strategy not in ("None", "Webhook"):
        faults.not_supported("spec.conversion.strategy", conversion.strategy, ("None", "Webhook"))
    elif conversion.strategy == "Webhook":
        _check_webhook(faults, conversion.webhook, "spec.conversion")
    elif conversion.webhook is not None:
        faults.forbidden("spec.conversion.webhook", "should not be set when strategy is not set to Webhook")


def _check_webhook(faults: Faults, webhook: Any, path: str) -> None:
    if webhook is None or webhook.client_config is None:
        faults.required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
    else:
        check_client(faults, webhook.client_config, f"{path}.webhookClientConfig")
    versions = (webhook.conversion_review_versions if webhook is not None else None) or ()
    if not versions:
        faults.required(f"{path}.conversionReviewVersions")
    elif not set(versions) & set(REVIEWS):
        faults.invalid(f"{path}.conversionReviewVersions", versions, "must include at least one of v1, v1beta1")
    for at, version in enumerate(versions):
        if version in versions[:at]:
            faults.invalid(f"{path}.conversionReviewVersions[{at}]", version, "duplicate version")
        else:
            faults.invalid_each(f"{path}.conversionReviewVersions[{at}]", version, names.dns_1035(version))


STRATEGY = CustomResourceDefinitionStrategy()
