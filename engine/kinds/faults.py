"""What is wrong with an object, field by field: collected first, refused once, in Kubernetes' words and order.

Tests: tests/engine/kinds/test_small_kinds.py
"""

import json
from collections.abc import Iterable
from typing import Any

from msgspec import to_builtins

from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.values.scalars import as_json
from shipslog.store.refusals import Cause, Forbidden, Invalid

NOT_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
MAX_CAUSES = 1_000
MAX_MESSAGE_BYTES = 1024 * 1024  # of what is wrong, all told


class Faults:
    """Collects field errors. A path is the text that Kubernetes prints: `spec.containers[0].name`, `data[key]`."""

    __slots__ = ("_bytes", "causes")

    def __init__(self) -> None:
        self.causes: list[Cause] = []
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self.causes)

    @property
    def full(self) -> bool:
        """Whether enough was found to tell: three megabytes of faults would make an answer of a hundred."""
        return len(self.causes) >= MAX_CAUSES or self._bytes >= MAX_MESSAGE_BYTES

    def _add(self, reason: str, words: str, field: str, detail: str) -> None:
        if self.full:
            return
        self._bytes += len(words) + len(detail)
        self.causes.append(Cause(reason, f"{words}: {detail}" if detail else words, field))

    def required(self, field: str, detail: str = "") -> None:
        self._add("FieldValueRequired", "Required value", field, detail)

    def invalid(self, field: str, value: Any, detail: str) -> None:
        if not self.full:  # before the value is made text: it may be large, and be shown for each of its parts
            self._add("FieldValueInvalid", f"Invalid value: {shown(value)}", field, detail)

    def invalid_each(self, field: str, value: Any, details: Iterable[str]) -> None:
        """One cause for each message, as Kubernetes does for names."""
        for detail in details:
            self.invalid(field, value, detail)

    def forbidden(self, field: str, detail: str) -> None:
        self._add("FieldValueForbidden", "Forbidden", field, detail)

    def duplicate(self, field: str, value: Any) -> None:
        if not self.full:
            self._add("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field, "")

    def not_found(self, field: str, value: Any, detail: str = "") -> None:
        if not self.full:
            self._add("FieldValueNotFound", f"Not found: {shown(value)}", field, detail)

    def not_supported(self, field: str, value: Any, supported: Iterable[str]) -> None:
        if self.full:
            return
        detail = "supported values: " + ", ".join(f'"{s}"' for s in supported)
        self._add("FieldValueNotSupported", f"Unsupported value: {shown(value)}", field, detail)

    def too_long(self, field: str, limit: int) -> None:
        self._add("FieldValueTooLong", "Too long", field, f"may not be more than {limit} bytes")

    def too_many(self, field: str, found: int, limit: int) -> None:
        self._add("FieldValueTooMany", f"Too many: {found}", field, f"must have at most {limit} items")

    def not_negative(self, field: str, value: int) -> None:
        if value < 0:
            self.invalid(field, value, NOT_NEGATIVE)

    def tell(self, reason: str, message: str, field: str) -> None:
        """A fault whose message is made already."""
        self._add(reason, message, field, "")

    def refuse(self, kind: Kind, name: str) -> None:
        """Raise Invalid (422) if anything was found."""
        if self.causes:
            raise invalid(kind.kind, kind.group, name, self.causes)


def invalid(kind: str, group: str, name: str, causes: Iterable[Cause]) -> Invalid:
    """422 with these causes: `Service "x" is invalid: spec.ports: Required value`."""
    causes = tuple(causes)
    messages = tuple(dict.fromkeys(f"{c.field}: {c.message}" for c in causes))
    what = f"{kind}.{group}" if group else kind
    text = messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"
    return Invalid(f'{what} "{name}" is invalid: {text}', name=name, group=group, kind=kind, causes=causes)


def forbidden(kind: Kind, name: str, why: str, causes: tuple[Cause, ...] = ()) -> Forbidden:
    """403 from an admission rule: `pods "x" is forbidden: ...`."""
    message = f'{kind.resource} "{name}" is forbidden: {why}' if name else f"{kind.resource} is forbidden: {why}"
    return Forbidden(message, name=name, group=kind.group, kind=kind.plural, causes=causes)


def shown(value: Any) -> str:
    """A bad value as an error message shows it: text quoted, lists and maps of text as in Go, the rest as JSON."""
    if value is None:
        return "null"
    if isinstance(value, str | int | float):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list) and all(isinstance(v, str) for v in value):
        return "[]string{" + ", ".join(json.dumps(v, ensure_ascii=False) for v in value) + "}"
    if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
        pairs = (f"{json.dumps(k, ensure_ascii=False)}:{json.dumps(v, ensure_ascii=False)}" for k, v in sorted(value.items()))
        return "map[string]string{" + ", ".join(pairs) + "}"
    return json.dumps(to_builtins(value, enc_hook=as_json), ensure_ascii=False, separators=(",", ":"))
