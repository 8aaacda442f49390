"""Functions on text: cel-go's ext/strings in version 2, as Kubernetes has it, with patterns and URLs.

Tests: tests/engine/cel/test_program.py
"""

import string
import urllib.parse
from collections.abc import Iterator
from typing import Any

from shipslog.engine.cel.functions import Overload, matching, tenth, traversal, twice
from shipslog.engine.cel.standard import spend_pattern
from shipslog.engine.cel.types import BOOL, DYN, INT, STRING, list_of, map_of, opaque
from shipslog.engine.cel.values import CelError, Meter, Opaque

from .formatting import formatted

Named = Iterator[tuple[str, Overload]]
TEXTS = list_of(STRING)
URL = opaque("kubernetes.URL")


_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else text.translate(_UPPER)


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise CelError(f"index out of range: {at}")
    return text[at : at + 1]


def _index_of(text: str, wanted: str, at: int = 0) -> int:
    if not wanted and at == 0:
        return 0
    if not 0 <= at < len(text):
        if at == 0:
            return -1
        raise CelError(f"index out of range: {at}")
    return text.find(wanted, at) if wanted else at


def _last_index_of(text: str, wanted: str, at: int | None = None) -> int:
    if at is None:
        return text.rfind(wanted)
    if not wanted:
        return at
    if not 0 <= at < len(text):
        raise CelError(f"index out of range: {at}")
    return text.rfind(wanted, 0, at + len(wanted))


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    if not 0 <= end <= len(text):
        raise CelError(f"index out of range: {end}")
    if start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


def _replace(meter: Meter, text: str, old: str, new: str, most: int = -1) -> str:
    times = text.count(old) if most < 0 else min(most, text.count(old))
    meter.spend(tenth(len(text) + times * max(len(new) - len(old), 0)))
    return text.replace(old, new, most)


def _split(meter: Meter, text: str, separator: str, most: int = -1) -> list[str]:
    if most == 0:
        return []
    if most == 1:
        return [text]
    meter.spend(len(text) if not separator else text.count(separator) + 1)
    if not separator:
        return list(text) if most < 0 or most > len(text) else [*text[: most - 1], text[most - 1 :]]
    return text.split(separator, most - 1 if most > 0 else -1)


def _join(meter: Meter, texts: Any, separator: str = "") -> str:
    meter.charge(tenth(2 * (sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))))
    return separator.join(texts)


def _quote(text: str) -> str:
    made = text.replace("\\", "\\\\").replace('"', '\\"')
    for char, escape in (("\a", "a"), ("\b", "b"), ("\f", "f"), ("\n", "n"), ("\r", "r"), ("\t", "t"), ("\v", "v")):
        made = made.replace(char, "\\" + escape)
    return f'"{made}"'


def nothing(*args: Any) -> int:
    """Of functions that charge for what comes of them."""
    return 0


def texts() -> Named:
    def member(name: str, run: Any, result: Any, *params: Any, **more: Any) -> tuple[str, Overload]:
        id_ = "_".join((f"string_{name}", *(str(p) for p in params)))
        return name, Overload(id_, (STRING, *params), result, run, member=True, **more)

    yield member("charAt", _char_at, STRING, INT)
    yield member("indexOf", _index_of, INT, STRING, cost=traversal)
    yield member("indexOf", _index_of, INT, STRING, INT, cost=traversal)
    yield member("lastIndexOf", _last_index_of, INT, STRING, cost=traversal)
    yield member("lastIndexOf", _last_index_of, INT, STRING, INT, cost=traversal)
    yield member("lowerAscii", _lower, STRING, cost=traversal)
    yield member("upperAscii", _upper, STRING, cost=traversal)
    yield member("trim", str.strip, STRING, cost=traversal)
    yield member("substring", _substring, STRING, INT, cost=traversal)
    yield member("substring", _substring, STRING, INT, INT, cost=traversal)
    yield member("replace", _replace, STRING, STRING, STRING, cost=twice, metered=True)
    yield member("replace", _replace, STRING, STRING, STRING, INT, cost=twice, metered=True)
    yield member("split", _split, TEXTS, STRING, cost=twice, metered=True)
    yield member("split", _split, TEXTS, STRING, INT, cost=twice, metered=True)
    yield member("format", formatted, STRING, list_of(DYN), cost=traversal, metered=True)
    yield "join", Overload("list_join", (TEXTS,), STRING, _join, member=True, cost=nothing, metered=True)
    yield "join", Overload("list_join_string", (TEXTS, STRING), STRING, _join, member=True, cost=nothing, metered=True)
    yield "strings.quote", Overload("strings_quote", (STRING,), STRING, _quote, cost=traversal)


