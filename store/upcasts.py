"""What older formats wrote that no type reads any more, as what is written today.

A tag is never used again for something else, so it says by itself which format a fact is of, also within a log that began with
an older format and was gone on with. When a fact's tag or shape has to change: give the new one a new tag, and put the old one
here, with a golden log that holds it (docs/formats).

Tests: tests/store/test_events.py, tests/goldens/test_logs.py
"""

from collections.abc import Callable
from typing import Any

import msgspec

Value = dict[str, Any]  # a fact as JSON has it, its tag under "type"


class Upcast(msgspec.Struct, frozen=True, kw_only=True):
    """From one old fact to what stands for it. `until` is the last format that wrote it."""

    until: int
    to: Callable[[Value], Value]


UPCASTS: dict[str, Upcast] = {}  # by tag
