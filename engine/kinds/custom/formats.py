"""The formats of text and numbers that a schema may name; what Kubernetes does not know is not looked at.

Source: the formats that apiextensions-apiserver supports (go-openapi/strfmt), by their behaviour.

Tests: tests/engine/kinds/custom/test_validation.py
"""

import base64
import binascii
import ipaddress
import re
import urllib.parse
from collections.abc import Callable
from datetime import date
from typing import Any

TEXT_BYTES = 4096  # of a text that a format of ours is looked for in: none of them is longer
_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?%s[0-9a-f]{3}-?[0-9a-f]{12}"
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_PATTERNS = {
    "bsonobjectid": r"[0-9a-f]{24}",
    "creditcard": r"(?:4\d{12}(?:\d{3})?|"
    r"5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})",
    "date-time": r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)",
    "duration": r"[+-]?((\d+(\.\d*)?|\.\d+) ?(ns|nanos?|nanoseconds?|us|µs|μs|micros?|microseconds?|"
    r"ms|millis?|milliseconds?|s|secs?|"
    r"seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?) ?){1,32}|0",
    "email": r"[^@\s<>()\[\],;:\\\"]{1,64}@[^@\s]{1,255}",
    "hexcolor": r"#?([0-9a-f]{3}|[0-9a-f]{6})",
    "hostname": rf"{_LABEL}(\.{_LABEL})*\.?",
    "k8s-long-name": rf"{_LABEL}(\.{_LABEL})*",
    "k8s-short-name": _LABEL,
    "isbn10": r"(\d[- ]?){9}[\dx]",
    "isbn13": r"(\d[- ]?){12}\d",
    "mac": r"([0-9a-f]{2}([:-])([0-9a-f]{2}\2){4,6}[0-9a-f]{2}|([0-9a-f]{4}\.){2,3}[0-9a-f]{4})",
    "rgbcolor": r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)",
    "ssn": r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    "uuid": _UUID % ("[0-9a-f]", "[0-9a-f]"),
    "uuid3": _UUID % ("3", "[0-9a-f]"),
    "uuid4": _UUID % ("4", "[89ab]"),
    "uuid5": _UUID % ("5", "[89ab]"),
}
_COMPILED = {
    name: re.compile(pattern, re.IGNORECASE if name not in ("k8s-long-name", "k8s-short-name") else 0)
    for name, pattern in _PATTERNS.items()
}


def _parses(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return holds


def _uri(text: str) -> bool:
    parts = urllib.parse.urlsplit(text)
    return bool(parts.scheme) or text.startswith("/")


_PARSED: dict[str, Callable[[str], bool]] = {
    "byte": _parses(lambda text: base64.b64decode(text, validate=True)),
    "cidr": _parses(lambda text: ipaddress.ip_network(text, strict=False) if "/" in text else int("no length")),
    "date": _parses(lambda text: date.fromisoformat(text) if len(text) == 10 else int("another form")),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "uri": lambda text: _parses(urllib.parse.urlsplit)(text) and _uri(text),
}
_SAME = {"datetime": "date-time", "isbn": "isbn10"}
_LIMITS = {"int32": 31, "int64": 63}


def fits(format_: str, value: Any) -> bool:
    """Whether a value is of a format; so is all of formats that nobody knows, and of those of other types."""
    if isinstance(value, str):
        name = format_.replace("-", "") if format_.startswith("bson") else _SAME.get(format_, format_)
        if (parse := _PARSED.get(name)) is not None:
            return parse(value)
        if (pattern := _COMPILED.get(name)) is not None:
            found = len(value) <= TEXT_BYTES and pattern.fullmatch(value) is not None
            return found or (format_ == "isbn" and fits("isbn13", value))
        return True
    if format_ in _LIMITS and isinstance(value, int | float) and not isinstance(value, bool):
        limit = 1 << _LIMITS[format_]
        return -limit <= value < limit
    return True
