"""Objects to JSON and back. What clients send is checked as Kubernetes checks it; what the log holds is trusted.

The fast path is one decode in C. What that refuses (nulls, unknown fields, wrong types) is walked field by field, to do what
Kubernetes does and to say it in its words. Source: sigs.k8s.io/json and the API server's decoding errors, Kubernetes 1.32.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec.structs import replace

from shipslog.store.objects.fields.shapes import Field, fields_of, per_type
from shipslog.store.objects.values.canonical import Malformed, normalised
from shipslog.store.objects.values.scalars import as_json
from shipslog.store.refusals import BadRequest

from . import json_text, repeats
from .walk import Walk, WrongType

T = TypeVar("T")
Validation = Literal["", "Ignore", "Warn", "Strict"]

_encode = msgspec.json.Encoder(enc_hook=as_json).encode
HEAD = ("kind", "apiVersion", "metadata")  # what is typed of an object of which no more is (custom.py)
SUMMARY = 30  # characters of a body that an error shows


@per_type
def _decoder(struct: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(struct)


def encode(obj: Any) -> bytes:
    """An object as JSON: compact, zero values left out as Go leaves them out."""
    if not getattr(obj, "__raw__", False):
        return _encode(obj)
    head = b'{"kind":%b,"apiVersion":%b,"metadata":%b' % (_encode(obj.kind), _encode(obj.api_version), _encode(obj.metadata))
    return head + (b"," + _encode(obj.rest)[1:] if obj.rest else b"}")


def to_builtins(obj: Any) -> Any:
    """An object as plain JSON values: dicts, lists, text, numbers."""
    return msgspec.json.decode(encode(obj))


def restore(struct: type[T], data: bytes) -> T:
    """An object that this codec encoded, or that of another version: fields that the type does not have are passed over.
    Errors: msgspec.ValidationError: the data is not ours."""
    if getattr(struct, "__raw__", False):
        return _raw(struct, fields_of(struct), msgspec.json.decode(data))
    try:
        return cast(T, _decoder(struct).decode(data))
    except msgspec.ValidationError:
        try:
            return msgspec.convert(Walk().object(struct, msgspec.json.decode(data)), struct)
        except (WrongType, AttributeError) as error:
            raise msgspec.ValidationError(str(error)) from error


def _raw(struct: Callable[..., T], fields: Mapping[str, Field], value: dict[str, Any]) -> T:
    """An object of which only the head is typed, all else as it is."""
    meta = _converted(fields["metadata"].shape.struct or object, value.get("metadata") or {})
    rest = {key: inner for key, inner in value.items() if key not in HEAD}
    texts = {name: value.get(key) or "" for name, key in (("kind", "kind"), ("api_version", "apiVersion"))}
    return struct(**texts, metadata=meta, rest=rest)


def _converted(struct: type[T], value: dict[str, Any]) -> T:
    try:
        return msgspec.convert(value, struct)
    except msgspec.ValidationError:
        return msgspec.convert(Walk().object(struct, value), struct)


def decode(struct: type[T], data: bytes, *, validation: str = "Strict") -> tuple[T, tuple[str, ...]]:
    """A client's JSON as an object, and warnings. `validation` says what unknown and duplicate fields are: ignored, warned
    of, or an error. Errors: BadRequest."""
    if b'"creationTimestamp":null,' in data:  # Go clients write it in every object; it cannot stand within a JSON string
        data = data.replace(b'"creationTimestamp":null,', b"").replace(b',"creationTimestamp":null', b"")
    try:
        with json_text.uncollected():
            obj = _decoder(struct).decode(data) if not getattr(struct, "__raw__", False) else None
    except (ValueError, RecursionError):  # what is wrong is said below, in Kubernetes' words
        obj = None
    if obj is None or (validation != "Ignore" and repeats.any_in(data)):
        # a million small values are gone before the collector looks again: it would hold everybody for as long as the reading
        with json_text.uncollected():
            try:
                return _from_text(struct, data, validation)
            except BadRequest as error:
                refusal = error
            _let_go(refusal)
            raise refusal
    return _normal(struct, obj), ()


def _from_text(struct: type[T], data: bytes, validation: str) -> tuple[T, tuple[str, ...]]:
    """What `decode` does with what is not right at once."""
    try:
        value = json_text.parse(data)
    except json_text.NotJson as error:
        raise _unreadable(struct, data, f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(value, dict):
        raise _unreadable(struct, data, f"couldn't get version/kind; json parse error: not an object: {_shown(value)}")

    def told(unknown: list[str]) -> list[str]:
        return repeats.told(data, set(unknown)) if unknown or repeats.any_in(data) else []

    return _from_value(struct, value, validation, told)


def _let_go(error: BaseException | None) -> None:
    """Of the values that an error and its causes hold by the frames that they went through."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def from_builtins(
    struct: type[T], value: Any, *, validation: str = "Strict", before: Sequence[str] = ()
) -> tuple[T, tuple[str, ...]]:
    """Plain JSON values as an object, and warnings: see `decode`. `before`: what was wrong already with the text that the
    values are from. Errors: BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest(f"the object provided is unrecognized (must be of type {struct.__name__}): {_shown(value)}")

    def told(unknown: list[str]) -> list[str]:  # Go's maps are written in the order of their keys
        return [*before, *(f'unknown field "{path}"' for path in sorted(unknown))]

    return _from_value(struct, value, validation, told)


def _from_value(
    struct: type[T], value: dict[str, Any], validation: str, told: Callable[[list[str]], list[str]]
) -> tuple[T, tuple[str, ...]]:
    walk = Walk()
    raw = getattr(struct, "__raw__", False)
    try:
        cleaned = walk.object(struct, {k: value[k] for k in HEAD if k in value} if raw else value)
    except WrongType as error:
        raise _cannot(struct, value, str(error)) from error
    warnings = told(walk.unknown)[: json_text.MAX_TOLD] if validation != "Ignore" else []
    if warnings and validation == "Strict":
        raise _cannot(struct, value, strictly(warnings))
    try:
        obj = msgspec.convert(cleaned, struct)
        if raw:
            obj = cast(T, replace(cast(Any, obj), rest={key: inner for key, inner in value.items() if key not in HEAD}))
    except msgspec.ValidationError as error:
        raise _cannot(struct, value, str(error)) from error
    return _normal(struct, obj), tuple(warnings)


def strictly(warnings: Sequence[str]) -> str:
    """What a client is told that wanted to be told of each of these as an error."""
    return f"strict decoding error: {', '.join(repeats.joined(warnings))}"


def _normal(struct: type[T], obj: T) -> T:
    try:
        return cast(T, normalised(struct, obj))
    except Malformed as error:
        raise _cannot(struct, {}, str(error)) from error


class Undecodable(BadRequest):
    """JSON that is no object of the type. `why` is the reason alone."""

    why = ""


def _cannot(struct: type[Any], value: dict[str, Any], why: str) -> Undecodable:
    kind, version = value.get("kind"), value.get("apiVersion")
    kind = kind if isinstance(kind, str) and kind else struct.__name__
    named = kind if getattr(struct, "__raw__", False) else struct.__name__
    version = version.rpartition("/")[2] if isinstance(version, str) and version else "v1"
    refusal = Undecodable(f'{kind} in version "{version}" cannot be handled as a {named}: {why}')
    refusal.why = why
    return refusal


def _unreadable(struct: type[Any], data: bytes, why: str) -> BadRequest:
    return BadRequest(f"the object provided is unrecognized (must be of type {struct.__name__}): {why} ({_summary(data)})")


def _summary(data: bytes) -> str:
    if not data:
        return "<empty>"
    if data[:1] == b"{":
        text = data[:SUMMARY].decode(errors="replace")
        return text + (" ..." if len(data) > SUMMARY else "")
    return data[:SUMMARY].hex() + (" ..." if len(data) > SUMMARY else "")


def _shown(value: Any) -> str:
    return json.dumps(value)[:SUMMARY]
