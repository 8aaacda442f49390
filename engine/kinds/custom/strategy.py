"""The rules of a kind that a definition makes. Source: apiextensions-apiserver's customresource strategies.

Tests: tests/engine/api/test_custom.py
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.store.objects.custom import CustomObject, Definition
from shipslog.store.objects.fields.structural import has_rules, pruned
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest, Cause, MethodNotAllowed

from . import json_paths, validation

if TYPE_CHECKING:
    from .rules import Rules

CREATED = ".metadata.creationTimestamp"
# What is wrong by its schema in one of these ways is not looked at by rules: they trust in the types and sizes of values.
BLOCKING = frozenset({
    "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid",
})  # fmt: skip
UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
)


class CustomStrategy(Strategy):
    """Of one version of a defined kind."""

    strict_finalizers = False
    unconditional_update = False

    def __init__(self, kind: Kind) -> None:
        definition: Definition = kind.definition
        self._api_version = kind.api_version
        self.definition, self.schema = definition, definition.schema
        self.about = definition.schema.description
        version = definition.version
        shown = [
            (c.json_path, Column(c.name, c.description, c.type, c.format, c.priority))
            for c in version.additional_printer_columns
        ]
        if not shown:
            shown = [(CREATED, Column("Age", "How long ago the API server created the object.", "date"))]
        self._paths = [path for path, _ in shown]
        self.columns = (NAME, *(column for _, column in shown))
        self.selectable = {f.json_path.removeprefix("."): _reader(f.json_path) for f in version.selectable_fields}

    # --- what it looks like ---

    def cells(self, obj: CustomObject, now_ns: int) -> list[Any]:
        return [obj.metadata.name, *(self._cell(at, path, obj, now_ns) for at, path in enumerate(self._paths, 1))]

    def _cell(self, at: int, path: str, obj: CustomObject, now_ns: int) -> Any:
        found = _found(path, obj)
        if not found:
            return None
        value, type_ = found[0], self.columns[at].type
        if type_ == "string":
            return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        if type_ == "date":
            return _age(value, now_ns)
        if type_ == "integer":
            return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        if type_ == "boolean":
            return value if isinstance(value, bool) else None
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    # --- creating and changing ---

    def read(self, kind: Kind, obj: CustomObject, validation: str) -> tuple[CustomObject, tuple[str, ...]]:
        unknown: list[str] = []
        rest = pruned(self.schema, obj.rest, unknown, whole=True)
        if not unknown:
            return obj, ()
        warnings = tuple(f'unknown field "{path}"' for path in unknown)
        if validation == "Strict":
            why = f"strict decoding error: {', '.join(warnings)}"
            raise BadRequest(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}')
        return replace(obj, rest=rest), warnings if validation != "Ignore" else ()

    def default(self, obj: CustomObject) -> CustomObject:
        return self.definition.shown(obj)

    def create(self, kind: Kind, obj: CustomObject, ctx: Admission) -> CustomObject:
        if self.definition.terminating:
            raise MethodNotAllowed("create not allowed while custom resource definition is terminating")
        rest = obj.with_member("status", None) if self.definition.has_status else obj.rest
        return replace(obj, metadata=replace(obj.metadata, generation=1), rest=rest)

    def update(self, kind: Kind, old: CustomObject, new: CustomObject, subresource: str, ctx: Admission) -> CustomObject:
        if subresource == "status":
            meta = replace(old.metadata, managed_fields=new.metadata.managed_fields)
            return replace(old, metadata=meta, rest=old.with_member("status", new.get("status")))
        if self.definition.has_status:
            new = replace(new, rest=new.with_member("status", old.get("status")))
        changed = new.rest != old.rest
        return replace(new, metadata=replace(new.metadata, generation=generation_after(old, changed)))

    def check(self, faults: Faults, obj: CustomObject) -> None:
        self._check(faults, obj, validation.MISSING)

    def check_update(self, faults: Faults, old: CustomObject, new: CustomObject, subresource: str) -> None:
        if new.rest != old.rest or "metadata" in self.schema.properties or self.rules is not None:
            self._check(faults, new, self._whole(old))

    def _check(self, faults: Faults, obj: CustomObject, old: Any) -> None:
        value, before = self._whole(obj), len(faults.causes)
        validation.check(faults, self.schema, value, old)
        if (rules := self.rules) is not None:
            self._check_rules(faults, rules, value, old, faults.causes[before:])
        if (scale := self.definition.scale) is not None:
            for path in (scale.spec_replicas_path, scale.status_replicas_path):
                for value in _found(path, obj):
                    if isinstance(value, int) and value < 0:
                        faults.invalid(path.removeprefix("."), value, "should be a non-negative integer")

    @cached_property
    def rules(self) -> "Rules | None":
        """Those in CEL, of the schema."""
        if not has_rules(self.schema):
            return None
        from .rules import rules_of  # with all that expressions need

        return rules_of(self.schema, self.schema, whole=True)

    def _check_rules(self, faults: Faults, rules: "Rules", value: Any, old: Any, wrong: Sequence[Cause]) -> None:
        from .rules import check

        if any(cause.reason in BLOCKING for cause in wrong):
            faults.tell("FieldValueInvalid", f'Invalid value: "null": {UNCHECKED}', "<nil>")
        else:
            check(faults, rules, value, old)

    def _whole(self, obj: CustomObject) -> Mapping[str, Any]:
        meta = codec.to_builtins(obj.metadata) if "metadata" in self.schema.properties or self.rules is not None else {}
        return {"apiVersion": self._api_version, "kind": obj.kind, "metadata": meta, **obj.rest}


def _found(path: str, obj: CustomObject) -> list[Any]:
    if path == CREATED:
        return [obj.metadata.creation_timestamp] if obj.metadata.creation_timestamp else []
    if path.startswith(".metadata"):
        return json_paths.values(path, {"metadata": codec.to_builtins(obj.metadata)})
    return json_paths.values(path, {"kind": obj.kind, "apiVersion": obj.api_version, **obj.rest})


def _age(value: Any, now_ns: int) -> str:
    if not isinstance(value, str):
        return "<unknown>"
    try:
        return age(value, now_ns)
    except ValueError:
        return "<invalid>"


def _reader(path: str) -> Any:
    def read(obj: CustomObject) -> str:
        found = _found(path, obj)
        if not found:
            return ""
        return found[0] if isinstance(found[0], str) else json.dumps(found[0])

    return read
