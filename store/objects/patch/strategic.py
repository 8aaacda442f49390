"""Kubernetes' strategic merge patch: lists are merged by the keys that their types name, and directives say what goes.

Source: the API conventions' "strategic merge patch", and k8s.io/apimachinery/pkg/util/strategicpatch (1.32).
Tests: tests/store/objects/test_patch.py, tests/engine/kinds/test_contract.py
"""

from collections import deque
from typing import Any, TypeVar, cast

from shipslog.store.objects.fields.shapes import Field, Shape, fields_of
from shipslog.store.refusals import BadRequest, TooLarge, Unexpected

from .json_patch import unprocessable

T = TypeVar("T")
MAX_REVISITED = 5_000_000  # items of lists that a strategic merge may go over, in all: a second or so

_DIRECTIVE, _RETAIN = "$patch", "$retainKeys"
_DELETE_FROM, _ORDER = "$deleteFromPrimitiveList/", "$setElementOrder/"


def merge(struct: type[Any], current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """What the patch makes of an object of a type; it is changed in place. Errors: BadRequest, Invalid, TooLarge."""
    return _Strategic().merge_struct(struct, current, patch)


class _Strategic:
    """One strategic merge, in place. `shape` is None where the type knows nothing of a value.

    One patch may name the same item of a list many times, and each time its lists again: what that goes over is counted."""

    def __init__(self) -> None:
        self._revisited = 0

    def _over(self, items: list[Any]) -> list[Any]:
        """A list that is gone over from end to end. Errors: TooLarge."""
        self._revisited += len(items)
        if self._revisited > MAX_REVISITED:
            raise TooLarge(
                f"the patch goes over long lists again and again: {self._revisited} items, at most {MAX_REVISITED} are "
                "allowed; name each item once"
            )
        return items

    def merge_struct(self, struct: type[Any] | None, current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
        fields = fields_of(struct) if struct is not None else {}
        return self._merge_object(fields, None, current, patch)

    def _merge_object(
        self, fields: dict[str, Field], values: Shape | None, current: dict[str, Any], patch: dict[str, Any]
    ) -> dict[str, Any]:
        """`values` is the shape of a map's values, for objects that are maps."""
        directive = patch.get(_DIRECTIVE)
        if directive == "replace":
            return self._clean({k: v for k, v in patch.items() if k != _DIRECTIVE})
        if directive == "delete":
            return {}
        if directive not in (None, "merge"):
            raise Unexpected(f"Unknown patch type found: {directive}")
        out = self._retained(current, patch)
        deletions, orders = _directives(patch, _DELETE_FROM), _directives(patch, _ORDER)
        for key, gone in deletions.items():
            if isinstance(out.get(key), list):
                named = {_identity(v) for v in gone}
                out[key] = [v for v in self._over(out[key]) if _identity(v) not in named]
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            field = fields.get(key)
            shape = field.shape if field is not None else values
            if value is None:
                out.pop(key, None)
            else:
                out[key] = self._merge_value(key, field, shape, out.get(key), value, orders.get(key))
        for key, order in orders.items():
            if key not in patch and isinstance(out.get(key), list):
                out[key] = _ordered(self._over(out[key]), order, out[key], _merge_key(fields.get(key)))
        return out

    def _retained(self, current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
        retain = patch.get(_RETAIN)
        if retain is None:
            return current
        if not isinstance(retain, list):
            raise BadRequest("The patch format for $retainKeys is wrong: it is a list of field names")
        retained = {_identity(name) for name in retain}
        strangers = [k for k in patch if not k.startswith("$") and k not in retained]
        if strangers:
            raise unprocessable(f"The patch format for $retainKeys is wrong: {strangers[0]} stands in the patch and not there")
        return {k: v for k, v in current.items() if k in retained}

    def _merge_value(
        self, key: str, field: Field | None, shape: Shape | None, current: Any, patch: Any, order: list[Any] | None
    ) -> Any:
        strategy = field.merge.patch_strategy.split(",") if field is not None else []
        if isinstance(patch, dict):
            if not isinstance(current, dict) or "replace" in strategy:
                if patch.get(_DIRECTIVE) == "delete":
                    return {}
                current = {}
            if shape is not None and shape.form == "struct":
                return self.merge_struct(shape.struct, current, patch)
            return self._merge_object({}, shape.item if shape is not None else None, current, patch)
        if isinstance(patch, list) and "merge" in strategy:
            return self._merge_list(key, field, current if isinstance(current, list) else [], patch, order)
        return self._clean(patch)

    def _merge_list(
        self, key: str, field: Field | None, current: list[Any], patch: list[Any], order: list[Any] | None
    ) -> list[Any]:
        merge_key = _merge_key(field)
        if not merge_key:
            have = {_identity(v) for v in self._over(current)}
            merged = [*current, *{i: v for v in patch if (i := _identity(v)) not in have}.values()]
            return merged if order is None else _ordered(merged, order, current, "")
        items, replaced = self._without_directives(key, patch, merge_key)
        if replaced:
            return self._clean(items)
        struct = field.shape.item.struct if field is not None and field.shape.item is not None else None
        gone = {_identity(p[merge_key]) for p in patch if p.get(_DIRECTIVE) == "delete"}
        merged = [c for c in self._over(current) if _named(c, merge_key) not in gone]
        places = {_named(item, merge_key): i for i, item in reversed(list(enumerate(merged)))}  # the first of a name counts
        for item in items:
            name = _identity(item[merge_key])
            at = places.setdefault(name, len(merged))
            if at == len(merged):
                merged.append(self.merge_struct(struct, {}, item))
            else:
                merged[at] = self.merge_struct(struct, merged[at], item)
        return merged if order is None else _ordered(merged, order, current, merge_key)

    def _without_directives(self, key: str, patch: list[Any], merge_key: str) -> tuple[list[dict[str, Any]], bool]:
        """The items to merge, and whether they replace the whole list."""
        items: list[dict[str, Any]] = []
        replaced = False
        for item in patch:
            if not isinstance(item, dict):
                raise BadRequest(f"the items of {key} are objects, merged by {merge_key}")
            directive = item.get(_DIRECTIVE)
            if directive == "replace":
                replaced = True
                if set(item) == {_DIRECTIVE}:
                    continue
            elif directive not in (None, "merge", "delete"):
                raise Unexpected(f"Unknown patch type found: {directive}")
            if merge_key not in item:
                raise Unexpected(f"map: {item} does not contain declared merge key: {merge_key}")
            if directive != "delete":
                items.append({k: v for k, v in item.items() if k != _DIRECTIVE})
        return items, replaced

    def _clean(self, value: T) -> T:
        """A new value without the nulls and directives that only a merge has a use for."""
        return cast(T, _cleaned(value))


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _cleaned(v) for k, v in value.items() if v is not None and not k.startswith("$")}
    return [_cleaned(v) for v in value] if isinstance(value, list) else value


def _directives(patch: dict[str, Any], prefix: str) -> dict[str, list[Any]]:
    found = {k.removeprefix(prefix): v for k, v in patch.items() if k.startswith(prefix)}
    for key, value in found.items():
        if not isinstance(value, list):
            raise BadRequest(f"The patch format for {prefix}{key} is wrong: it is a list")
    return found


def _merge_key(field: Field | None) -> str:
    return field.merge.patch_merge_key if field is not None else ""


def _ordered(merged: list[Any], order: list[Any], before: list[Any], merge_key: str) -> list[Any]:
    """The merged list with the items that `order` names in its order; the others keep their places among them."""
    wanted = {_named(o, merge_key): i for i, o in enumerate(order)}
    was = {_named(b, merge_key): i for i, b in enumerate(before)}
    named = [(_named(m, merge_key), m) for m in merged]
    named_order = deque(sorted((n for n in named if n[0] in wanted), key=lambda n: wanted[n[0]]))
    others = deque(sorted((n for n in named if n[0] not in wanted), key=lambda n: was.get(n[0], 0)))
    out: list[Any] = []
    while named_order or others:
        if named_order and others:
            left, right = was.get(others[0][0]), was.get(named_order[0][0])
            first = others if left is not None and right is not None and left < right else named_order
        else:
            first = named_order or others
        out.append(first.popleft()[1])
    return out


def _named(item: Any, merge_key: str) -> Any:
    """What an item of a list is told apart by: the value of its merge key, or itself."""
    return _identity(item.get(merge_key) if merge_key and isinstance(item, dict) else item)


def _identity(value: Any) -> Any:
    """A value as a key: text is itself, and nothing else is equal to it (nor true to 1)."""
    return value if isinstance(value, str) else (repr(value),)