# --- patterns ---

REST = 100  # instructions of a pattern times characters, looked at anew for the next place, that are counted as one element


def _find(meter: Meter, text: str, pattern: str) -> str:
    found = spend_pattern(meter, text, pattern).search(text)
    return str(found.group(0)) if found is not None else ""


def _find_all(meter: Meter, text: str, pattern: str, most: int = -1) -> list[str]:
    made: list[str] = []
    looked_for = spend_pattern(meter, text, pattern)
    for found in looked_for.finditer(text):
        if 0 <= most <= len(made):
            break
        made.append(str(found.group(0)))
        meter.spend(1 + looked_for.programsize * (len(text) - found.end()) // REST)  # `x*y|x` looks at all of it for each x
    return made


def regex() -> Named:
    yield "find", Overload("string_find_string", (STRING, STRING), STRING, _find, member=True, cost=matching, metered=True)
    for name, more in (("string_find_all_string", ()), ("string_find_all_string_int", (INT,))):
        given = (STRING, STRING, *more)
        yield "findAll", Overload(name, given, TEXTS, _find_all, member=True, cost=matching, metered=True)


# --- URLs ---


def _url(text: str) -> Opaque:
    """Errors: CelError where it is neither absolute nor a path."""
    try:
        if any(c <= " " or c == "\x7f" for c in text.partition("#")[0].replace(" ", "")) or not text:
            raise ValueError
        parts = urllib.parse.urlsplit(text)
        if not parts.scheme and not text.startswith("/"):
            raise ValueError
        _ = parts.port
        if parts.scheme and not (parts.netloc or parts.path or text.endswith(":")):
            raise ValueError
        if " " in parts.netloc:
            raise ValueError
        for part in (parts.netloc, parts.path):
            _check_escapes(part)
    except ValueError:
        raise CelError(
            f'URL parse error during conversion from string: parse "{text[:100]}": invalid URI for request'
        ) from None
    return Opaque("kubernetes.URL", text)


def _check_escapes(part: str) -> None:
    for piece in part.split("%")[1:]:
        int(piece[:2] if len(piece) >= 2 else "no", 16)


def _is_url(text: str) -> bool:
    try:
        _url(text)
    except CelError:
        return False
    return True


def _parts(url: Opaque) -> urllib.parse.SplitResult:
    return urllib.parse.urlsplit(str(url.key))


def _host(url: Opaque) -> str:
    return _parts(url).netloc.rpartition("@")[2]


def _hostname(url: Opaque) -> str:
    host = _host(url)
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _escaped_path(url: Opaque) -> str:
    return urllib.parse.quote(_parts(url).path, safe="%/:@!$&'()*+,;=~-._")


def _query(meter: Meter, url: Opaque) -> dict[str, list[str]]:
    query = _parts(url).query
    meter.spend(len(query))
    return urllib.parse.parse_qs(query, keep_blank_values=True)


def urls() -> Named:
    yield "url", Overload("string_to_url", (STRING,), URL, _url, cost=traversal)
    yield "isURL", Overload("is_url_string", (STRING,), BOOL, _is_url, cost=traversal)
    for name, run in (
        ("getScheme", lambda url: _parts(url).scheme),
        ("getHost", _host),
        ("getHostname", _hostname),
        ("getPort", lambda url: "" if _parts(url).port is None else str(_parts(url).port)),
        ("getEscapedPath", _escaped_path),
    ):
        yield name, Overload(f"url_{name}", (URL,), STRING, run, member=True)
    yield "getQuery", Overload("url_getQuery", (URL,), map_of(STRING, TEXTS), _query, member=True, metered=True)
