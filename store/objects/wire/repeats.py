"""Keys that stand twice in an object: the last one counts, and a client is told of them beside the fields that nobody knows.

Go's decoder knows a type's fields while it reads, so that it tells of both in the order of the text, and of a field that is
unknown once. Source: the strict decoding of sigs.k8s.io/json, and the API server's patch handler.

Tests: tests/store/objects/wire/test_repeats.py
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from . import json_text

OF_YAML = "yaml: unmarshal errors:"
OPERATION = ("op", "path", "from", "value")  # of a JSON patch


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, with its repeated keys."""


class _Repeats(Exception):
    """A key stands twice in its object."""


def _refuse(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len(dict(pairs)) != len(pairs):
        raise _Repeats


_unrepeated = json.JSONDecoder(object_pairs_hook=_refuse)


def any_in(data: bytes) -> bool:
    """Whether a key stands twice in its object. Most bodies have none, and that is found out quickly."""
    try:
        _unrepeated.decode(data.decode())
    except _Repeats:
        return True
    except (ValueError, RecursionError):
        pass  # msgspec has the word on what is no JSON
    return False


def told(data: bytes, unknown: set[str]) -> list[str]:
    """What is wrong with the fields of a text: `unknown field "spec.a"`, `duplicate field "spec.b"`, in the order of the text.
    `unknown`: the paths of fields that the type does not have."""
    out: dict[str, None] = {}
    for text in _walk(json.loads(data, object_pairs_hook=_Pairs), "", unknown):
        out[text] = None
        if len(out) >= json_text.MAX_TOLD:
            break
    return list(out)


def _walk(value: Any, path: str, unknown: set[str]) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, inner in value:
            here = f"{path}.{key}" if path else key
            if here in unknown:
                yield f'unknown field "{here}"'
                continue
            if key in seen:
                yield f'duplicate field "{here}"'
            seen.add(key)
            if isinstance(inner, list):
                yield from _walk(inner, here, unknown)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            if isinstance(inner, list):
                yield from _walk(inner, f"{path}[{i}]", unknown)


def of_patch(data: bytes, *, operations: bool) -> list[str]:
    """What is wrong with the fields of a patch itself, whatever it makes of the object. `operations`: it is a JSON patch."""
    if not operations:
        return told(data, set()) if any_in(data) else []
    try:
        found = json_text.parse(data)
    except json_text.NotJson:
        return []  # it will be refused
    listed = [operation for operation in found if isinstance(operation, dict)] if isinstance(found, list) else []
    unknown = {f"[{i}].{key}" for i, operation in enumerate(listed) for key in operation if key not in OPERATION}
    if not unknown and not any_in(data):
        return []
    return [f"json patch {text}" for text in told(data, unknown)]


def joined(texts: Sequence[str]) -> list[str]:
    """Faults as a list of errors has them: those of keys that stand twice in YAML are one of several lines."""
    lines = [text for text in texts if text.startswith("line ")]
    rest = [text for text in texts if not text.startswith("line ")]
    return ["\n  ".join([OF_YAML, *lines]), *rest] if lines else rest
