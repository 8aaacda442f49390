"""The door for YAML from outside: to the values that the same text has as JSON, or a refusal.

Built from libyaml's events, one after the other: no depth of nesting recurses, each key is looked at once, and an alias counts
as what it stands for. What plain text means follows Kubernetes' YAML library rather than PyYAML's: `22:22` is text, a date is
text, `y` and `yes` are true, `0755` is octal, `1e3` is a number. Source: sigs.k8s.io/yaml, and the YAML 1.1 types it knows.
"""

import base64
import binascii
import json
import re
from datetime import datetime
from typing import Any

from msgspec import Struct

from . import json_text

MAX_VALUES = 250_000  # in one text: a second of work
ALIASED_BYTES = 64 * 1024  # aliases may stand for so much, or for as much as the whole text if that is more
CORE = "tag:yaml.org,2002:"

_CONSTANTS: dict[str, Any] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
for _value, _words in ((True, "y yes true on"), (False, "n no false off")):
    _CONSTANTS |= {form: _value for word in _words.split() for form in (word, word.capitalize(), word.upper())}
_NUMBERS_BEGIN = frozenset("+-.0123456789")
_OTHER_BASE = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,19})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_IN_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TYPES: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "null": (type(None),)}


class NotYaml(ValueError):
    """The text is no YAML, or none that JSON could say; the message names the line where it can."""


class Document(Struct, frozen=True):
    """One document: its value, and the keys that stand twice in a mapping of it (the last one counts): `line 2: key "a" already
    set in map`, each as often as it is set again."""

    value: Any
    repeated: tuple[str, ...] = ()


class _Open(Struct):
    """A mapping or a sequence that has begun. `size` counts values and their text, with what aliases stand for."""

    value: Any
    anchor: str | None
    line: int = 1
    size: int = 1
    key: str | None = None  # of a mapping: the key whose value comes next
    merged: list[dict[str, Any]] | None = None  # what stands behind `<<`


def parse(data: bytes | str) -> list[Document]:
    """The documents of a text. Errors: NotYaml."""
    import yaml  # few programs need it

    builder = _Builder(max(len(data), ALIASED_BYTES))
    try:
        with json_text.uncollected():
            for event in yaml.parse(data, Loader=yaml.CSafeLoader):
                builder.take(type(event).__name__, event)
        for document in builder.documents:
            json_text.check_depth(document.value)
    except yaml.YAMLError as error:
        raise NotYaml(f"yaml: {error}") from error
    except UnicodeError as error:
        raise NotYaml("yaml: the text is not valid Unicode") from error
    except json_text.NotJson as error:
        raise NotYaml(f"yaml: {error}") from error
    return builder.documents


class _Builder:
    def __init__(self, aliased: int) -> None:
        self.documents: list[Document] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}  # value and size
        self._repeated: list[str] = []
        self._root: Any = None
        self._values, self._aliased, self._allowance = 0, 0, aliased

    def take(self, name: str, event: Any) -> None:
        match name:
            case "ScalarEvent":
                self._count(event)
                value = self._scalar(event)
                self._put(value, 1 + len(event.value), event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = value, 1 + len(event.value)
            case "MappingStartEvent":
                self._begin({}, "map", event)
            case "SequenceStartEvent":
                self._begin([], "seq", event)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._end(event)
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self._anchors, self._repeated, self._root = {}, [], None
            case "DocumentEndEvent":
                self.documents.append(Document(self._root, tuple(self._repeated)))

    def _count(self, event: Any) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _at(event, f"more than {MAX_VALUES} values; send JSON, which has no such bound")

    def _begin(self, value: Any, tag: str, event: Any) -> None:
        self._count(event)
        if event.tag not in (None, CORE + tag):
            raise _at(event, f"the tag {event.tag[:64]!r} has no meaning in JSON")
        if len(self._open) >= json_text.MAX_DEPTH:
            raise _at(event, json_text.TOO_DEEP)
        self._open.append(_Open(value, event.anchor, event.start_mark.line + 1))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        value = done.value
        if done.merged is not None:
            value = {}
            for source in reversed(done.merged):  # of several the first counts, and what the mapping says itself above all
                value |= source
            value |= done.value
        self._put(value, done.size, event, done.line)
        if done.anchor is not None:
            self._anchors[done.anchor] = value, done.size

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _at(event, f"unknown anchor '{event.anchor}' referenced (or it contains itself)")
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > self._allowance:
            raise _at(event, "document contains excessive aliasing")
        self._put(value, size, event)

    def _put(self, value: Any, size: int, event: Any, line: int = 0) -> None:
        """A value is complete: into what is open, as its item, its key or its key's value. `line`: where it began, if not with
        this event."""
        if not self._open:
            self._root = value
            return
        into = self._open[-1]
        into.size += size
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.key is None:
            into.key = _key(value, event)
        elif into.key == _MERGE:
            into.key = None
            into.merged = into.merged or []
            into.merged += _sources(value, event)
        else:
            if into.key in into.value and len(self._repeated) < json_text.MAX_TOLD:
                line = line or event.start_mark.line + 1
                self._repeated.append(f"line {line}: key {json.dumps(into.key, ensure_ascii=False)} already set in map")
            into.value[into.key] = value
            into.key = None

    def _scalar(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            if not event.implicit[0] or tag == "!":
                return text  # in quotes
            if text == "<<" and self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
                return _MERGE
            return _plain(text, event)
        return _tagged(text, tag, event)


_MERGE = "<<\0"  # no text can be this: NUL is no character of YAML


def _key(value: Any, event: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise _at(event, "unsupported map key: a key is text, a number or a boolean")


def _sources(value: Any, event: Any) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise _at(event, "map merge requires map or sequence of maps as the value")
    return sources


def _plain(text: str, event: Any) -> Any:
    """What text without quotes and tag stands for."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not text or text[0] not in _NUMBERS_BEGIN:
        return text
    if _NOT_IN_JSON.fullmatch(text):
        raise _at(event, f"{text} is a number that JSON does not have")
    return _number(text)


def _number(text: str) -> Any:
    """A number, or the text if it is none."""
    digits = text.replace("_", "")
    if _DECIMAL.fullmatch(digits) and -(2**63) <= (whole := int(digits)) < 2**64:
        return whole
    other = _OTHER_BASE.fullmatch(digits)
    if other is not None and len(digits) <= 67:
        sign, hexadecimal, binary, octal = other.groups()
        value = int(hexadecimal, 16) if hexadecimal else int(binary, 2) if binary else int(octal, 8)
        if value < 2**64:
            return -value if sign == "-" else value
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _tagged(text: str, tag: str, event: Any) -> Any:
    kind = tag.removeprefix(CORE)
    if tag == CORE + "str":
        return text
    if tag.startswith(CORE) and kind in _TYPES:
        value = _plain(text, event)
        if isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool)):
            return value
    elif tag == CORE + "binary":
        try:
            return base64.b64decode(text).decode()
        except (binascii.Error, UnicodeError):
            pass
    elif tag == CORE + "timestamp":
        try:
            datetime.fromisoformat(text)
            return text
        except ValueError:
            pass
    else:
        raise _at(event, f"the tag {tag[:64]!r} has no meaning in JSON")
    raise _at(event, f"cannot decode {text[:64]!r} as a !!{kind}")


def _at(event: Any, why: str) -> NotYaml:
    return NotYaml(f"yaml: line {event.start_mark.line + 1}: {why}")
