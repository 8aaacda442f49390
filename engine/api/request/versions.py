"""Objects in the version that a path names, where another server turns versions into each other; elsewhere as they are.

It is asked before an answer is put together: what comes after finds every object in its version.

Tests: tests/engine/webhooks/test_conversion.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.state import Entry

from .requests import Call


async def shown(call: Call, kind: Kind, entries: Sequence[Entry]) -> list[Entry]:
    """Errors: Unexpected, as Kubernetes words what went wrong with the webhook."""
    if not kind.is_foreign:
        return entries if isinstance(entries, list) else list(entries)
    return await call.cluster.in_version(kind, entries)


async def one(call: Call, entry: Entry) -> Entry:
    """The same for one of the path's kind."""
    kind = call.kind
    return (await call.cluster.in_version(kind, [entry]))[0] if kind.is_foreign else entry


async def to_hub(call: Call, kind: Kind, obj: Any) -> Any:
    """What a client sent, as it is stored. Errors: Unexpected; Invalid by the schema of the version that was sent."""
    try:
        if kind.is_foreign and kind.hub is not None:
            from shipslog.engine.kinds.custom.versions import by_schema  # with all of schemas, which only defined kinds have

            obj = by_schema(kind, obj)
        return kind.to_hub(obj)
    except Unconverted as missing:
        return await call.cluster.convert(missing)
