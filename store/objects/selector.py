"""Label selectors and field selectors, as text and as objects.

Source: k8s.io/apimachinery/pkg/labels and pkg/fields: grammar, matching rules and canonical text.
"""

import re
from collections.abc import Container, Mapping
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from shipslog.store.refusals import BadRequest

from .memo import remembered

Operator = Literal["in", "notin", "exists", "!", "=", "==", "!=", "gt", "lt"]

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
FEW = 8  # requirements or values that are sooner looked at one by one than put in order
_EXPRESSION = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


class SelectorError(BadRequest):
    """The text or the object is no selector."""


class Requirement(Struct, frozen=True, dict=True):
    """One condition on a label."""

    key: str
    operator: str  # in, notin, exists, !, gt, lt
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value is not None and value in self._members
            case "notin":
                return value is None or value not in self._members
            case "exists":
                return value is not None
            case "!":
                return value is None
        if value is None or not _is_number(value):
            return False
        return int(value) > int(self.values[0]) if self.operator == "gt" else int(value) < int(self.values[0])

    @property
    def _members(self) -> Container[str]:
        return self.values if len(self.values) <= FEW else self._set

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self.values)

    def __str__(self) -> str:
        match self.operator:
            case "in" | "notin" if len(self.values) == 1:
                return f"{self.key}{'=' if self.operator == 'in' else '!='}{self.values[0]}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
        return f"{self.key}{'>' if self.operator == 'gt' else '<'}{self.values[0]}"


