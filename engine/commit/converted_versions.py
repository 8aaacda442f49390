"""Objects in versions that another server has made of them, put here for evaluation, which asks nobody.

Tests: tests/engine/webhooks/test_conversion.py
"""

from typing import Any

from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.objects.wire import codec
from shipslog.store.state import Entry, entry_of, in_version


class ConvertedVersions:
    """What has been converted, by the object's JSON and the version. What is missing is raised as `Unconverted`: who evaluates
    has it made, adds it, and evaluates again."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, str], Any] = {}

    def add(self, missing: Unconverted, made: Any) -> None:
        self._known[codec.encode(missing.object), missing.to.api_version] = made

    def shown(self, kind: Kind, entry: Entry) -> Entry:
        """The entry in a version. Errors: Unconverted."""
        if not kind.is_foreign or entry.object.api_version == kind.api_version:
            return in_version(kind, entry)
        made = self._made(kind, entry.object)
        return entry_of(kind, made, codec.encode(made), entry.revision)

    def to_hub(self, kind: Kind, obj: Any) -> Any:
        """The object as it is stored. Errors: Unconverted."""
        if kind.hub is None or not kind.is_foreign or obj.api_version == kind.hub.api_version:
            return kind.to_hub(obj)
        from shipslog.engine.kinds.custom.versions import by_schema  # with all of schemas, which only defined kinds have

        return self._made(kind.hub, by_schema(kind, obj))

    def _made(self, kind: Kind, obj: Any) -> Any:
        made = self._known.get((codec.encode(obj), kind.api_version))
        if made is None:
            raise Unconverted(kind, obj)
        return made


NOTHING_CONVERTED = ConvertedVersions()
