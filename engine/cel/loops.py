"""What comprehensions do in an evaluation. A step that comes to nothing may be made up for by a later one.

Tests: tests/engine/cel/test_program.py
"""

from collections.abc import Mapping
from typing import Any

from .frames import Failed, Frame, Run
from .values import LISTS, NO_OVERLOAD, CelError, CostExceeded

LIST_COST = 10


def appended(place: int, items: list[Run]) -> Run:
    def run(frame: Frame) -> Any:
        frame.charge(LIST_COST + 2)
        held = frame.locals[place]
        held += [item(frame) for item in items]
        return held

    return run


def put(place: int, parts: list[Run]) -> Run:
    def run(frame: Frame) -> Any:
        frame.charge(2)
        held = frame.locals[place]
        given = [part(frame) for part in parts]
        more = {given[0]: given[1]} if len(given) == 2 else given[0]
        for key, value in more.items():
            if key in held:
                raise CelError(f"insert failed: key {key} already exists")
            held[key] = value
        return held

    return run


def folded(held: Run, init: Run, condition: Run, step: Run, result: Run, place: int, *, two: bool, bears: bool) -> Run:
    """`bears`: a step that comes to nothing is noted, and a later one may make up for it."""

    def run(frame: Frame) -> Any:
        over = held(frame)
        kept = frame.locals
        kept[place] = init(frame)
        for first, second in _pairs(over) if two else _singly(over):
            kept[place + 1] = first
            if two:
                kept[place + 2] = second
            if condition(frame) is False:
                break
            try:
                kept[place] = step(frame)
            except CostExceeded:
                raise
            except CelError as error:
                if not bears:
                    raise
                kept[place] = Failed(error)
            if frame.cost > frame.limit:
                raise CostExceeded
        return result(frame)

    return run


def quantifying(held: Run, holds: Run, place: int, *, ends: bool, two: bool) -> Run:
    each = 4 if ends else 3  # the condition, and what is accumulated

    def run(frame: Frame) -> Any:
        over = held(frame)
        kept, failed = frame.locals, None
        for first, second in _pairs(over) if two else _singly(over):
            kept[place + 1] = first
            if two:
                kept[place + 2] = second
            frame.cost += each
            if frame.cost > frame.limit:
                raise CostExceeded
            try:
                found = holds(frame)
            except CostExceeded:
                raise
            except CelError as error:
                failed = error
                continue
            if found is ends:
                frame.cost += each
                return ends
            if not isinstance(found, bool):
                failed = CelError(NO_OVERLOAD)
        frame.cost += 1
        if failed is not None:
            raise failed
        return not ends

    return run


def _singly(over: Any) -> Any:
    if isinstance(over, (*LISTS, Mapping)):
        return ((item, None) for item in over)
    raise CelError(NO_OVERLOAD)


def _pairs(over: Any) -> Any:
    if isinstance(over, Mapping):
        return over.items()
    if isinstance(over, LISTS):
        return enumerate(over)
    raise CelError(NO_OVERLOAD)
