"""Rules in CEL that a schema has (`x-kubernetes-validations`): compiled along the schema, and run along a value.

What did not change is not held to a rule that does not look at what was. Source: apiextensions-apiserver's schema/cel
(compilation and validation), by its behaviour and its words.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from msgspec import Struct

from shipslog.engine.cel.program import CompileError, Environment, Outcome, Program, compile_
from shipslog.engine.cel.types import Type, optional
from shipslog.engine.cel.values import NONE, Maybe
from shipslog.engine.kinds.expressions import functions
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.time.long_work import TakesLong, on_loop
from shipslog.runtime.machine.threads import heard, in_fresh_thread
from shipslog.store.objects.fields.structural import child
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps, ValidationRule

from .declared import Reader, declared, reader
from .validation import MISSING, keys_of

SHORT_BUDGET = 20_000  # units on the loop, some ten milliseconds: what costs more is worked out in a thread
UNITS_A_CHARACTER = 10  # of the time in which a unit is worked out: compiling a rule takes so many
OBJECT_BUDGET = 10_000_000  # units of all rules of one object; celconfig.RuntimeCELCostBudget
MESSAGE_BYTES = 5 * 1024  # of what a messageExpression comes to
MISMATCH = "call arguments did not match a supported operator, function or macro signature"
NO_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


class Compiled(Struct):
    """A rule, or what is wrong with it, in Kubernetes' words."""

    rule: ValidationRule
    program: Program | None = None
    error: str = ""
    message: Program | None = None
    message_error: str = ""

    @property
    def uses_old(self) -> bool:
        return self.program is not None and "oldSelf" in self.program.uses


def compiled(rule: ValidationRule, type_: Type) -> Compiled:
    """A rule of values of a type."""
    old = optional(type_) if rule.optional_old_self else type_
    environment = Environment({"self": type_, "oldSelf": old}, functions())
    made = Compiled(rule)
    try:
        made.program = compile_(rule.rule, environment)
        if made.program.type.kind != "bool":
            made.program, made.error = None, "cel expression must evaluate to a bool"
    except CompileError as error:
        made.error = f"compilation failed: {error}"
    if made.program is not None and rule.message_expression:
        try:
            made.message = compile_(rule.message_expression, environment)
            if made.message.type.kind != "string":
                made.message, made.message_error = None, "messageExpression must evaluate to a string"
        except CompileError as error:
            made.message_error = f"messageExpression compilation failed: {error}"
    return made


class Rules:
    """The rules of a schema and of those within. They are compiled when the first value comes."""

    def __init__(self, schema: JSONSchemaProps, structure: JSONSchemaProps, *, whole: bool = False) -> None:
        """`structure`: what says of which type values are; the schema itself, but for those of `allOf`."""
        self.schema, self.structure, self._whole = schema, structure, whole
        self.properties: dict[str, Rules] = {}
        for name, below in schema.properties.items():
            held = structure.properties.get(name)
            if held is not None and (made := rules_of(below, held)) is not None:
                self.properties[name] = made
        self.items = _below(schema.items, structure.items)
        self.additional = _below(schema.additional_properties, structure.additional_properties)
        self.all_of = [made for part in schema.all_of if (made := rules_of(part, structure, whole=whole)) is not None]

    @property
    def empty(self) -> bool:
        inner = self.properties or self.items or self.additional or self.all_of
        return not inner and not self.schema.x_kubernetes_validations

    @cached_property
    def compiled(self) -> list[Compiled]:
        type_ = declared(self.structure, "selfType", whole=self._whole)
        if type_ is None:
            return []
        return [compiled(rule, type_) for rule in self.schema.x_kubernetes_validations if rule.rule.strip()]

    @property
    def takes(self) -> int:
        """The units in whose time the rules here are compiled; none once they are."""
        if "compiled" in self.__dict__:
            return 0
        return (
            sum(len(rule.rule) + len(rule.message_expression) for rule in self.schema.x_kubernetes_validations)
            * UNITS_A_CHARACTER
        )

    @cached_property
    def read(self) -> Reader | None:
        return reader(self.structure, whole=self._whole)

    @cached_property
    def looks_back(self) -> bool:
        """Whether a rule here or within looks at what was."""
        texts = (rule.rule + rule.message_expression for rule in self.schema.x_kubernetes_validations)
        return any("oldSelf" in text for text in texts) or any(part.looks_back for part in self._parts())

    def _parts(self) -> "Iterator[Rules]":
        yield from self.properties.values()
        yield from self.all_of
        if self.items is not None:
            yield self.items
        if self.additional is not None:
            yield self.additional


