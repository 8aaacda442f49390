"""What is wrong with the schema of a definition: it must be structural. Source: apiextensions-apiserver's validation.

Tests: tests/engine/kinds/apiextensions/test_custom_resource_definition.py
"""

from msgspec.structs import fields

from shipslog.engine.cel import patterns
from shipslog.engine.kinds.custom import validation
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.fields.structural import has_rules, pruned
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps

TYPES = ("array", "boolean", "integer", "number", "object", "string")
DEEPEST = 100  # schemas within schemas: a walk along them is a recursion
NEVER = {
    "ref": "$ref is not supported",
    "schema": "$schema is not supported",
    "id": "id is not supported",
    "additional_items": "additionalItems is not supported",
    "definitions": "definitions is not supported",
    "dependencies": "dependencies is not supported",
    "pattern_properties": "patternProperties is not supported",
}
WIRE = {f.name: f.encode_name for f in fields(JSONSchemaProps)}
# What only the structure may say, and not the alternatives beside it.
OF_STRUCTURE = (
    "description",
    "type",
    "title",
    "default",
    "additional_properties",
    "nullable",
    "x_kubernetes_preserve_unknown_fields",
    "x_kubernetes_embedded_resource",
    "x_kubernetes_int_or_string",
    "x_kubernetes_list_type",
    "x_kubernetes_map_type",
    "x_kubernetes_list_map_keys",
)
INT_OR_STRING = ("integer", "string")


def check_schema(faults: Faults, schema: JSONSchemaProps, path: str) -> None:
    """What is wrong with the schema of a version."""
    if not schema.type:
        faults.required(f"{path}.type", "must not be empty at the root")
    elif schema.type != "object":
        faults.invalid(f"{path}.type", schema.type, "must be object at the root")
    if schema.nullable:
        faults.forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    meta = schema.properties.get("metadata")
    if meta is not None and (set(meta.properties) - {"name", "generateName"} or meta.required):
        faults.forbidden(f"{path}.properties[metadata]", "must not specify anything other than name and generateName, but "
                         "metadata is implicitly specified")  # fmt: skip
    before = len(faults.causes)
    _structure(faults, schema, path, 0)
    if len(faults.causes) == before and has_rules(schema):
        from .rules import check_rules  # and with it all that expressions need, when the first comes

        check_rules(faults, schema, path)


