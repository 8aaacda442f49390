"""Objects of one type as another that has most of its fields.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

from msgspec.structs import fields


def copied(obj: Any, struct: type[Any], **changes: Any) -> Any:
    """A value of another type with the fields that both have, and those that are told. The head says which kind it is, so that
    is left to the type."""
    have = {f.name for f in fields(type(obj))} - {"kind", "api_version"}
    same = {f.name: getattr(obj, f.name) for f in fields(struct) if f.name in have and f.name not in changes}
    return struct(**same, **changes)
