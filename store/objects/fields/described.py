"""Objects of defined kinds, field by field, as their schema says how they are merged.

Source: the types that apiextensions-apiserver makes of schemas for structured-merge-diff (x-kubernetes-list-type and its like).
"""

from typing import Any

from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps

from .shapes import Shape
from .structured import FREE, Node, root

TYPES = {"array": "list", "object": "map", "integer": "numeric", "number": "numeric", "boolean": "boolean"}
LIST, OBJECT, LEAF = Shape("list"), Shape("map"), Shape("any")


class Described(Node, frozen=True):
    """What a schema says of a value. `whole`: it is an object with a kind and metadata."""

    schema: JSONSchemaProps | None = None
    whole: bool = False

    def child(self, name: str) -> Node:
        schema = self.schema
        assert schema is not None
        if self.whole and name == "metadata":
            return root(meta_v1.ObjectMeta)
        found = schema.properties.get(name)
        if found is None and isinstance(schema.additional_properties, JSONSchemaProps):
            found = schema.additional_properties
        return of_schema(found) if found is not None else FREE

    def declares(self, name: str) -> bool:
        assert self.schema is not None
        return name in self.schema.properties or (self.whole and name in ("metadata", "kind", "apiVersion"))

    @property
    def is_closed(self) -> bool:
        schema = self.schema
        assert schema is not None
        return schema.type == "object" and not schema.x_kubernetes_preserve_unknown_fields and not schema.additional_properties

    @property
    def sort(self) -> str:
        schema = self.schema
        assert schema is not None
        if schema.x_kubernetes_int_or_string:
            return "scalar"
        if schema.type == "string":
            return "string" if schema.format in ("", "byte") else "scalar"
        return TYPES.get(schema.type, "")

    @property
    def item(self) -> Node:
        assert self.schema is not None
        return of_schema(self.schema.items) if isinstance(self.schema.items, JSONSchemaProps) else FREE

    @property
    def is_atomic(self) -> bool:
        schema = self.schema
        assert schema is not None
        if self.shape is LIST:
            return schema.x_kubernetes_list_type not in ("set", "map")
        return schema.x_kubernetes_map_type == "atomic" if self.shape is OBJECT else True

    @property
    def keys(self) -> tuple[str, ...]:
        assert self.schema is not None
        return tuple(self.schema.x_kubernetes_list_map_keys) if self.schema.x_kubernetes_list_type == "map" else ()

    def default_of(self, key: str) -> Any:
        """Of a list's items."""
        items = self.schema.items if self.schema is not None else None
        held = items.properties.get(key) if isinstance(items, JSONSchemaProps) else None
        return held.default if held is not None else None


def of_schema(schema: JSONSchemaProps) -> Node:
    """A node for values of a schema; any JSON where it says nothing of them."""
    if schema.type == "array":
        return Described(LIST, schema=schema)
    if schema.type == "object":
        return Described(OBJECT, schema=schema, whole=schema.x_kubernetes_embedded_resource)
    return FREE if schema.x_kubernetes_preserve_unknown_fields and not schema.type else Described(LEAF, schema=schema)


def root_of(kind: Kind) -> Node:
    """The node of whole objects of a kind that has a definition."""
    return Described(OBJECT, schema=kind.definition.schema, whole=True)
