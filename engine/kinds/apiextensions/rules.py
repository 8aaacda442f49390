"""What is wrong with the rules in CEL of a definition's schema: their texts, their types, what they may cost.

Source: ValidateCustomResourceDefinitionOpenAPISchema of apiextensions-apiserver, with its limits and its words.
"""

import re
from typing import Any

from shipslog.engine.cel.costs import UNBOUNDED
from shipslog.engine.cel.types import Type
from shipslog.engine.kinds.custom.declared import cardinality, declared
from shipslog.engine.kinds.custom.rules import Compiled, compiled
from shipslog.engine.kinds.faults import Faults, shown
from shipslog.store.objects.fields.structural import within
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps, ValidationRule

RULE_LIMIT, SCHEMA_LIMIT = 10_000_000, 100_000_000  # units: of one rule, wherever it is run; of all of a schema
TEXT_LIMIT = 128 * 1024  # characters of a schema's rules, all told
REASONS = ("FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired", "FieldValueDuplicate")
CONTRIBUTED = "contributed to estimated rule & messageExpression cost total exceeding cost limit for entire OpenAPIv3 schema"
UNTYPED = (
    "Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to "
    "convert structural schema to CEL declarations"
)
SORTED_REASONS = tuple(sorted(REASONS))
_LINES = re.compile(r"[\n\r]")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\['(?P<quoted>(?:\\.|[^'\\])*)'\]")


def check_texts(faults: Faults, schema: JSONSchemaProps, path: str) -> None:
    """What is wrong with the rules of one schema before they are compiled."""
    for at, rule in enumerate(schema.x_kubernetes_validations):
        here = f"{path}.x-kubernetes-validations[{at}]"
        text, message = rule.rule.strip(), rule.message.strip()
        if not text:
            faults.required(f"{here}.rule", "rule is not specified")
        elif rule.message and not message:
            faults.invalid(f"{here}.message", rule.message, "message must be non-empty if specified")
        elif len(rule.message) > 2048:
            faults.invalid(
                f"{here}.message", f"{rule.message[:10]}...", "message must have a maximum length of 2048 characters"
            )
        elif _LINES.search(message):
            faults.invalid(f"{here}.message", rule.message, "message must not contain line breaks")
        elif _LINES.search(text) and not message:
            faults.required(f"{here}.message", "message must be specified if rule contains line breaks")
        if rule.message_expression and not rule.message_expression.strip():
            faults.required(f"{here}.messageExpression", "messageExpression must be non-empty if specified")
        if rule.reason is not None and rule.reason not in REASONS:
            faults.not_supported(f"{here}.reason", rule.reason, SORTED_REASONS)
        if rule.field_path:
            _check_field_path(faults, schema, rule.field_path, f"{here}.fieldPath")


def _check_field_path(faults: Faults, schema: JSONSchemaProps, text: str, here: str) -> None:
    if not text.strip():
        faults.invalid(here, text, "fieldPath must be non-empty if specified")
    if _LINES.search(text):
        faults.invalid(here, text, "fieldPath must not contain line breaks")
    why, at, below = "", 0, schema
    while at < len(text) and not why:
        step = _STEP.match(text, at)
        if step is None:
            why = f"expected [ or . but got: {text[at:].split('.')[0].split('[')[0] or text[at:]}"
            break
        name = step["name"] if step["name"] is not None else re.sub(r"\\(.)", r"\1", step["quoted"])
        more = below.additional_properties
        held = below.properties.get(name) if below.properties else more if isinstance(more, JSONSchemaProps) else None
        if held is None:
            why = "does not refer to a valid field"
        else:
            below, at = held, step.end()
    if why:
        faults.invalid(here, text, f"fieldPath must be a valid path: {why}")


def check_rules(faults: Faults, schema: JSONSchemaProps, path: str) -> None:
    """What is wrong with the rules of a schema that is right otherwise."""
    length = _length(schema)
    if length > TEXT_LIMIT:
        words = f"the rules and messageExpressions have {length} characters together, and may have {TEXT_LIMIT}"
        faults.forbidden(path, words)
        return
    if length:
        _Checker(faults).whole(schema, path)


def _length(schema: JSONSchemaProps) -> int:
    own = sum(len(rule.rule) + len(rule.message_expression) for rule in schema.x_kubernetes_validations)
    return own + sum(_length(below) for below in within(schema))


