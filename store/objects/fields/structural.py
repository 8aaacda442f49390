"""Values along a structural schema: fields that it does not have are dropped, what it has a default for is filled in.

Source: apiextensions-apiserver's structural schemas, pruning and defaulting, by their behaviour. Both look first whether there
is anything to do: most values are as they should be, and stay the same object.
"""

from collections.abc import Mapping
from typing import Any

from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.objects.wire.json_text import MAX_TOLD

HEAD = frozenset({"apiVersion", "kind", "metadata"})
CONTAINERS = (dict, list, tuple)
EMPTY = JSONSchemaProps()


def inner(schema: JSONSchemaProps) -> JSONSchemaProps | None:
    """The schema of a list's items, or of a map's values; None where nothing is said of them."""
    below = schema.items if schema.items is not None else schema.additional_properties
    return below if isinstance(below, JSONSchemaProps) else None


def within(schema: JSONSchemaProps) -> list[JSONSchemaProps]:
    """The schemas of parts of a value, and those of all of which it must be."""
    more = [below for below in (schema.items, schema.additional_properties) if isinstance(below, JSONSchemaProps)]
    return [*schema.properties.values(), *more, *schema.all_of]


def has_rules(schema: JSONSchemaProps) -> bool:
    """Whether it has rules in CEL anywhere."""
    return bool(schema.x_kubernetes_validations) or any(map(has_rules, within(schema)))


def child(schema: JSONSchemaProps, name: str) -> JSONSchemaProps | None:
    """The schema of a member of an object."""
    found = schema.properties.get(name)
    if found is None and isinstance(schema.additional_properties, JSONSchemaProps):
        return schema.additional_properties
    return found


def pruned(schema: JSONSchemaProps | None, value: Any, unknown: list[str], path: str = "", *, whole: bool = False) -> Any:
    """The value without what its schema does not have; the paths of that go into `unknown`. `whole`: an object with a head."""
    return _pruned(schema, value, unknown, path, whole) if _goes_beyond(schema, value, whole) else value


def _goes_beyond(schema: JSONSchemaProps | None, value: Any, whole: bool = False) -> bool:
    """Whether a value has anything that its schema does not have."""
    if isinstance(value, list | tuple):
        items = schema.items if schema is not None and isinstance(schema.items, JSONSchemaProps) else None
        if items is None and schema is not None and schema.x_kubernetes_preserve_unknown_fields:
            return False
        return any(_goes_beyond(items, held) for held in value if isinstance(held, CONTAINERS))
    if not isinstance(value, dict):
        return False
    if schema is None:
        return bool(value)
    properties, more = schema.properties, schema.additional_properties
    whole = whole or schema.x_kubernetes_embedded_resource
    for name, held in value.items():
        below = properties.get(name)
        if whole and name in HEAD:
            continue
        if below is None and not more:
            if not schema.x_kubernetes_preserve_unknown_fields:
                return True
        elif isinstance(held, CONTAINERS) and _goes_beyond(child(schema, name) if below is None else below, held):
            return True
    return False


def _pruned(schema: JSONSchemaProps | None, value: Any, unknown: list[str], path: str, whole: bool = False) -> Any:
    if isinstance(value, Mapping):
        return _pruned_object(schema, value, unknown, path, whole)
    if isinstance(value, list | tuple):
        below = schema.items if schema is not None and isinstance(schema.items, JSONSchemaProps) else None
        if below is None and schema is not None and schema.x_kubernetes_preserve_unknown_fields:
            return value
        return [_pruned(below, held, unknown, f"{path}[{at}]") for at, held in enumerate(value)]
    return value


def _pruned_object(
    schema: JSONSchemaProps | None, value: Mapping[str, Any], unknown: list[str], path: str, whole: bool
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    whole = whole or (schema is not None and schema.x_kubernetes_embedded_resource)
    for name, held in value.items():
        here = f"{path}.{name}" if path else name
        below = child(schema, name) if schema is not None else None
        if whole and name in HEAD:
            kept[name] = held
        elif below is not None or (schema is not None and schema.additional_properties):
            kept[name] = _pruned(below, held, unknown, here)
        elif schema is not None and schema.x_kubernetes_preserve_unknown_fields:
            kept[name] = held
        elif len(unknown) < MAX_TOLD:
            unknown.append(here)
    return kept


def defaults_of(schema: JSONSchemaProps) -> JSONSchemaProps | None:
    """The part of a schema that has defaults, which fills in the same: nobody then goes where there are none. None: nowhere."""
    properties = {name: part for name, below in schema.properties.items() if (part := defaults_of(below)) is not None}
    below = inner(schema)
    others = defaults_of(below) if below is not None else None
    if not properties and others is None and schema.default is None:
        return None
    items = others if schema.items is not None else None
    more = others if items is None else None
    if more is not None:  # a property is not one of those that have no name
        properties = {name: properties.get(name, EMPTY) for name in schema.properties}
    return JSONSchemaProps(
        default=schema.default, nullable=schema.nullable, properties=properties, items=items, additional_properties=more
    )


def defaulted(schema: JSONSchemaProps, value: Any) -> Any:
    """The value with the defaults of its schema; a null where none may be counts as nothing."""
    return _defaulted(schema, value) if _lacks(schema, value) else value


def _lacks(schema: JSONSchemaProps, value: Any) -> bool:
    """Whether anything is not there, or is null, that has a default."""
    if isinstance(value, list | tuple):
        below = inner(schema)
        return below is not None and any(_is_open(below, held) for held in value)
    if not isinstance(value, dict):
        return False
    for name, held in value.items():
        if (
            (held is None or isinstance(held, CONTAINERS))
            and (part := child(schema, name)) is not None
            and _is_open(part, held)
        ):
            return True
    return any(part.default is not None and name not in value for name, part in schema.properties.items())


def _is_open(schema: JSONSchemaProps, held: Any) -> bool:
    return schema.default is not None and not schema.nullable if held is None else _lacks(schema, held)


def _defaulted(schema: JSONSchemaProps, value: Any) -> Any:
    if isinstance(value, Mapping):
        made: dict[str, Any] = {}
        for name, held in value.items():
            below = child(schema, name)
            if held is None and below is not None and below.default is not None and not below.nullable:
                continue
            made[name] = _defaulted(below, held) if below is not None else held
        for name, below in schema.properties.items():
            if below.default is not None and name not in made:
                made[name] = _defaulted(below, below.default)
        return made
    if isinstance(value, list | tuple):
        below = inner(schema)
        return [_item(below, held) for held in value] if below is not None else value
    return value


def _item(schema: JSONSchemaProps, held: Any) -> Any:
    if held is None and schema.default is not None and not schema.nullable:
        held = schema.default
    return _defaulted(schema, held)
