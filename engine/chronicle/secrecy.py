"""The values of Secrets are shown to nobody who did not ask for them: which of them changed is seen, what they are is not.

Tests: tests/engine/chronicle/test_history.py, tests/engine/chronicle/test_lines.py, tests/engine/api/log/test_chronicle.py
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.objects.wire.json_text import NotJson, parse

HIDDEN = "(hidden)"
UNREADABLE = "(cannot be shown)"
ANNOTATIONS = "metadata.annotations"
SECRET = ("data", "stringData", f"{ANNOTATIONS}.kubectl.kubernetes.io/last-applied-configuration")


def is_secret(event: Event) -> bool:
    """Whether the object of an event has values that are hidden."""
    return isinstance(event.fact, ObjectFact) and event.fact.resource == "secrets"


def veiled(event: Event) -> Event:
    """The event with its Secret's values hidden; others as they are."""
    if not is_secret(event):
        return event
    fact = event.fact
    assert isinstance(fact, ObjectFact)
    return replace(event, fact=replace(fact, object=msgspec.Raw(msgspec.json.encode(masked(object_of(fact))))))


def object_of(fact: ObjectFact) -> dict[str, Any]:
    """The object of a fact as a mapping, see `reader.state`."""
    try:
        value = parse(bytes(fact.object))
    except NotJson as error:
        return {UNREADABLE: str(error)}
    return value if isinstance(value, dict) else {UNREADABLE: "it is no object"}


def masked(value: Any, path: str = "") -> Any:
    """What stands at a path of a Secret, with its values hidden; kubectl's copy of it in an annotation is one."""
    if value is None:
        return None
    if path in ("", "metadata", ANNOTATIONS, *SECRET[:2]) and isinstance(value, dict):
        return {key: masked(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    return HIDDEN if any(path == secret or path.startswith((f"{secret}.", f"{secret} as JSON")) for secret in SECRET) else value


def masked_differences(changes: list[tuple[str, Any, Any]]) -> list[tuple[str, Any, Any]]:
    """The changes of a Secret without its values; kubectl's copy of it only as one that changed."""
    merged: dict[str, tuple[str, Any, Any]] = {}
    for path, was, now in changes:
        path = path.partition(" as JSON")[0]
        merged.setdefault(path, (path, masked(was, path), masked(now, path)))
    return list(merged.values())
