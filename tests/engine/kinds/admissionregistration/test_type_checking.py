"""Types of the objects that policies name: what an expression gets wrong about them is a warning."""

from typing import Any

from shipslog.engine.kinds.admissionregistration.type_checking import type_checked
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types.admissionregistration_v1 import ValidatingAdmissionPolicySpec
from shipslog.store.objects.wire import codec

RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}


def warnings(*expressions: str, rules: Any = (RULE,), **spec: Any) -> list[tuple[str, str]]:
    held = {"matchConstraints": {"resourceRules": list(rules)}, "validations": [{"expression": e} for e in expressions]} | spec
    made = type_checked(codec.from_builtins(ValidatingAdmissionPolicySpec, held)[0], BUILTIN)
    return [(w.field_ref, w.warning) for w in made.expression_warnings]


def test_what_is_not_there_is_told_with_its_place() -> None:
    assert warnings("object.spec.replicas > 1", "object.replicas > 1") == [
        (
            "spec.validations[1].expression",
            "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^",
        )
    ]


def test_types_of_fields_are_known() -> None:
    assert (
        warnings(
            "object.spec.template.spec.containers.all(c, c.image.startsWith('x') && c.ports.all(p, p.containerPort > 1))",
            "object.metadata.labels['a'] == 'b' && object.metadata.creationTimestamp < timestamp('2030-01-01T00:00:00Z')",
        )
        == []
    )
    assert len(warnings("object.spec.replicas == 'x'", "object.spec.template.spec.containers[0].nothing == ''")) == 2


def test_variables_and_parameters_have_types_too() -> None:
    variables = [{"name": "n", "expression": "object.spec.replicas"}]
    assert warnings("variables.n > 1", variables=variables) == []
    assert "applied to '(int, string)'" in warnings("variables.n == 'x'", variables=variables)[0][1]
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert "undefined field 'nothing'" in warnings("params.nothing == 'x'", paramKind=kind)[0][1]


def test_each_kind_is_looked_at_and_what_any_may_be_is_not() -> None:
    both = {**RULE, "resources": ["deployments", "statefulsets"]}
    [(_, text)] = warnings("object.spec.nothing == 1", rules=[both])
    assert text.count("undefined field 'nothing'") == 2 and "Kind=StatefulSet" in text
    assert warnings("object.spec.nothing == 1", rules=[{**RULE, "resources": ["*"]}]) == []
