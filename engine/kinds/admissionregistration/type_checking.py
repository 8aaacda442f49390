"""What the expressions of a policy get wrong about the types of the objects that it names: told in its status, not refused.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, by its behaviour.
"""

from typing import Any

from shipslog.engine.cel import types
from shipslog.engine.cel.program import CompileError, compile_
from shipslog.engine.cel.types import DYN, Type
from shipslog.engine.kinds.custom.declared import declared
from shipslog.store.objects.fields.shapes import Shape, fields_of
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.types.admissionregistration_v1 import (
    ExpressionWarning,
    ParamKind,
    TypeChecking,
    ValidatingAdmissionPolicySpec,
)

from .compiling import length_of
from .expressions import environment, with_variables

MOST_TYPES = 10  # that are looked at
LONGEST = 8_192  # characters of a policy's expressions together: they are compiled once more for each type
DEEPEST = 12  # structs within structs; what lies deeper may be anything
SCALARS = {
    "string": types.STRING,
    "bool": types.BOOL,
    "int": types.INT,
    "int32": types.INT,
    "float": types.DOUBLE,
    "time": types.TIMESTAMP,
    "microtime": types.TIMESTAMP,
    "byte": types.BYTES,
}


def type_checked(spec: ValidatingAdmissionPolicySpec, scheme: Scheme) -> TypeChecking:
    """The warnings about a policy; none about one whose expressions are very long."""
    kinds = _kinds(spec, scheme)
    if length_of(spec) > LONGEST:
        return TypeChecking()
    params = _params(spec.param_kind, scheme)
    expressions: list[tuple[str, str]] = []
    for at, validation in enumerate(spec.validations):
        expressions.append((f"spec.validations[{at}].expression", validation.expression))
        if validation.message_expression:
            expressions.append((f"spec.validations[{at}].messageExpression", validation.message_expression))
    warnings = []
    for path, text in expressions:
        found = [wrong for kind in kinds if (wrong := _wrong(spec, kind, text, params))]
        if found:
            warnings.append(ExpressionWarning(field_ref=path, warning="\n".join(found)))
    return TypeChecking(expression_warnings=tuple(warnings))


def _kinds(spec: ValidatingAdmissionPolicySpec, scheme: Scheme) -> list[Kind]:
    """Those that the rules name, by the names of their groups, versions and kinds; what is named by `*` is left out."""
    match = spec.match_constraints
    found: dict[tuple[str, str, str], Kind] = {}
    for rule in match.resource_rules if match is not None else ():
        if "*" in (*rule.api_groups, *rule.api_versions, *rule.resources):
            continue
        for group in rule.api_groups:
            for version in rule.api_versions:
                for resource in rule.resources:
                    kind = scheme.find(group, version, resource)
                    if kind is not None:
                        found[kind.group, kind.version, kind.kind] = kind
    return [kind for _, kind in sorted(found.items())][:MOST_TYPES]


def _params(kind: ParamKind | None, scheme: Scheme) -> Type:
    found = scheme.by_gvk(kind.api_version, kind.kind) if kind is not None else None
    return type_of(found) if found is not None else DYN


def _wrong(spec: ValidatingAdmissionPolicySpec, kind: Kind, text: str, params: Type) -> str:
    """What is wrong with an expression about objects of a kind; "" if nothing is."""
    base = environment(params=spec.param_kind is not None, given=type_of(kind))
    if spec.param_kind is not None:
        base = with_params(base, params)
    known: dict[str, Type] = {}
    for variable in spec.variables:
        try:
            known[variable.name] = compile_(variable.expression, with_variables(base, known)).type
        except CompileError:
            known[variable.name] = DYN
    try:
        compile_(text, with_variables(base, known))
    except CompileError as error:
        group = f"{kind.group}/{kind.version}" if kind.group else kind.version
        return f"{group}, Kind={kind.kind}: {error}"
    return ""


def with_params(base: Any, params: Type) -> Any:
    return type(base)({**base.variables, "params": params}, base.functions, base.made)


def type_of(kind: Kind) -> Type:
    """The type of a kind's objects."""
    if kind.definition is not None:
        return declared(kind.definition.schema, "Object", whole=True) or DYN
    return _of_struct(kind.type, 0)


_KNOWN: dict[tuple[type[Any], int], Type] = {}  # by struct and depth


def _of_struct(struct: type[Any], depth: int) -> Type:
    if depth > DEEPEST:
        return DYN
    found = _KNOWN.get((struct, depth))
    if found is None:
        fields = {name: _of_shape(field.shape, depth + 1) for name, field in fields_of(struct).items()}
        found = _KNOWN[struct, depth] = types.object_of(struct.__name__, fields)
    return found


def _of_shape(shape: Shape, depth: int) -> Type:
    if shape.form == "struct" and shape.struct is not None:
        return _of_struct(shape.struct, depth)
    if shape.form in ("list", "map"):
        item = _of_shape(shape.item, depth) if shape.item is not None else DYN
        return types.list_of(item) if shape.form == "list" else types.map_of(types.STRING, item)
    return SCALARS.get(shape.form, DYN)
