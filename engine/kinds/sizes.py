"""How much an object may hold, and how much it does.

Tests: tests/engine/kinds/storage/test_storage.py, tests/engine/kinds/core/test_limits.py
"""

import binascii
from collections.abc import Mapping

from shipslog.store.refusals import BadRequest

LIMIT_BYTES = 1024 * 1024  # of the values of a config map or a secret
FROZEN_WORDS = "field is immutable when `immutable` is set"


def size_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def decoded_size(path: str, data: Mapping[str, str]) -> int:
    """The bytes that base64 values stand for. Errors: BadRequest when one is not base64: it cannot be decoded at all."""
    total = 0
    for key, value in data.items():
        try:
            total += len(binascii.a2b_base64(value, strict_mode=True)) if value else 0
        except binascii.Error as error:
            raise BadRequest(f"illegal base64 data in {path}[{key}]: {error}") from error
    return total
