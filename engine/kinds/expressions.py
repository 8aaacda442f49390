"""The functions of expressions in Kubernetes' objects: those of the language, and the formats of names (`format.uuid()`).

Source: apiserver/pkg/cel/library/format.go. What a kind's expressions may name besides is the kind's own.

Tests: tests/engine/kinds/custom/test_rules.py
"""

from collections.abc import Callable, Iterator
from functools import cache

from shipslog.engine.cel.functions import Functions, Overload, traversal
from shipslog.engine.cel.program import FUNCTIONS
from shipslog.engine.cel.types import STRING, list_of, opaque, optional
from shipslog.engine.cel.values import NONE, Maybe, Opaque
from shipslog.engine.kinds import names
from shipslog.engine.kinds.custom import formats

FORMAT = opaque("kubernetes.NamedFormat")
Check = Callable[[str], tuple[str, ...]]


def _as_prefix(check: Check) -> Check:
    return lambda text: check(names.as_prefix(text))


def _of(format_: str, words: str) -> Check:
    return lambda text: () if formats.fits(format_, text) else (words,)


FORMATS: dict[str, Check] = {
    "dns1123Label": names.label,
    "dns1123Subdomain": names.subdomain,
    "dns1035Label": names.dns_1035,
    "qualifiedName": names.qualified,
    "dns1123LabelPrefix": _as_prefix(names.label),
    "dns1123SubdomainPrefix": _as_prefix(names.subdomain),
    "dns1035LabelPrefix": _as_prefix(names.dns_1035),
    "labelValue": names.label_value,
    "uri": _of("uri", "invalid URI for request"),
    "uuid": _of("uuid", "does not match the UUID format"),
    "byte": _of("byte", "invalid base64"),
    "date": _of("date", "invalid date"),
    "datetime": _of("datetime", "invalid datetime"),
}


def _validated(named: Opaque, text: str) -> Maybe:
    wrong = FORMATS[named.key](text)
    return Maybe(list(wrong)) if wrong else NONE


def _formats() -> Iterator[tuple[str, Overload]]:
    def named(name: str) -> Maybe:
        return Maybe(Opaque(FORMAT.name, name)) if name in FORMATS else NONE

    for name in FORMATS:
        made = Opaque(FORMAT.name, name)
        yield f"format.{name}", Overload(f"format.{name}", (), FORMAT, lambda made=made: made)
    yield "format.named", Overload("format-named", (STRING,), optional(FORMAT), named)
    yield (
        "validate",
        Overload(
            "format-validate",
            (FORMAT, STRING),
            optional(list_of(STRING)),
            _validated,
            member=True,
            cost=lambda named, text: traversal(text) * 8,
        ),
    )


@cache
def functions() -> Functions:
    return Functions(FUNCTIONS, _formats())
