"""What differs between two states of an object: by field, and inside a long text."""

import difflib
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

from shipslog.store.log.sequences import shared_head
from shipslog.store.objects.wire.json_text import NotJson, parse

QUIET = frozenset({"metadata.resourceVersion", "metadata.managedFields"})
IDENTITIES = ("name", "type", "key", "uid", "ip", "addresses", "containerPort", "mountPath", "port")
LONG = 60  # characters of a text in which the difference is looked for
AROUND = 12  # characters that are shown on both sides of it
COMPARED, LINES = 4_000, 4_000  # characters, lines together; of longer ones only what stands between their common ends is shown

Difference = tuple[str, Any, Any]  # (path, before, after); the missing side is None
Part = tuple[Literal["=", "-", "+"], str]  # kept, taken out, put in


def differences(before: Any, after: Any, path: str = "") -> list[Difference]:
    """Each field that differs. List items are matched by what names them, else by their place; a text that is JSON (as kubectl
    keeps in an annotation) is looked into, unless it is nested too deeply."""
    if path in QUIET:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(k for k in after if k not in before)]
        return [d for k in keys for d in differences(before.get(k), after.get(k), f"{path}.{k}" if path else k)]
    if isinstance(before, list) and isinstance(after, list):
        return _of_lists(before, after, path)
    if before == after:
        return []
    if isinstance(before, str) and isinstance(after, str) and before[:1] == after[:1] == "{":
        try:
            return differences(parse(before), parse(after), f"{path} as JSON")
        except (NotJson, RecursionError):  # the latter: texts within texts
            pass
    return [(path, before, after)]


def _of_lists(before: list[Any], after: list[Any], path: str) -> list[Difference]:
    was, now = _by_name(before), _by_name(after)
    if was is None or now is None:
        if before == after or not all(isinstance(item, dict) for item in (*before, *after)):
            return [] if before == after else [(path, before, after)]
        was, now = ({str(i): item for i, item in enumerate(items)} for items in (before, after))
    keys = [*was, *(k for k in now if k not in was)]
    return [d for k in keys for d in differences(was.get(k), now.get(k), f"{path}[{k}]")]


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The items by what names them; None if nothing does."""
    for key in IDENTITIES:
        if all(isinstance(item, dict) and _names(item.get(key)) for item in items):
            named = {_text(item[key]): item for item in items}
            return named if len(named) == len(items) else None
    return None


def _names(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, list) and all(isinstance(part, str) for part in value))


def _text(name: Any) -> str:
    return ",".join(map(str, name)) if isinstance(name, list) else str(name)


def inside(before: str, after: str) -> list[Part] | None:
    """What changed in a text: for one of several lines whole lines, with one that stayed around each change, for a long line
    the pieces that differ; None for short ones, which are better shown whole."""
    if ("\n" in before or "\n" in after) and before.count("\n") + after.count("\n") <= LINES:
        return list(_lines(before.splitlines(), after.splitlines()))
    if max(len(before), len(after)) <= LONG:
        return None
    return list(_pieces(before, after))


def _lines(before: list[str], after: list[str]) -> Iterator[Part]:
    parts: dict[str, Literal["=", "-", "+"]] = {" ": "=", "-": "-", "+": "+"}
    for line in islice(difflib.unified_diff(before, after, n=1, lineterm=""), 2, None):  # the first two name files
        yield (parts[line[0]], line[1:]) if line[0] in parts else ("=", "...")


def _pieces(before: str, after: str) -> Iterator[Part]:
    start = shared_head(before, after)
    end = shared_head(before[start:][::-1], after[start:][::-1])
    was, now = before[start : len(before) - end], after[start : len(after) - end]
    yield "=", ("..." if start > AROUND else "") + before[max(0, start - AROUND) : start]
    if len(was) + len(now) > COMPARED:
        yield from (("-", was), ("+", now))
    else:
        yield from _words(was, now)
    tail = before[len(before) - end :]
    yield "=", tail[:AROUND] + ("..." if end > AROUND else "")


def _words(was: str, now: str) -> Iterator[Part]:
    """Word by word: letter by letter two texts that have nothing in common look as if they had."""
    before, after = _split(was), _split(now)
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            kept = "".join(before[i:j])
            yield "=", kept if len(kept) <= 2 * AROUND else f"{kept[:AROUND]}...{kept[-AROUND:]}"
            continue
        if i < j:
            yield "-", "".join(before[i:j])
        if k < m:
            yield "+", "".join(after[k:m])


def _split(text: str) -> list[str]:
    words: list[str] = []
    for char in text:
        if words and char.isalnum() and words[-1][-1].isalnum():
            words[-1] += char
        else:
            words.append(char)
    return words
