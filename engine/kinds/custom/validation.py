"""What is wrong with a value by its schema, in the words of Kubernetes: field paths, reasons and causes.

Source: apiextensions-apiserver's validation (kube-openapi's validate, and the list types), by its
behaviour. Goes once over the value for each of the schemas that speak of it.
"""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shipslog.engine.cel import patterns
from shipslog.engine.kinds.faults import Faults, shown
from shipslog.store.objects.fields.structural import child, inner
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps
from shipslog.store.refusals import TooLarge

from . import formats

Path = tuple[str | int, ...]
MISSING = object()
STEPS = 2_000_000  # of one validation: some seconds. A value of 3 MiB is held to a plain schema in a few hundred thousand
TOLD = 10  # steps that it takes to say what is wrong with a value
AT_A_STEP = 16  # values of an enum, or required fields, that are looked through in the time of one


class Found(Struct, frozen=True):
    """One thing that is wrong. `at`: the value that is, for what is left as it was (see `without_old`)."""

    reason: str
    words: str
    path: Path
    at: Path


def text_of(path: Path) -> str:
    """A path as Kubernetes prints it: `spec.ports[0].name`."""
    made = ""
    for part in path:
        made += f"[{part}]" if isinstance(part, int) else f".{part}" if made else part
    return made


class Meter:
    """What a validation has taken, its alternatives included: their number and that of the values multiply."""

    def __init__(self) -> None:
        self.left = STEPS

    def take(self, steps: int) -> None:
        """Errors: TooLarge."""
        self.left -= steps
        if self.left < 0:
            raise TooLarge(
                f"Request entity too large: more than {STEPS} steps are needed to hold the object to the schema of its kind; "
                "nothing was written. Send fewer items, or have fewer alternatives in the schema"
            )


