"""`"%s has %d".format([x, y])`: cel-go's ext/formatting. Clauses: %s %d %f %e %b %x %X %o, precision and %%.

Tests: tests/engine/cel/test_program.py
"""

import math
from collections.abc import Mapping
from typing import Any

from shipslog.engine.cel import values
from shipslog.engine.cel.functions import tenth
from shipslog.engine.cel.values import CelError, Meter

MOST_PRECISION = 1000


def formatted(meter: Meter, text: str, args: Any) -> str:
    """Errors: CelError, as cel-go words them."""
    made: list[str] = []
    at, taken = 0, 0
    count = values.size_of(args)
    while at < len(text):
        nearest = text.find("%", at)
        if nearest < 0:
            made.append(text[at:])
            break
        made.append(text[at:nearest])
        at = nearest + 1
        if text[at : at + 1] == "%":
            made.append("%")
            at += 1
            continue
        precision, at = _precision(text, at)
        clause = text[at : at + 1]
        at += 1
        if taken >= count:
            raise CelError(f"index {taken} out of range")
        made.append(_clause(meter, clause, args[taken], precision))
        taken += 1
    return "".join(made)


def _precision(text: str, at: int) -> tuple[int | None, int]:
    if text[at : at + 1] != ".":
        return None, at
    end = at + 1
    while end < len(text) and text[end].isdecimal() and end - at < 6:
        end += 1
    if end == at + 1:
        raise CelError("could not parse formatting clause: error while parsing precision: precision specifier is empty")
    found = int(text[at + 1 : end])
    if found > MOST_PRECISION:
        raise CelError(f"could not parse formatting clause: precision {found} exceeds the limit of {MOST_PRECISION}")
    return found, end


def _clause(meter: Meter, clause: str, value: Any, precision: int | None) -> str:
    match clause:
        case "s":
            return _text(meter, value)
        case "d":
            return _decimal(value)
        case "f":
            return f"{_number(value, clause):.{6 if precision is None else precision}f}" if _finite(value) else _special(value)
        case "e":
            return _scientific(value, precision) if _finite(value) else _special(value)
        case "b":
            return _binary(value)
        case "x" | "X":
            made = _hex(value)
            return made.upper() if clause == "X" else made
        case "o":
            return f"{_integer(value, 'octal clause can only be used on integers'):o}"
    raise CelError(f'could not parse formatting clause: unrecognized formatting clause "{clause}"')


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _number(value: Any, clause: str) -> float:
    if values.numeric(value):
        return float(value)
    word = "fixed-point" if clause == "f" else "scientific"
    raise CelError(f"error during formatting: {word} clause can only be used on doubles, was given {values.type_name(value)}")


def _scientific(value: Any, precision: int | None) -> str:
    made = f"{_number(value, 'e'):.{6 if precision is None else precision}e}"
    mantissa, _, exponent = made.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}"


def _integer(value: Any, words: str) -> int:
    if values.numeric(value) and isinstance(value, int):
        return int(value)
    raise CelError(f"error during formatting: {words}, was given {values.type_name(value)}")


def _decimal(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return _special(value)
    if isinstance(value, float):
        return values.go_double(value)
    return str(_integer(value, "decimal clause can only be used on integers"))


def _binary(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{_integer(value, 'only integers and bools can be formatted as binary'):b}"


def _hex(value: Any) -> str:
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, bytes):
        return value.hex()
    return f"{_integer(value, 'only integers, byte buffers, and strings can be formatted as hex'):x}"


def _text(meter: Meter, value: Any) -> str:
    made: list[str] = []
    _put(meter, value, made)
    return "".join(made)


def _put(meter: Meter, value: Any, made: list[str]) -> None:
    if isinstance(value, Mapping):
        meter.spend(len(value) + 1)
        made.append("{")
        entries = []
        for key, held in value.items():
            entry: list[str] = []
            _put(meter, key, entry)
            entry.append(": ")
            _put(meter, held, entry)
            entries.append("".join(entry))
        made += (", ".join(sorted(entries)), "}")
    elif isinstance(value, values.LISTS):
        meter.spend(values.size_of(value) + 1)
        made.append("[")
        for at, held in enumerate(value):
            if at:
                made.append(", ")
            _put(meter, held, made)
        made.append("]")
    else:
        found = _scalar(value)
        meter.spend(tenth(len(found)))
        made.append(found)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case bytes():
            return value.decode(errors="replace")
        case values.Timestamp():
            return values.moment_text(value)
        case values.Duration():
            return values.duration_text(value)
        case int():
            return str(int(value))
        case float():
            return values.go_double(value) if math.isfinite(value) else _special(value)
        case values.TypeOf():
            return value.name
    raise CelError(
        "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
        f"durations, and timestamps, was given {values.type_name(value)}"
    )