def _structure(faults: Faults, schema: JSONSchemaProps, path: str, depth: int) -> None:
    if depth > DEEPEST:
        faults.invalid(path, "", f"it lies within more than {DEEPEST} other schemas")
        return
    _own(faults, schema, path)
    _list_and_map(faults, schema, path)
    for name, below in schema.properties.items():
        here = f"{path}.properties[{name}]"
        if not below.type and not _may_be_untyped(below):
            faults.required(f"{here}.type", "must not be empty for specified object fields")
        _structure(faults, below, here, depth + 1)
    more = schema.additional_properties
    if more is False:
        faults.forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false")
    if schema.properties and more not in (None, False):
        faults.forbidden(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if isinstance(more, JSONSchemaProps):
        if not more.type and not _may_be_untyped(more):
            faults.required(f"{path}.additionalProperties.type", "must not be empty for specified object fields")
        _structure(faults, more, f"{path}.additionalProperties", depth + 1)
    items = schema.items
    if isinstance(items, tuple):
        faults.forbidden(f"{path}.items", "items must be a schema object and not an array")
    elif items is not None:
        if not items.type and not _may_be_untyped(items):
            faults.required(f"{path}.items.type", "must not be empty for specified array items")
        _structure(faults, items, f"{path}.items", depth + 1)
    elif schema.type == "array":
        faults.required(f"{path}.items", "must be specified")
    for where, part in _alternatives(schema):
        _alternative(faults, part, schema, f"{path}.{where}", depth + 1, where.startswith("allOf"))
    _default(faults, schema, path)


def _may_be_untyped(schema: JSONSchemaProps) -> bool:
    return schema.x_kubernetes_int_or_string or bool(schema.x_kubernetes_preserve_unknown_fields)


def _own(faults: Faults, schema: JSONSchemaProps, path: str) -> None:
    """What stands in one schema, wherever it is."""
    for name, words in NEVER.items():
        if getattr(schema, name):
            faults.forbidden(f"{path}.{WIRE[name]}", words)
    if schema.type and schema.type not in TYPES:
        faults.not_supported(f"{path}.type", schema.type, TYPES)
    if schema.unique_items:
        faults.forbidden(
            f"{path}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        )
    if schema.x_kubernetes_validations:
        from .rules import check_texts

        check_texts(faults, schema, path)
    if schema.x_kubernetes_preserve_unknown_fields is False:
        faults.invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    if schema.x_kubernetes_int_or_string and schema.type:
        faults.forbidden(f"{path}.type", "must be empty if x-kubernetes-int-or-string is true")
    if schema.x_kubernetes_embedded_resource:
        if schema.type != "object":
            faults.invalid(f"{path}.type", schema.type, "must be object if x-kubernetes-embedded-resource is true")
        if not schema.properties and not schema.x_kubernetes_preserve_unknown_fields:
            faults.required(f"{path}.properties", "must not be empty if x-kubernetes-embedded-resource is true without "
                            "x-kubernetes-preserve-unknown-fields")  # fmt: skip
    if schema.pattern:
        try:
            patterns.compiled(schema.pattern)
        except patterns.BadPattern as error:
            faults.invalid(f"{path}.pattern", schema.pattern, f"must be a valid regular expression, but isn't: {error}")


def _list_and_map(faults: Faults, schema: JSONSchemaProps, path: str) -> None:
    type_, keys = schema.x_kubernetes_list_type, schema.x_kubernetes_list_map_keys
    if type_ is not None:
        if type_ not in ("atomic", "set", "map"):
            faults.not_supported(f"{path}.x-kubernetes-list-type", type_, ("atomic", "map", "set"))
        if schema.type != "array":
            faults.invalid(f"{path}.type", schema.type or "", "must be array if x-kubernetes-list-type is specified")
    if keys and type_ != "map":
        faults.invalid(f"{path}.x-kubernetes-list-type", type_ or "", "must be map if x-kubernetes-list-map-keys is non-empty")
    if schema.x_kubernetes_map_type not in (None, "atomic", "granular"):
        faults.not_supported(f"{path}.x-kubernetes-map-type", schema.x_kubernetes_map_type, ("atomic", "granular"))
    if type_ != "map":
        return
    if not keys:
        faults.required(f"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")
    items = schema.items
    if not isinstance(items, JSONSchemaProps) or items.type != "object":
        faults.invalid(f"{path}.items.type", getattr(items, "type", "") or "", "must be object if parent array's "
                       "x-kubernetes-list-type is map")  # fmt: skip
        return
    for at, key in enumerate(keys):
        held = items.properties.get(key)
        if held is None:
            faults.invalid(f"{path}.x-kubernetes-list-map-keys[{at}]", key, "must be one of the properties of the items")
        elif key not in items.required and held.default is None:
            faults.required(f"{path}.items.properties[{key}].default", "this property is in x-kubernetes-list-map-keys, so it "
                            "must have a default or be a required property")  # fmt: skip


def _alternatives(schema: JSONSchemaProps) -> list[tuple[str, JSONSchemaProps]]:
    found = [
        (f"{name}[{at}]", part)
        for name, parts in (("allOf", schema.all_of), ("anyOf", schema.any_of), ("oneOf", schema.one_of))
        for at, part in enumerate(parts)
    ]
    return found + ([("not", schema.not_)] if schema.not_ is not None else [])


def _alternative(
    faults: Faults, part: JSONSchemaProps, structure: JSONSchemaProps | None, path: str, depth: int, ruled: bool
) -> None:
    """A schema beside the structure: it only says which values are right, of fields that the structure has. `ruled`: it may
    have rules, as `allOf` may."""
    if depth > DEEPEST:
        faults.invalid(path, "", f"it lies within more than {DEEPEST} other schemas")
        return
    _own(faults, part, path)
    typed = structure is not None and structure.x_kubernetes_int_or_string and part.type in INT_OR_STRING
    for name in OF_STRUCTURE:
        if getattr(part, name) and not (name == "type" and typed):
            faults.forbidden(f"{path}.{WIRE[name]}", "must be empty to be structural")
    if part.x_kubernetes_validations and not ruled:
        faults.forbidden(f"{path}.x-kubernetes-validations", "must be empty to be structural")
    for name, below in part.properties.items():
        held = structure.properties.get(name) if structure is not None else None
        if held is None:
            where = path.rsplit(".", 1)[0]
            faults.required(f"{where}.properties[{name}]", f"because it is defined in {path}.properties[{name}]")
        _alternative(faults, below, held, f"{path}.properties[{name}]", depth + 1, ruled)
    if isinstance(part.items, JSONSchemaProps):
        held = structure.items if structure is not None and isinstance(structure.items, JSONSchemaProps) else None
        if held is None:
            faults.required(f"{path.rsplit('.', 1)[0]}.items", f"because it is defined in {path}.items")
        _alternative(faults, part.items, held, f"{path}.items", depth + 1, ruled)
    for where, below in _alternatives(part):
        _alternative(faults, below, structure, f"{path}.{where}", depth + 1, ruled and where.startswith("allOf"))


def _default(faults: Faults, schema: JSONSchemaProps, path: str) -> None:
    """A default must be what its own schema allows."""
    if schema.default is None or faults:
        return
    unknown: list[str] = []
    pruned(schema, schema.default, unknown)
    for name in unknown:
        faults.invalid(f"{path}.default", schema.default, f"unknown field {name!r}")
    found = validation.Validator(most=10)
    found.value(schema, schema.default)
    for wrong in found.found:
        where = validation.text_of(wrong.path)
        faults.tell(wrong.reason, wrong.words, f"{path}.default" + (f".{where}" if where else ""))
    if not found.found and has_rules(schema):
        from shipslog.engine.kinds.custom import rules

        made = rules.Rules(schema, schema)
        rules.check(faults, made, schema.default, path=f"{path}.default")
