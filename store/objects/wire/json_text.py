"""The door for JSON from outside: whatever a client, a token or an annotation holds becomes plain values here, or is refused.

Cost: one pass in C, and one over the containers of what is nested at all. The collector rests meanwhile: a million small lists
would wake it so often that it took four times as long as the reading.

Tests: tests/store/objects/wire/test_codec.py, tests/engine/api/test_values_out_of_range.py
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

MAX_DEPTH = 200  # containers within containers; rules that follow a value down may recurse as far as that

MAX_TOLD = 100  # unknown or repeated fields that an answer names; as Kubernetes' decoder


class NotJson(ValueError):
    """The text is no JSON, or is nested too deeply; the message says which."""


def parse(data: bytes | str) -> Any:
    """The value of a JSON text. Errors: NotJson, also for invalid UTF-8 and for more than MAX_DEPTH levels."""
    try:
        with uncollected():
            value = msgspec.json.decode(data)
    except RecursionError as error:
        raise NotJson(TOO_DEEP) from error
    except UnicodeError as error:
        raise NotJson("a string is not valid UTF-8") from error
    except msgspec.MsgspecError as error:
        raise NotJson(str(error).removeprefix("JSON is malformed: ")) from error
    opened = data.count("{") + data.count("[") if isinstance(data, str) else data.count(b"{") + data.count(b"[")
    if opened > MAX_DEPTH:
        check_depth(value)
    return value


TOO_DEEP = f"nested too deeply: at most {MAX_DEPTH} levels are allowed"


def check_depth(value: Any) -> None:
    """Errors: NotJson for more than MAX_DEPTH levels. Goes level by level: no depth is too much for the check itself."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    if level:
        raise NotJson(TOO_DEEP)


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection within: for work that makes many objects and no garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