class Validator:
    """One validation. What it finds is bounded, as what a `Faults` tells is, and so is what it takes."""

    def __init__(self, most: int = 1000, meter: Meter | None = None) -> None:
        self.found: list[Found] = []
        self._most = most
        self._meter = meter if meter is not None else Meter()

    @property
    def full(self) -> bool:
        return len(self.found) >= self._most

    def _add(self, path: Path, words: str, reason: str = "FieldValueInvalid", at: Path | None = None) -> None:
        if not self.full:
            self._meter.take(TOLD)
            self.found.append(Found(reason, words, path, path if at is None else at))

    def _invalid(self, path: Path, value: Any, detail: str, reason: str = "FieldValueInvalid") -> None:
        if not self.full:
            self._add(path, f"Invalid value: {_brief(value)}: {text_of(path)} {detail}", reason)

    def value(self, schema: JSONSchemaProps, value: Any, path: Path = ()) -> None:
        """Look at a value and at all within. Errors: TooLarge."""
        self._meter.take(1 + (len(schema.enum) + len(schema.required)) // AT_A_STEP)
        if self.full or (value is None and schema.nullable):
            return
        if not self._is_of_type(schema, value, path):
            return
        if schema.enum and not any(_equal(value, allowed) for allowed in schema.enum):
            supported = ", ".join(shown(allowed) for allowed in schema.enum)
            self._add(path, f"Unsupported value: {_brief(value)}: supported values: {supported}", "FieldValueNotSupported")
        if isinstance(value, str):
            self._text(schema, value, path)
        elif isinstance(value, dict):
            self._object(schema, value, path)
        elif isinstance(value, list | tuple):
            self._list(schema, value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._number(schema, value, path)
        if schema.format and not formats.fits(schema.format, value):
            self._invalid(path, value, f"in body must be of type {schema.format}: {shown(value)}")
        if schema.any_of or schema.one_of or schema.all_of or schema.not_ is not None:
            self._composed(schema, value, path)

    def _is_of_type(self, schema: JSONSchemaProps, value: Any, path: Path) -> bool:
        wanted = "integer,string" if schema.x_kubernetes_int_or_string else schema.type
        kind = type_of(value)
        if not wanted or kind == wanted or kind in wanted.split(",") or (wanted == "number" and kind == "integer"):
            return True
        self._invalid(path, kind, f'in body must be of type {wanted}: "{kind}"', "FieldValueTypeInvalid")
        return False

    def _text(self, schema: JSONSchemaProps, value: str, path: Path) -> None:
        if schema.max_length is not None and len(value) > schema.max_length:
            self._add(path, f"Too long: may not be more than {schema.max_length} bytes", "FieldValueTooLong")
        if schema.min_length is not None and len(value) < schema.min_length:
            self._invalid(path, value, f"in body should be at least {schema.min_length} chars long")
        if schema.pattern:
            self._meter.take(patterns.steps(schema.pattern, value))
            if not patterns.matches(schema.pattern, value):
                self._invalid(path, value, f"in body should match '{schema.pattern}'")

    def _number(self, schema: JSONSchemaProps, value: float, path: Path) -> None:
        least, most, factor = schema.minimum, schema.maximum, schema.multiple_of
        if most is not None and (value > most or (schema.exclusive_maximum and value == most)):
            self._invalid(
                path, value, f"in body should be less than {'' if schema.exclusive_maximum else 'or equal to '}{_go(most)}"
            )
        if least is not None and (value < least or (schema.exclusive_minimum and value == least)):
            equal = "" if schema.exclusive_minimum else "or equal to "
            self._invalid(path, value, f"in body should be greater than {equal}{_go(least)}")
        if factor and not _is_multiple(value, factor):
            self._invalid(path, value, f"in body should be a multiple of {_go(factor)}")

    def _object(self, schema: JSONSchemaProps, value: Mapping[str, Any], path: Path) -> None:
        size = len(value)
        if schema.max_properties is not None and size > schema.max_properties:
            self._add(path, f"Too many: {size}: must have at most {schema.max_properties} items", "FieldValueTooMany")
        if schema.min_properties is not None and size < schema.min_properties:
            self._invalid(path, size, f"in body should have at least {schema.min_properties} properties")
        for name in schema.required:
            if name not in value:
                self._add((*path, name), "Required value", "FieldValueRequired", path)
        if schema.x_kubernetes_embedded_resource:
            for name in ("apiVersion", "kind"):
                if not value.get(name):
                    self._add((*path, name), "Required value: must not be empty", "FieldValueRequired", path)
        for name, held in value.items():
            if (below := child(schema, name)) is not None:
                self.value(below, held, (*path, name))

    def _list(self, schema: JSONSchemaProps, value: list[Any] | tuple[Any, ...], path: Path) -> None:
        size = len(value)
        if schema.max_items is not None and size > schema.max_items:
            self._add(path, f"Too many: {size}: must have at most {schema.max_items} items", "FieldValueTooMany")
        if schema.min_items is not None and size < schema.min_items:
            self._invalid(path, size, f"in body should have at least {schema.min_items} items")
        if schema.x_kubernetes_list_type in ("map", "set"):
            self._once(schema, value, path)
        if isinstance(schema.items, JSONSchemaProps):
            for at, held in enumerate(value):
                self.value(schema.items, held, (*path, at))

    def _once(self, schema: JSONSchemaProps, value: list[Any] | tuple[Any, ...], path: Path) -> None:
        """Items of a set, and of a map by its keys, stand once."""
        seen: set[str] = set()
        for at, held in enumerate(value):
            what = held if schema.x_kubernetes_list_type == "set" else keys_of(schema, held)
            named = _canonical(what)
            if named in seen:
                words = shown(what) if not isinstance(what, Mapping) else f"map[string]interface {{}}{_canonical(what)}"
                self._add((*path, at), f"Duplicate value: {words}", "FieldValueDuplicate", path)
            seen.add(named)

    # --- what stands beside the structure ---

    def _composed(self, schema: JSONSchemaProps, value: Any, path: Path) -> None:
        where = f'"{text_of(path)}"'
        if schema.any_of:
            tried = []
            for part in schema.any_of:
                if not (wrong := self._wrong(part, value, path)):
                    break
                tried.append(wrong)
            else:
                self._nearest(tried)
                self._add(path, f'Invalid value: "": {where} must validate at least one schema (anyOf)')
        if schema.one_of:
            tried = [self._wrong(part, value, path) for part in schema.one_of]
            count = sum(not wrong for wrong in tried)
            if count != 1:
                if not count:
                    self._nearest(tried)
                how = f"Found {count} valid alternatives" if count else "Found none valid"
                self._add(path, f'Invalid value: "": {where} must validate one and only one schema (oneOf). {how}')
        if schema.all_of:
            before = len(self.found)
            for part in schema.all_of:
                self.value(part, value, path)
            if len(self.found) > before:
                self._add(path, f'Invalid value: "": {where} must validate all the schemas (allOf)')
        if schema.not_ is not None and not self._wrong(schema.not_, value, path):
            self._add(path, f'Invalid value: "": {where} must not validate the schema (not)')

    def _wrong(self, schema: JSONSchemaProps, value: Any, path: Path) -> list[Found]:
        """What is wrong by an alternative. Each is tried once: twice, and those within those would be so time and again."""
        other = Validator(self._most, self._meter)
        other.value(schema, value, path)
        return other.found

    def _nearest(self, tried: list[list[Found]]) -> None:
        """What is wrong by the alternative that comes nearest."""
        for found in min(tried, key=len):
            self._add(found.path, found.words, found.reason, found.at)


def check(faults: Faults, schema: JSONSchemaProps, value: Any, old: Any = MISSING) -> None:
    """What is wrong with an object by its schema. `old`: as it was: what was as wrong there already is let be."""
    validator = Validator()
    validator.value(schema, value)
    found = validator.found
    if found and old is not MISSING:
        found = _without_old(schema, found, value, old)
    for wrong in found:
        faults.tell(wrong.reason, wrong.words, text_of(wrong.path) or "<nil>")


def _without_old(schema: JSONSchemaProps, found: list[Found], new: Any, old: Any) -> list[Found]:
    """Those that are about values which have changed. Source: KEP-4008, ratcheting."""
    known: dict[Path, bool] = {}
    items: Items = {}
    kept = []
    for wrong in found:
        if wrong.at not in known:
            known[wrong.at] = _is_as_it_was(schema, wrong.at, new, old, items)
        if not known[wrong.at]:
            kept.append(wrong)
    return kept


Items = dict[int, dict[str, Any]]  # of old lists, by the list's own id: by their keys


def _is_as_it_was(schema: JSONSchemaProps, path: Path, new: Any, old: Any, items: Items) -> bool:
    """Whether the value at a path is the one that was there; items of lists are found again by their keys, of maps of items."""
    below: JSONSchemaProps | None = schema
    for part in path:
        if isinstance(part, int):
            if below is None or below.x_kubernetes_list_type != "map" or not isinstance(old, list | tuple):
                break
            if (known := items.get(id(old))) is None:
                known = items[id(old)] = {}
                for item in old:
                    known.setdefault(_canonical(keys_of(below, item)), item)
            held = known.get(_canonical(keys_of(below, new[part])), MISSING)
            new, old, below = new[part], held, inner(below)
        else:
            if not isinstance(old, Mapping) or not isinstance(new, Mapping) or part not in new:
                return False
            new, old = new[part], old.get(part, MISSING)
            below = child(below, part) if below is not None else None
        if old is MISSING:
            return False
    return _canonical(new) == _canonical(old)


def keys_of(schema: JSONSchemaProps, item: Any) -> dict[str, Any]:
    """The keys by which an item of a map is told apart, with their defaults."""
    if not isinstance(item, Mapping):
        return {}
    below = inner(schema)
    keys = {}
    for key in schema.x_kubernetes_list_map_keys:
        held = item.get(key)
        if held is None and below is not None and key in below.properties:
            held = below.properties[key].default
        if held is not None:
            keys[key] = held
    return keys


def type_of(value: Any) -> str:
    """A JSON value's type, as schemas name it; a number without a fraction is an integer."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "array"


def _equal(value: Any, other: Any) -> bool:
    if isinstance(value, str) or isinstance(other, str):
        return bool(value == other)
    return value is other or (type_of(value) == type_of(other) and _canonical(value) == _canonical(other))


def _canonical(value: Any) -> str:
    """A value as text: equal for equal values."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and float(factor).is_integer():
        return value % int(factor) == 0
    try:
        times = value / factor
    except OverflowError:  # an integer that no float holds
        return False
    return abs(times - round(times)) < 1e-9


def _brief(value: Any) -> str:
    """A value in a message; long ones by their type, as Kubernetes does with objects and lists."""
    return json.dumps(type_of(value)) if isinstance(value, Mapping | list | tuple) else shown(value)


def _go(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(number)
