"""What mutating policies make of an object. Source: apiserver/pkg/admission/plugin/policy/mutating, by its behaviour."""

import base64
from collections.abc import Mapping
from typing import Any

from shipslog.engine.cel import values
from shipslog.engine.cel.values import LISTS, CostExceeded, Made, Maybe
from shipslog.store.objects.fields.structured import Node, merged, root_of
from shipslog.store.objects.patch import json_patch
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import Refusal

from .bound import Bound
from .facts import Budget
from .programs import Failed, Programs, programs_of

OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})
DEEPEST = 100


def compiled(policy: Any) -> Programs:
    return programs_of(policy.spec, [(m.patch_type, _expression(m)) for m in policy.spec.mutations])


def _expression(mutation: Any) -> str:
    patch = mutation.apply_configuration if mutation.patch_type == "ApplyConfiguration" else mutation.json_patch
    return str(patch.expression) if patch is not None else ""


def mutated(one: Bound, programs: Programs, param: Any, facts: dict[str, Any], kind: Kind) -> Any:
    """The object's JSON as a policy wants it; None where it wants nothing. A function of its arguments. `kind`: in the version
    that it is shown. Errors: Failed, TakesLong."""
    if programs.error:
        raise Failed(programs.error)
    budget = Budget()
    obj = facts["object"]
    known = programs.activation({**facts, "params": param}, budget)
    try:
        if not programs.match(known, budget):
            return None
    except CostExceeded:
        raise Failed("failed to evaluate match conditions: running out of cost budget") from None
    for mutation in one.policy.spec.mutations:
        known = programs.activation({**facts, "params": param, "object": obj}, budget)
        made = programs.value(_expression(mutation), known, budget)
        if mutation.patch_type == "ApplyConfiguration":
            config = plain(made)
            _check_atomic(root_of(kind), config, "")
            obj = merged(root_of(kind), obj, config)
        else:
            obj = _patched(obj, made)
    return obj


def _patched(obj: Any, operations: Any) -> Any:
    patch = []
    for operation in operations:
        one = plain(operation)
        if one.get("op") not in OPERATIONS:
            raise Failed(f"JSONPatch: op is {one.get('op')!r}, and must be one of add, remove, replace, move, copy, test")
        patch.append(one)
    try:
        return json_patch.apply(plain(obj), patch)
    except Refusal as refusal:
        raise Failed(f"JSON Patch: {refusal.message}") from refusal


def _check_atomic(node: Node, config: Any, path: str) -> None:
    """Errors: Failed for a configuration that says something of a list or map that is one value."""
    if isinstance(config, dict | list) and node.shape is not None and node.is_atomic:
        raise Failed(f"error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {path}")
    if isinstance(config, dict):
        for name, held, child in node.children(config):
            _check_atomic(child, held, f"{path}.{name}")
    elif isinstance(config, list):
        for at, held in enumerate(config):
            _check_atomic(node.item, held, f"{path}[{at}]")


def plain(value: Any, depth: int = 0) -> Any:
    """A value of an expression as JSON. Errors: Failed."""
    if depth > DEEPEST:
        raise Failed(f"the object that it makes is nested in more than {DEEPEST} levels")
    match value:
        case None | bool() | str():
            return value
        case values.Timestamp():
            return values.moment_text(value)
        case values.Duration():
            return values.duration_text(value)
        case int() | float():
            return value if isinstance(value, float) else int(value)
        case bytes():
            return base64.b64encode(value).decode()
        case Made() | Mapping():
            return {str(name): plain(held, depth + 1) for name, held in value.items()}
        case Maybe():
            if value.present:
                return plain(value.value, depth + 1)
            raise Failed("an optional that has no value is no JSON")
    if isinstance(value, LISTS):
        return [plain(held, depth + 1) for held in value]
    raise Failed(f"a value of type {values.type_name(value)} is no JSON")
