"""Which devices a selector means: an expression over one device, compiled when it is written.

Source: k8s.io/dynamic-resource-allocation/cel (the `device` variable, the sizes that its costs go by), by its behaviour.

Tests: tests/engine/kinds/resource/test_devices.py
"""

from functools import cache

from shipslog.engine.cel.extensions.numbers import QUANTITY
from shipslog.engine.cel.program import CompileError, Environment, Program, compile_
from shipslog.engine.cel.types import ANY, BOOL, Type, map_of, object_of
from shipslog.engine.kinds.expressions import functions
from shipslog.engine.kinds.faults import Faults

MOST_COST = 1_000_000  # units that an expression may need; CELSelectorExpressionMaxCost
MOST_ATTRIBUTES, LONGEST_DOMAIN, LONGEST_ID, LONGEST_VALUE = 32, 63, 32, 64


@cache
def environment() -> Environment:
    def held(value: Type) -> Type:
        """By domain, and by the identifier within it."""
        by_id = map_of(Type("string", most=LONGEST_ID), value, MOST_ATTRIBUTES)
        return map_of(Type("string", most=LONGEST_DOMAIN), by_id, MOST_ATTRIBUTES)

    device = object_of(
        "kubernetes.DRADevice",
        {
            "driver": Type("string", most=LONGEST_DOMAIN),
            "attributes": held(Type("dyn", name=ANY.name, most=LONGEST_VALUE)),
            "capacity": held(QUANTITY),
            "allowMultipleAllocations": BOOL,
        },
    )
    return Environment({"device": device}, functions(), binds=True)


def compiled(text: str) -> Program:
    """Errors: CompileError."""
    try:
        program = compile_(text, environment())
    except CompileError as error:
        raise CompileError(f"compilation failed: {error}") from None
    if program.type.kind not in ("bool", "dyn"):
        raise CompileError(f"must evaluate to bool or the unknown type, not {program.type}")
    return program


def check_expression(faults: Faults, text: str, path: str) -> None:
    try:
        program = compiled(text)
    except CompileError as error:
        faults.invalid(path, text, str(error))
        return
    if program.cost.most > MOST_COST:
        faults.forbidden(path, "too complex, exceeds cost limit")
