"""JSON patch (RFC 6902), in place: an operation costs what it names, never the document.

What Kubernetes adds to the RFC: indices that count from the end, a `test` for null that holds where nothing is, at most 10,000
operations, and a bound on the bytes that `copy` makes. Source: the API server's patch handler and its JSON patch library, 1.32.

Tests: tests/store/objects/test_patch.py
"""

import re
from typing import Any

import msgspec

from shipslog.store.refusals import BadRequest, Cause, Invalid, TooLarge

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024  # by all `copy` operations of a patch together
MAX_SHIFTED = 50_000_000  # array items that insertions and removals before them may move, in all: half a second at most

_INDEX = re.compile(r"-?(0|[1-9][0-9]{0,8})", re.ASCII)
_NEEDS = {"add": ("value",), "replace": ("value",), "test": ("value",), "remove": (), "move": ("from",), "copy": ("from",)}


def unprocessable(why: str) -> Invalid:
    """422 for a patch that can be read and not applied."""
    return Invalid(
        "the server rejected our request due to an error in our request", causes=(Cause("UnexpectedServerResponse", why, ""),)
    )


def apply(document: dict[str, Any], operations: Any) -> dict[str, Any]:
    """What the operations make of a document; it is changed in place. Errors: BadRequest, Invalid, TooLarge."""
    if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
        raise BadRequest("error decoding patch: a JSON patch is an array of operations")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}")
    for operation in operations:  # all of them must be readable before the first is applied
        _check(operation)
    patching = _Patching(document)
    for operation in operations:
        patching.carry_out(operation)
    if not isinstance(patching.root, dict):
        raise unprocessable("the patch replaces the whole object by something that is no object")
    return patching.root


def _check(operation: dict[str, Any]) -> None:
    op = operation.get("op")
    if not isinstance(op, str) or op not in _NEEDS:
        raise BadRequest(f"error decoding patch: {op!r} is no operation; there are {', '.join(_NEEDS)}")
    for field in ("path", *_NEEDS[op]):
        if field not in operation:
            raise BadRequest(f"error decoding patch: the operation {op!r} lacks {field!r}")
        if field != "value" and not isinstance(operation[field], str):
            raise BadRequest(f"error decoding patch: {field!r} is a JSON pointer, such as /metadata/labels")


class _Missing(Exception):
    """A pointer leads nowhere."""


class _Patching:
    """A document while it is patched."""

    def __init__(self, document: Any) -> None:
        self._holder = {"": document}  # a pointer split at its slashes begins with "": the root is a member like any other
        self._copied = self._shifted = 0

    @property
    def root(self) -> Any:
        return self._holder.get("")

    def carry_out(self, operation: dict[str, Any]) -> None:
        op, path = operation["op"], operation["path"]
        try:
            match op:
                case "add":
                    self._add(path, operation["value"])
                case "remove":
                    self._remove(path)
                case "replace":
                    holder, key = self._existing(path)
                    holder[key] = operation["value"]
                case "move":
                    self._add(path, self._remove(operation["from"]))
                case "copy":
                    self._add(path, self._copy(operation["from"]))
                case "test":
                    self._test(path, operation["value"])
        except _Missing as error:
            raise unprocessable(f"{op} operation does not apply: doc is missing path: {path}: {error}") from error

    def _add(self, path: str, value: Any) -> None:
        holder, key = self._parent(path)
        if isinstance(holder, dict):
            holder[key] = value
            return
        at = len(holder) if key == "-" else _index(key, len(holder) + 1)
        self._shift(len(holder) - at)
        holder.insert(at, value)

    def _remove(self, path: str) -> Any:
        holder, key = self._existing(path)
        if isinstance(holder, list):
            self._shift(len(holder) - key)
        return holder.pop(key)

    def _copy(self, path: str) -> Any:
        holder, key = self._existing(path)
        encoded = msgspec.json.encode(holder[key])
        self._copied += len(encoded)
        if self._copied > MAX_COPIED_BYTES:
            raise unprocessable(
                f"Unable to complete the copy, the accumulated size increase of copy is {self._copied}, exceeding the limit "
                f"{MAX_COPIED_BYTES}"
            )
        return msgspec.json.decode(encoded)

    def _test(self, path: str, wanted: Any) -> None:
        try:
            holder, key = self._existing(path)
            found = holder[key]
        except _Missing:
            if wanted is not None:
                raise
            found = None  # what is not there is null
        if not _same(found, wanted):
            raise unprocessable(f"testing value {path} failed: test failed")

    def _shift(self, items: int) -> None:
        self._shifted += items
        if self._shifted > MAX_SHIFTED:
            raise TooLarge(
                f"the patch inserts or removes at the front of long arrays: it would move more than {MAX_SHIFTED} items; "
                "replace the array as a whole"
            )

    def _parent(self, path: str) -> tuple[Any, str]:
        """What holds the member that a pointer names, and its key there. Errors: _Missing."""
        if path and path[0] != "/":
            raise _Missing("a JSON pointer begins with a slash")
        *way, last = path.split("/")
        here: Any = self._holder
        for part in way:
            here = here[_key(here, part)]
        if not isinstance(here, dict | list):
            raise _Missing("missing value")
        return here, _unescaped(last)

    def _existing(self, path: str) -> tuple[Any, Any]:
        """The same for a member that is there; the key is a name or an index. Errors: _Missing."""
        holder, name = self._parent(path)
        return holder, _key(holder, name, escaped=False)


def _key(holder: Any, part: str, *, escaped: bool = True) -> Any:
    """The name or index of a member that is there. Errors: _Missing."""
    if isinstance(holder, list):
        return _index(part, len(holder))
    name = _unescaped(part) if escaped else part
    if not isinstance(holder, dict) or name not in holder:
        raise _Missing("missing value")
    return name


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~") if "~" in part else part


def _index(part: str, length: int) -> int:
    """A place in an array of that length; negative ones count from its end. Errors: _Missing."""
    if _INDEX.fullmatch(part) is None:
        raise _Missing(f"{part[:64]!r} is no index of an array")
    index = int(part)
    index += length if index < 0 else 0
    if not 0 <= index < length:
        raise _Missing(f"Unable to access invalid index: {part}")
    return index


def _same(found: Any, wanted: Any) -> bool:
    """Equal as JSON is: true is not 1. Costs what is wanted, not what is found."""
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(_same(found[key], value) for key, value in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_same, found, wanted))
    return isinstance(found, bool) is isinstance(wanted, bool) and bool(found == wanted)
