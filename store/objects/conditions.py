"""Conditions of a status: finding one, setting one. Source: apimachinery's meta.SetStatusCondition."""

from typing import Protocol, TypeVar

from msgspec.structs import replace


class _Condition(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def last_transition_time(self) -> str: ...


C = TypeVar("C", bound=_Condition)


def find_condition(conditions: tuple[C, ...], type_: str) -> C | None:
    """The condition of this type, or None."""
    return next((c for c in conditions if c.type == type_), None)


def set_condition(conditions: tuple[C, ...], new: C, at: str) -> tuple[C, ...]:
    """The conditions with `new` as the last, instead of the one of its type. `at`, an API time, is when its status changed, if
    it did."""
    held = find_condition(conditions, new.type)
    return (*(c for c in conditions if c.type != new.type), dated(new, held, at))


def dated(new: C, held: C | None, at: str) -> C:
    """`new` with the time of the last change of its status: `at`, or that of `held` where the status is the same."""
    since = held.last_transition_time if held is not None and held.status == new.status else at
    return replace(new, last_transition_time=since)  # type: ignore[type-var]
