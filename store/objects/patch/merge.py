"""Merge patch (RFC 7386), in place: what the patch names takes the place of what there was, null takes it away.

Tests: tests/store/objects/test_patch.py
"""

from typing import Any


def merge(current: Any, patch: Any) -> Any:
    """-> what the patch makes of a value; a document is changed in place."""
    if not isinstance(patch, dict):
        return patch
    out = current if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out
