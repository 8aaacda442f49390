"""What names, fields, logic and calls do in an evaluation.

Units are charged before what they pay for is done, so that nothing is made that is too large.

Tests: tests/engine/cel/test_program.py
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import values
from .frames import Failed, Frame, Run
from .functions import Overload, one
from .standard import index, lookup
from .types import SCALARS
from .values import LISTS, NO_OVERLOAD, NONE, CelError, CostExceeded, Maybe


def local(place: int) -> Run:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        value = frame.locals[place]
        if isinstance(value, Failed):
            raise value.error
        return value

    return run


def variable(name: str) -> Run:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        try:
            return frame.variables[name]
        except KeyError:
            raise CelError(f"no such attribute(s): {name}") from None

    return run


def selected(held: Run, field: str) -> Run:
    def run(frame: Frame) -> Any:
        value = held(frame)
        frame.cost += 1
        if isinstance(value, Mapping):
            try:
                return value[field]
            except KeyError:
                raise CelError(f"no such key: {field}") from None
        if isinstance(value, Maybe):
            return of(value, field)
        raise CelError(NO_OVERLOAD)

    return run


def of(value: Any, field: str) -> Maybe:
    """A field of what is perhaps there."""
    if isinstance(value, Maybe):
        if not value.present:
            return NONE
        value = value.value
    if not isinstance(value, Mapping):
        raise CelError(NO_OVERLOAD)
    try:
        return Maybe(value[field])
    except KeyError:
        return NONE


def maybe_selected(held: Run, field: str) -> Run:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        return of(held(frame), field)

    return run


def has(held: Run, field: str) -> Run:
    def run(frame: Frame) -> Any:
        return of(held(frame), field).present

    return run


def optional(value: Any) -> Maybe:
    if not isinstance(value, Maybe):
        raise CelError(f"cannot initialize optional entry from non-optional value {values.type_name(value)}")
    return value


def conditional(condition: Run, yes: Run, no: Run) -> Run:
    def run(frame: Frame) -> Any:
        holds = condition(frame)
        if holds is True:
            return yes(frame)
        if holds is False:
            return no(frame)
        raise CelError(NO_OVERLOAD)

    return run


def logical(left: Run, right: Run, *, ends: bool) -> Run:
    """`&&` and `||`: what ends it on either side counts, whatever became of the other."""

    def run(frame: Frame) -> Any:
        try:
            first = left(frame)
            if first is ends:
                return ends
            if not isinstance(first, bool):
                raise CelError(NO_OVERLOAD)
        except CostExceeded:
            raise
        except CelError:
            try:
                if right(frame) is ends:
                    return ends
            except CostExceeded:
                raise
            except CelError:
                pass
            raise
        second = right(frame)
        if not isinstance(second, bool):
            raise CelError(NO_OVERLOAD)
        return second

    return run


def not_strictly_false(held: Run) -> Run:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        try:
            return held(frame) is not False
        except CostExceeded:
            raise
        except CelError:
            return True

    return run


def called(overloads: tuple[Overload, ...], args: list[Run], certain: bool) -> Run:
    if certain and not overloads[0].metered and len(args) in (1, 2):
        return _certain(overloads[0], args)

    by_types: dict[Any, Overload] | None = {} if all(map(_by_type, overloads)) else None
    if by_types is not None and len(args) == 2:
        return _by_two_types(overloads, args, by_types)

    def run(frame: Frame) -> Any:
        given = [arg(frame) for arg in args]
        overload = overloads[0] if certain else _fitting(overloads, given)
        return _run(overload, overloads, given, frame)

    return run


def _run(overload: Overload | None, overloads: tuple[Overload, ...], given: Sequence[Any], frame: Frame) -> Any:
    if overload is None:
        return _unforeseen(overloads, given, frame)
    frame.charge(overload.cost(*given))
    return overload.run(frame, *given) if overload.metered else overload.run(*given)


def _by_two_types(overloads: tuple[Overload, ...], args: list[Run], known: dict[Any, Overload]) -> Run:
    """An operator on two values of types that only they tell."""
    first, second = args

    def run(frame: Frame) -> Any:
        one_, other = first(frame), second(frame)
        types = type(one_), type(other)
        overload = known.get(types)
        if overload is None:
            overload = _fitting(overloads, (one_, other))
            if overload is None:
                return _unforeseen(overloads, (one_, other), frame)
            known[types] = overload
        frame.charge(overload.cost(one_, other))
        return overload.run(frame, one_, other) if overload.metered else overload.run(one_, other)

    return run


def _fitting(overloads: tuple[Overload, ...], given: Sequence[Any]) -> Overload | None:
    return next((overload for overload in overloads if overload.fits(given)), None)


def _by_type(overload: Overload) -> bool:
    """Whether the Python types of values alone tell that they fit."""
    return all(p.kind in PLAIN for p in overload.params)


PLAIN = SCALARS | {"string", "bytes", "null", "dyn", "param"}


def _certain(overload: Overload, args: list[Run]) -> Run:
    """A call whose only overload is known to fit."""
    function, cost, plain = overload.run, overload.cost, overload.cost is one
    first = args[0]
    if len(args) == 1:

        def run(frame: Frame) -> Any:
            value = first(frame)
            frame.charge(1 if plain else cost(value))
            return function(value)

        return run
    second = args[1]

    def run_two(frame: Frame) -> Any:
        one_, other = first(frame), second(frame)
        frame.charge(1 if plain else cost(one_, other))
        return function(one_, other)

    return run_two


def _unforeseen(overloads: tuple[Overload, ...], given: Sequence[Any], frame: Frame) -> Any:
    """Where values are of types that no overload takes: an index may be what it is found by all the same."""
    if overloads[0].id in ("index_list", "index_map") and isinstance(given[0], (*LISTS, Mapping)):
        frame.charge(1)
        return index(*given)
    if overloads[0].id in ("in_list", "in_map") and isinstance(given[1], Mapping):
        frame.charge(1)
        return lookup(given[1], given[0]).present
    raise CelError(NO_OVERLOAD)