class Selector(Struct, frozen=True, dict=True):
    """Conditions that must all hold. Without any it matches everything, and is false."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False  # matches no object: what the absence of a selector means in most places

    def __bool__(self) -> bool:
        return bool(self.requirements) or self.nothing

    def __str__(self) -> str:
        return ",".join(str(r) for r in self.requirements)

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.nothing:
            return False
        if len(self.requirements) <= FEW:
            return all(r.matches(labels) for r in self.requirements)
        needed, by_key = self._by_key
        return needed <= labels.keys() and all(r.matches(labels) for key in labels for r in by_key.get(key, ()))

    @cached_property
    def _by_key(self) -> tuple[frozenset[str], dict[str, list[Requirement]]]:
        """(the labels that must be there, what is required of each): an object costs what it has, not what is asked."""
        alike: dict[tuple[str, str], list[Requirement]] = {}
        for requirement in self.requirements:
            alike.setdefault((requirement.key, requirement.operator), []).append(requirement)
        by_key: dict[str, list[Requirement]] = {}
        for (key, _), several in alike.items():
            by_key.setdefault(key, []).append(_together(several))
        needed = frozenset(key for key, operator in alike if operator not in ("notin", "!"))
        return needed, by_key

    @property
    def exact(self) -> dict[str, str]:
        """The labels that must have one value: what an index can look up."""
        return {r.key: r.values[0] for r in self.requirements if r.operator == "in" and len(r.values) == 1}


def _together(several: list[Requirement]) -> Requirement:
    """Requirements of one key and operator as one."""
    key, operator, values = several[0].key, several[0].operator, several[0].values
    match operator:
        case "in":
            values = tuple(set[str](values).intersection(*(r.values for r in several)))
        case "notin":
            values = tuple({value for r in several for value in r.values})
        case "gt" | "lt":
            strongest = max if operator == "gt" else min
            values = (strongest((r.values[0] for r in several), key=int),)
    return Requirement(key, operator, values)


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


def of_labels(labels: Mapping[str, str]) -> Selector:
    """The selector of a Service or a ReplicationController: each label has its value."""
    return Selector(tuple(Requirement(k, "in", (v,)) for k, v in sorted(labels.items())))


def of_label_selector(chosen: Any) -> Selector:
    """The selector of a meta.v1 LabelSelector; None selects nothing, an empty one everything. Errors: SelectorError."""
    if chosen is None:
        return NOTHING
    found = [Requirement(k, "in", (v,)) for k, v in chosen.match_labels.items()]
    for expression in chosen.match_expressions:
        operator = _EXPRESSION.get(expression.operator)
        if operator is None:
            raise SelectorError(f'"{expression.operator}" is not a valid label selector operator')
        found.append(Requirement(expression.key, operator, tuple(expression.values)))
    return Selector(tuple(sorted(found, key=lambda r: r.key)))


@remembered(entries=4096)
def parse_labels(text: str) -> Selector:
    """`a=b,c!=d,e in (f,g),!h,i,j>3`. Errors: SelectorError, worded as Kubernetes does."""
    tokens = _tokens(text)
    found: list[Requirement] = []
    at = 0
    while at < len(tokens):
        requirement, at = _requirement(tokens, at, text)
        found.append(requirement)
        if at < len(tokens):
            if tokens[at] != ",":
                raise _unparsable(f"found '{tokens[at]}', expected: ',' or 'end of string'")
            at += 1
            if at == len(tokens):
                raise _unparsable("found '', expected: identifier after ','")
    return Selector(tuple(sorted(found, key=lambda r: r.key)))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _requirement(tokens: list[str], at: int, text: str) -> tuple[Requirement, int]:
    negated = tokens[at] == "!"
    at += negated
    key = tokens[at] if at < len(tokens) else ""
    if not key or key in "=!<>(),==!=":
        raise _unparsable(f"found '{key}', expected: identifier")
    _check_key(key)
    at += 1
    following = tokens[at] if at < len(tokens) else ","
    if negated or following == ",":
        return Requirement(key, "!" if negated else "exists"), at
    if following in ("in", "notin"):
        return _set(key, following, tokens, at + 1)
    if following not in ("=", "==", "!=", ">", "<"):
        raise _unparsable(f"found '{following}', expected: in, notin, =, ==, !=, gt, lt")
    at += 1
    value = ""
    if at < len(tokens) and tokens[at] != ",":
        value, at = tokens[at], at + 1
    if following in "<>":
        if not _is_number(value):
            raise SelectorError(
                f"values[0][{key}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            )
        return Requirement(key, "gt" if following == ">" else "lt", (value,)), at
    _check_value(key, value)
    return Requirement(key, "notin" if following == "!=" else "in", (value,)), at


def _set(key: str, operator: str, tokens: list[str], at: int) -> tuple[Requirement, int]:
    if at >= len(tokens) or tokens[at] != "(":
        raise _unparsable(f"found '{tokens[at] if at < len(tokens) else ''}' expected: '('")
    values, at, wanted = [], at + 1, True
    while at < len(tokens) and tokens[at] != ")":
        if tokens[at] == ",":
            if wanted:
                values.append("")
            wanted = True
        else:
            _check_value(key, tokens[at])
            values.append(tokens[at])
            wanted = False
        at += 1
    if at >= len(tokens):
        raise _unparsable("found '', expected: ',' or ')'")
    if wanted:
        values.append("")
    return Requirement(key, operator, tuple(values)), at + 1


def _unparsable(why: str) -> SelectorError:
    return SelectorError(f"unable to parse requirement: {why}")


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if slash and (not _PREFIX.fullmatch(prefix) or len(prefix) > 253):
        raise _unparsable(
            f'<nil>: Invalid value: "{key}": prefix part a lowercase RFC 1123 subdomain must consist of lower case '
            "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
        )
    if not _NAME.fullmatch(name) or len(name) > 63:
        raise _unparsable(
            f"<nil>: Invalid value: \"{key}\": name part must consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character"
        )


def _check_value(key: str, value: str) -> None:
    if len(value) > 63:
        raise _unparsable(f'values[0][{key}]: Invalid value: "{value}": must be no more than 63 bytes')
    if value and not _NAME.fullmatch(value):
        raise _unparsable(
            f'values[0][{key}]: Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        )


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63


# --- fields ---


class FieldRequirement(Struct, frozen=True):
    """One condition on a field: `path=value`, or `path!=value` with `negate`."""

    path: str
    negate: bool
    value: str


@remembered(entries=4096)
def parse_fields(text: str) -> tuple[FieldRequirement, ...]:
    """`metadata.name=x,status.phase!=Running`; a backslash keeps `,` `=` and itself. Errors: SelectorError."""
    found = []
    for term in _terms(text):
        if not term:
            continue
        place = re.search(r"(?<!\\)(!=|==|=)", term)
        if place is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        path, value = term[: place.start()].strip(), term[place.end() :].strip()
        found.append(FieldRequirement(path, place[0] == "!=", re.sub(r"\\([\\,=])", r"\1", value)))
    return tuple(found)


def _terms(text: str) -> list[str]:
    return re.split(r"(?<!\\),", text)
