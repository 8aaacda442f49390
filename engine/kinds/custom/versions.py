"""An object in another version than the stored one: held to the schema of that before another server turns it into the stored.

Tests: tests/engine/webhooks/test_conversion.py
"""

from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.custom import CustomObject
from shipslog.store.objects.scheme import Kind

from . import validation


def by_schema(kind: Kind, obj: CustomObject) -> CustomObject:
    """The object with the defaults of its version, and without what that does not have. Errors: Invalid."""
    schema, faults = kind.definition.schema, Faults()
    rest = kind.definition.completed(obj.rest)
    validation.check(
        faults, schema, {"apiVersion": obj.api_version, "kind": obj.kind, "metadata": {}, **rest}, validation.MISSING
    )
    faults.refuse(kind, obj.metadata.name)
    return CustomObject(kind=obj.kind, api_version=obj.api_version, metadata=obj.metadata, rest=rest)