class _Checker:
    def __init__(self, faults: Faults) -> None:
        self.faults, self.total = faults, 0
        self.dearest: list[tuple[int, str]] = []

    def whole(self, schema: JSONSchemaProps, path: str) -> None:
        self.schema(schema, schema, path, 1, "", whole=True)
        if self.total > SCHEMA_LIMIT:
            for _, where in sorted(self.dearest, key=lambda found: -found[0])[:4]:
                self.faults.forbidden(where, CONTRIBUTED)
            name = "x-kubernetes-validations estimated rule & messageExpression cost total for entire OpenAPIv3 schema"
            self.faults.forbidden(path, _too_dear(name, self.total, SCHEMA_LIMIT))

    def schema(
        self,
        schema: JSONSchemaProps,
        structure: JSONSchemaProps,
        path: str,
        count: int | None,
        lost: str,
        *,
        whole: bool = False,
    ) -> None:
        """`count`: how often there may be such a value, None without bound. `lost`: the part of the schema within which
        a value is not found again after a change."""
        whole = whole or structure.x_kubernetes_embedded_resource
        within = _times(count, structure)
        atomic = structure.x_kubernetes_map_type == "atomic"
        more, held = schema.additional_properties, structure.additional_properties
        if isinstance(more, JSONSchemaProps) and isinstance(held, JSONSchemaProps):
            here = f"{path}.additionalProperties"
            self.schema(more, held, here, within, lost or (here if atomic else ""))
        for name, below in schema.properties.items():
            if (known := structure.properties.get(name)) is not None:
                here = f"{path}.properties[{name}]"
                self.schema(below, known, here, within, lost or (here if atomic else ""))
        if isinstance(schema.items, JSONSchemaProps) and isinstance(structure.items, JSONSchemaProps):
            here = f"{path}.items"
            found = structure.x_kubernetes_list_type == "map"
            self.schema(schema.items, structure.items, here, within, lost or ("" if found else here))
        for at, part in enumerate(schema.all_of):
            self.schema(part, structure, f"{path}.allOf[{at}]", count, lost, whole=whole)
        if schema.x_kubernetes_validations:
            self._rules(schema.x_kubernetes_validations, structure, path, count, lost, whole)

    def _rules(
        self,
        rules: tuple[ValidationRule, ...],
        structure: JSONSchemaProps,
        path: str,
        count: int | None,
        lost: str,
        whole: bool,
    ) -> None:
        type_ = declared(structure, "selfType", whole=whole)
        if type_ is None:
            self.faults.tell("InternalError", UNTYPED, f"{path}.x-kubernetes-validations")
            return
        for at, rule in enumerate(rules):
            self._rule(compiled(rule, type_), type_, f"{path}.x-kubernetes-validations[{at}]", count, lost)

    def _rule(self, made: Compiled, type_: Type, here: str, count: int | None, lost: str) -> None:
        faults, rule = self.faults, made.rule
        if made.program is not None:
            often = count if count is not None else cardinality(type_)
            self._cost("estimated rule cost", f"{here}.rule", min(made.program.cost.most * often, UNBOUNDED))
        if made.error:
            faults.tell("FieldValueInvalid", f"Invalid value: {_go(rule)}: {made.error}", f"{here}.rule")
        if made.message_error:
            faults.tell("FieldValueInvalid", f"Invalid value: {_go(rule)}: {made.message_error}", f"{here}.messageExpression")
        elif made.message is not None:
            self._cost("estimated messageExpression cost", f"{here}.messageExpression", made.message.cost.most)
        if made.uses_old and lost:
            words = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
            faults.invalid(f"{here}.rule", rule.rule, words)
        elif made.program is not None and not made.uses_old and rule.optional_old_self is not None:
            faults.invalid(f"{here}.optionalOldSelf", rule.optional_old_self, "may not be set if oldSelf is not used in rule")

    def _cost(self, name: str, where: str, cost: int) -> None:
        self.total = min(self.total + cost, UNBOUNDED)
        if cost > RULE_LIMIT:
            self.faults.forbidden(where, _too_dear(name, cost, RULE_LIMIT))
        if cost >= SCHEMA_LIMIT // 100:
            self.dearest.append((cost, where))


def _times(count: int | None, schema: JSONSchemaProps) -> int | None:
    """How often there may be a value within one that there may be so often."""
    most: int | None = 1
    if schema.type == "object" and isinstance(schema.additional_properties, JSONSchemaProps):
        most = schema.max_properties
    elif schema.type == "array":
        most = schema.max_items
    return None if count is None or most is None else min(count * max(most, 0), UNBOUNDED)


def _too_dear(name: str, cost: int, limit: int) -> str:
    factor = cost / limit
    times = "more than 100x" if factor > 100 else f"{factor:.6f}x" if factor < 1.5 else f"{factor:.1f}x"
    return (
        f"{name} exceeds budget by factor of {times} (try simplifying the rule, or adding maxItems, maxProperties, and "
        "maxLength where arrays, maps, and strings are declared)"
    )


def _go(rule: ValidationRule) -> str:
    """A rule as Go prints it in a message."""

    def pointer(type_: str, value: Any) -> str:
        return f"(*{type_})({'nil' if value is None else '0xc000000000'})"

    return (
        f"apiextensions.ValidationRule{{Rule:{shown(rule.rule)}, Message:{shown(rule.message)}, "
        f"MessageExpression:{shown(rule.message_expression)}, "
        f"Reason:{pointer('apiextensions.FieldValueErrorReason', rule.reason)}, FieldPath:{shown(rule.field_path)}, "
        f"OptionalOldSelf:{pointer('bool', rule.optional_old_self)}}}"
    )