def rules_of(schema: JSONSchemaProps, structure: JSONSchemaProps, *, whole: bool = False) -> Rules | None:
    """None where neither the schema nor one within has rules."""
    made = Rules(schema, structure, whole=whole or structure.x_kubernetes_embedded_resource)
    return None if made.empty else made


def _below(schema: Any, structure: Any) -> Rules | None:
    if isinstance(schema, JSONSchemaProps) and isinstance(structure, JSONSchemaProps):
        return rules_of(schema, structure)
    return None


def check(faults: Faults, rules: Rules, value: Any, old: Any = MISSING, path: str = "") -> None:
    """What is wrong with a value by its rules. `old`: as it was. Not for values that are wrong by their schema."""
    _Run(faults).value(rules, value, old, path, unchanged=old is not MISSING and value == old)


class _Run:
    """One walk over a value. It ends when the budget is spent."""

    def __init__(self, faults: Faults) -> None:
        self.faults, self.budget = faults, OBJECT_BUDGET
        self._short = SHORT_BUDGET if on_loop() else None

    def _run(self, program: Program, seen: dict[str, Any]) -> Outcome:
        """Errors: TakesLong, on the loop alone."""
        if self._short is None:
            return program.run(seen)
        outcome = program.run(seen, self._short)
        self._short -= outcome.cost
        if outcome.exceeded or self._short <= 0:
            raise TakesLong
        return outcome

    def _ahead(self, rules: Rules, takes: int) -> None:
        """On the loop, before rules are compiled: long ones are so in a thread, also for who comes again without one.
        Errors: TakesLong."""
        assert self._short is not None
        self._short -= takes
        if self._short <= 0:
            in_fresh_thread(lambda: rules.compiled).add_done_callback(partial(heard, "rules of a schema"))
            raise TakesLong

    def value(self, rules: Rules, value: Any, old: Any, path: str, *, unchanged: bool) -> None:
        """`old`: MISSING where nothing was there that this can be said to have been. `unchanged`: it, or the nearest around it
        that can be found again, is as it was."""
        if value is None or self.budget < 0 or (unchanged and not rules.looks_back):
            return
        if self._short is not None and (takes := rules.takes):
            self._ahead(rules, takes)
        if rules.compiled:
            self._expressions(rules, value, old, path, unchanged)
        for part in rules.all_of:
            self.value(part, value, old, path, unchanged=False)
        if isinstance(value, list | tuple) and rules.items is not None:
            self._items(rules, rules.items, value, old, path, unchanged)
        elif isinstance(value, Mapping):
            self._members(rules, value, old, path, unchanged)

    def _items(self, rules: Rules, items: Rules, value: Any, old: Any, path: str, unchanged: bool) -> None:
        structure = rules.structure
        before: dict[str, Any] = {}
        if structure.x_kubernetes_list_type == "map" and isinstance(old, list | tuple):
            before = {repr(sorted(keys_of(structure, item).items())): item for item in old}
        for at, held in enumerate(value):
            was = MISSING
            if before:
                was = before.get(repr(sorted(keys_of(structure, held).items())), MISSING)
            same = held == was if was is not MISSING else unchanged
            self.value(items, held, was, f"{path}[{at}]", unchanged=same)

    def _members(self, rules: Rules, value: Mapping[str, Any], old: Any, path: str, unchanged: bool) -> None:
        atomic = rules.structure.x_kubernetes_map_type == "atomic"
        for name, held in value.items():
            below, here = rules.properties.get(name), f"{path}.{name}" if path else name
            if below is None and rules.additional is not None and child(rules.structure, name) is not None:
                below, here = rules.additional, f"{path}[{name}]"
            if below is None:
                continue
            was = old.get(name, MISSING) if isinstance(old, Mapping) and not atomic else MISSING
            same = held == was if was is not MISSING else unchanged
            self.value(below, held, was, here, unchanged=same)

    def _expressions(self, rules: Rules, value: Any, old: Any, path: str, unchanged: bool) -> None:
        read = rules.read
        seen: dict[str, Any] = {"self": read(value) if read is not None else value}
        before = read(old) if read is not None and old is not MISSING else old
        if old is not MISSING:
            seen["oldSelf"] = before
        maybe = {"self": seen["self"], "oldSelf": Maybe(before) if old is not MISSING else NONE}
        for rule in rules.compiled:
            optional_ = bool(rule.rule.optional_old_self)
            if rule.program is None:
                self._invalid(rules, path, f"rule compile error: {rule.error}")
            elif (rule.uses_old and old is MISSING and not optional_) or (unchanged and not rule.uses_old):
                continue
            elif not self._holds(rules, rule, maybe if optional_ else seen, path):
                self._failed(rules, rule, maybe if optional_ else seen, path)
            if self.budget < 0:
                return

    def _holds(self, rules: Rules, rule: Compiled, seen: dict[str, Any], path: str) -> bool:
        """Whether the rule holds, or what hindered it has been told."""
        assert rule.program is not None
        outcome = self._run(rule.program, seen)
        label = rule.rule.message.strip() or rule.rule.rule.strip()
        if outcome.cost > self.budget:
            self.budget = -1
            self._invalid(rules, path, NO_BUDGET)
            return True
        self.budget -= outcome.cost
        if outcome.error is None:
            return outcome.value is True
        if outcome.exceeded:
            why = f"'{outcome.error}': no further validation rules will be run due to call cost exceeds limit for rule: {label}"
            self.budget = -1
        elif outcome.error.startswith("no such overload"):
            why = f"'{outcome.error}': {MISMATCH} for rule: {label}"
        else:
            why = f"{outcome.error} evaluating rule: {label}"
        self._invalid(rules, path, why)
        return True

    def _failed(self, rules: Rules, rule: Compiled, seen: dict[str, Any], path: str) -> None:
        detail = self._message(rules, rule, seen, path)
        if detail is None:
            return
        if rule.rule.field_path:
            own = rule.rule.field_path.strip().removeprefix(".")
            path = f"{path}{'' if own.startswith('[') or not path else '.'}{own}"
        field, shown = path or "<nil>", f'"{rules.structure.type}"'
        match rule.rule.reason:
            case "FieldValueForbidden":
                self.faults.forbidden(field, detail)
            case "FieldValueRequired":
                self.faults.required(field, detail)
            case "FieldValueDuplicate":
                self.faults.tell("FieldValueDuplicate", f"Duplicate value: {shown}", field)
            case _:
                self.faults.tell("FieldValueInvalid", f"Invalid value: {shown}: {detail}", field)

    def _message(self, rules: Rules, rule: Compiled, seen: dict[str, Any], path: str) -> str | None:
        """What to say of a rule that does not hold; None where its message cost more than was left, which has been told."""
        plain = rule.rule.message.strip() or f"failed rule: {rule.rule.rule.strip()}"
        if rule.message is None:
            return plain
        outcome, text = self._run(rule.message, seen), rule.rule.message_expression
        if outcome.cost > self.budget:
            why = (
                "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run"
            )
        elif outcome.exceeded:
            why = f'no further validation rules will be run due to call cost exceeds limit for messageExpression: "{text}"'
        else:
            self.budget -= outcome.cost
            made = outcome.value.strip() if isinstance(outcome.value, str) else ""
            return made if made and "\n" not in made and len(made.encode()) <= MESSAGE_BYTES else plain
        self.budget = -1
        self._invalid(rules, path, why)
        return None

    def _invalid(self, rules: Rules, path: str, why: str) -> None:
        self.faults.tell("FieldValueInvalid", f'Invalid value: "{rules.structure.type}": {why}', path or "<nil>")
