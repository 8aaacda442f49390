"""Validating policies: expressions that must hold of what is to be done.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

import re

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column
from shipslog.engine.kinds.conditions import check_conditions
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.admissionregistration_v1 import AuditAnnotation, ValidatingAdmissionPolicy, Validation

from .policies import Expression, PolicyRules, check_expression

REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
MOST_ANNOTATIONS, LONGEST_ANNOTATION = 20, 5 * 1024
NOTHING = "validations or auditAnnotations must contain at least one item"
has_newline = re.compile(r"[\n\r]").search


class ValidatingAdmissionPolicyRules(PolicyRules):
    about = "Expressions that must hold of what is to be done, where a binding says so."
    counted = "validations"
    columns = (
        NAME,
        Column("Validations", "How many expressions must hold.", "integer"),
        Column("ParamKind", "The kind of its parameters."),
        AGE,
    )

    def create(self, kind: Kind, obj: ValidatingAdmissionPolicy, ctx: Admission) -> ValidatingAdmissionPolicy:
        made: ValidatingAdmissionPolicy = super().create(kind, obj, ctx)
        return _type_checked(made, ctx)

    def update(
        self, kind: Kind, old: ValidatingAdmissionPolicy, new: ValidatingAdmissionPolicy, subresource: str, ctx: Admission
    ) -> ValidatingAdmissionPolicy:
        made: ValidatingAdmissionPolicy = super().update(kind, old, new, subresource, ctx)
        return _type_checked(made, ctx) if made.spec != old.spec else made

    def check_own(self, faults: Faults, obj: ValidatingAdmissionPolicy) -> None:
        spec = obj.spec
        if not spec.validations and not spec.audit_annotations:
            faults.required("spec.validations", NOTHING)
            faults.required("spec.auditAnnotations", NOTHING)
        for i, validation in enumerate(spec.validations):
            _check_validation(faults, validation, f"spec.validations[{i}]")
        if len(spec.audit_annotations) > MOST_ANNOTATIONS:
            words = f"must not have more than {MOST_ANNOTATIONS} auditAnnotations"
            faults.invalid("spec.auditAnnotations", spec.audit_annotations, words)
        seen: set[str] = set()
        for i, annotation in enumerate(spec.audit_annotations):
            _check_annotation(faults, obj.metadata.name, annotation, f"spec.auditAnnotations[{i}]")
            if annotation.key in seen:
                faults.duplicate(f"spec.auditAnnotations[{i}].key", annotation.key)
            seen.add(annotation.key)

    def expressions(self, obj: ValidatingAdmissionPolicy) -> list[Expression]:
        found: list[Expression] = []
        for i, validation in enumerate(obj.spec.validations):
            found.append((f"spec.validations[{i}].expression", validation.expression, ("bool",)))
            if validation.message_expression:
                found.append((f"spec.validations[{i}].messageExpression", validation.message_expression, ("string",)))
        for i, annotation in enumerate(obj.spec.audit_annotations):
            found.append((f"spec.auditAnnotations[{i}].valueExpression", annotation.value_expression, ("string", "null")))
        return found

    def check_status(self, faults: Faults, old: ValidatingAdmissionPolicy, new: ValidatingAdmissionPolicy) -> None:
        checking = new.status.type_checking
        for i, warning in enumerate(() if checking is None else checking.expression_warnings):
            at = f"status.typeChecking.expressionWarnings[{i}]"
            if not warning.warning:
                faults.required(f"{at}.warning")
            if not warning.field_ref.strip():
                faults.required(f"{at}.fieldRef")
        check_conditions(faults, new.status.conditions, "status.conditions")


def _type_checked(obj: ValidatingAdmissionPolicy, ctx: Admission) -> ValidatingAdmissionPolicy:
    """A policy that says in its status what it gets wrong about the types of objects. It is found out when it is written; in
    Kubernetes a controller does so a moment later."""
    from .type_checking import type_checked  # with all that expressions need

    found = type_checked(obj.spec, ctx.view.scheme)
    status = replace(obj.status, observed_generation=obj.metadata.generation, type_checking=found)
    return replace(obj, status=status)


def _check_validation(faults: Faults, validation: Validation, path: str) -> None:
    check_expression(faults, validation.expression, f"{path}.expression")
    if validation.message_expression and not validation.message_expression.strip():
        faults.invalid(f"{path}.messageExpression", validation.message_expression, "must be non-empty if specified")
    message = validation.message.strip()
    if validation.message and not message:
        faults.invalid(f"{path}.message", validation.message, "message must be non-empty if specified")
    elif has_newline(message):
        faults.invalid(f"{path}.message", validation.message, "message must not contain line breaks")
    if validation.reason is not None and validation.reason not in REASONS:
        faults.not_supported(f"{path}.reason", validation.reason, REASONS)


def _check_annotation(faults: Faults, policy: str, annotation: AuditAnnotation, path: str) -> None:
    if policy:
        key = f"{policy}/{annotation.key}"
        faults.invalid_each(f"{path}.key", key, names.qualified(key))
    else:
        faults.invalid(f"{path}.key", annotation.key, "requires metadata.name be non-empty")
    check_expression(faults, annotation.value_expression, f"{path}.valueExpression")
    if len(annotation.value_expression.strip()) > LONGEST_ANNOTATION:
        faults.required(f"{path}.valueExpression", f"must not exceed {LONGEST_ANNOTATION} bytes in length")


STRATEGY = ValidatingAdmissionPolicyRules()
