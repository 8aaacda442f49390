"""The three patches: JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch.

Source for the last: the API conventions' "strategic merge patch", and k8s.io/apimachinery/pkg/util/strategicpatch (1.32).
"""

from collections.abc import Iterable
from typing import Any, TypeVar, cast

import msgspec

from shipslog.store.refusals import BadRequest, Cause, Invalid, TooLarge, Unexpected

from .shapes import Field, Shape, fields_of

T = TypeVar("T")
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
MAX_OPERATIONS = 10_000

_DIRECTIVE, _RETAIN = "$patch", "$retainKeys"
_DELETE_FROM, _ORDER = "$deleteFromPrimitiveList/", "$setElementOrder/"


def unreadable(target: Any, why: str) -> Invalid:
    """422 for what a patch has made of an object, if it is none any more."""
    message = f"Invalid value: {msgspec.json.encode(target).decode()}: {why}"
    return Invalid(f' "" is invalid: patch: {message}', causes=(Cause("FieldValueInvalid", message, "patch"),))


def apply(struct: type[Any], current: dict[str, Any], body: bytes, media_type: str) -> dict[str, Any]:
    """What the patch makes of an object's JSON; `current` stays as it is. Errors: BadRequest, Invalid, TooLarge."""
    try:
        patch = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    if media_type == JSON_PATCH:
        return _json_patch(current, patch)
    if not isinstance(patch, dict):
        raise BadRequest(f"error decoding patch: a {media_type} body is a JSON object")
    if media_type == MERGE_PATCH:
        merged: dict[str, Any] = _merge_patch(current, patch)
        return merged
    return _Strategic().merge_struct(struct, current, patch)


def _json_patch(current: dict[str, Any], operations: Any) -> dict[str, Any]:
    import jsonpatch  # at its first use: importing it is slow

    if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
        raise BadRequest("error decoding patch: a JSON patch is an array of operations")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}")
    patched: Any = current
    try:
        jsonpatch.JsonPatch(operations)  # all of them must be readable before the first is applied
        for operation in operations:
            counted = {**operation, **{k: _counted(patched, operation, k) for k in ("path", "from") if k in operation}}
            if counted["op"] == "test" and counted.get("value", ...) is None and _is_absent(patched, counted["path"]):
                continue  # what is not there is null
            patched = jsonpatch.JsonPatch([counted]).apply(patched)
    except jsonpatch.InvalidJsonPatch as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise unprocessable(str(error)) from error
    if not isinstance(patched, dict):
        raise unprocessable("the patch replaces the whole object by something that is no object")
    return patched


def _counted(document: Any, operation: dict[str, Any], field: str) -> str:
    """A pointer with its negative indices counted from the end, as Kubernetes' library allows them."""
    pointer: str = operation[field]
    if not isinstance(pointer, str) or "/-" not in pointer:
        return pointer
    parts, here = pointer.split("/"), document
    for at, part in enumerate(parts[1:], 1):
        if isinstance(here, list) and part[:1] == "-" and part[1:].isdigit():
            adds = operation["op"] == "add" and field == "path" and at == len(parts) - 1
            parts[at] = str(len(here) + int(part) + (1 if adds else 0))
        here = _step(here, parts[at])
    return "/".join(parts)


def _step(here: Any, part: str) -> Any:
    if isinstance(here, list):
        return here[int(part)] if part.isdigit() and int(part) < len(here) else None
    return here.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None


def _is_absent(document: Any, pointer: str) -> bool:
    here = document
    for part in pointer.split("/")[1:]:
        here = _step(here, part)
    return here is None


def unprocessable(why: str) -> Invalid:
    """422 for a patch that can be read and not applied."""
    return Invalid(
        "the server rejected our request due to an error in our request", causes=(Cause("UnexpectedServerResponse", why, ""),)
    )


def _merge_patch(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    out = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merge_patch(out.get(key), value)
    return out


class _Strategic:
    """One strategic merge. `shape` is None where the type knows nothing of a value."""

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
                out[key] = [v for v in out[key] if v not in gone]
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
                out[key] = _ordered(out[key], [], order, out[key], _merge_key(fields.get(key)))
        return out

    def _retained(self, current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
        retain = patch.get(_RETAIN)
        if retain is None:
            return dict(current)
        if not isinstance(retain, list):
            raise BadRequest("The patch format for $retainKeys is wrong: it is a list of field names")
        strangers = [k for k in patch if not k.startswith("$") and k not in retain]
        if strangers:
            raise unprocessable(f"The patch format for $retainKeys is wrong: {strangers[0]} stands in the patch and not there")
        return {k: v for k, v in current.items() if k in retain}

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
            merged = [*current, *(v for v in dict.fromkeys(patch) if v not in current)]
            return merged if order is None else _ordered(merged, patch, order, current, "")
        items, replaced = self._without_directives(key, patch, merge_key)
        if replaced:
            return self._clean(items)
        struct = field.shape.item.struct if field is not None and field.shape.item is not None else None
        gone = [p[merge_key] for p in patch if p.get(_DIRECTIVE) == "delete"]
        merged = [c for c in current if c.get(merge_key) not in gone]
        for item in items:
            at = next((i for i, c in enumerate(merged) if c.get(merge_key) == item[merge_key]), None)
            if at is None:
                merged.append(self.merge_struct(struct, {}, item))
            else:
                merged[at] = self.merge_struct(struct, merged[at], item)
        return merged if order is None else _ordered(merged, items, order, current, merge_key)

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


def _ordered(merged: list[Any], patched: Iterable[Any], order: list[Any], before: list[Any], merge_key: str) -> list[Any]:
    """The merged list with the items that `order` names in its order; the others keep their places among them."""

    def name(item: Any) -> Any:
        return item.get(merge_key) if merge_key and isinstance(item, dict) else item

    wanted = {_hashable(name(o)): i for i, o in enumerate(order)}
    was = {_hashable(name(b)): i for i, b in enumerate(before)}
    ours = sorted((m for m in merged if _hashable(name(m)) in wanted), key=lambda m: wanted[_hashable(name(m))])
    theirs = sorted((m for m in merged if _hashable(name(m)) not in wanted), key=lambda m: was.get(_hashable(name(m)), 0))
    out: list[Any] = []
    while ours or theirs:
        if ours and theirs:
            left, right = was.get(_hashable(name(theirs[0]))), was.get(_hashable(name(ours[0])))
            first = theirs if left is not None and right is not None and left < right else ours
        else:
            first = ours or theirs
        out.append(first.pop(0))
    return out


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
