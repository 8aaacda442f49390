"""Roles and bindings: rules, subjects, references."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

GROUP = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("plural", "rule", "wrong"),
    [
        ("roles", {"verbs": [], "apiGroups": [""], "resources": ["pods"]}, "Required rules[0].verbs"),
        ("roles", {"verbs": ["get"], "resources": ["pods"]}, "Required rules[0].apiGroups"),
        ("roles", {"verbs": ["get"], "nonResourceURLs": ["/"]}, "Invalid rules[0].nonResourceURLs"),
        ("clusterroles", {"verbs": ["get"], "apiGroups": [""]}, "Required rules[0].resources"),
        ("clusterroles", {"verbs": ["get"], "apiGroups": [""], "nonResourceURLs": ["/"]}, "Invalid rules[0].nonResourceURLs"),
    ],
)
def test_what_a_rule_must_say(world: Any, refused: Any, plural: str, rule: dict[str, Any], wrong: str) -> None:
    made = {"metadata": {"name": "system:x"}, "rules": [rule]}
    assert refused(world.create, plural, made) == {f"FieldValue{wrong}"}


def test_a_binding_is_completed_and_keeps_its_role(world: Any, refused: Any) -> None:
    subjects = [{"kind": "User", "name": "a"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]
    made = world.create(
        "rolebindings", {"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects}
    )
    assert made.role_ref.api_group == GROUP and [s.api_group for s in made.subjects] == [GROUP, ""]
    cells = strategy_of(f"rolebindings.{GROUP}").cells(made, NOW_NS)
    assert cells == ["x", "Role/r", "0s", "a", "", "n/s"]
    assert refused(world.change, made, roleRef={"name": "other"}) == {"FieldValueInvalid roleRef"}


def test_who_cannot_be_bound(world: Any, refused: Any) -> None:
    ref = {"kind": "ClusterRole", "name": "r"}
    body = {"metadata": {"name": "x"}, "roleRef": ref, "subjects": [{"kind": "ServiceAccount", "name": "s"}, {"kind": "Robot"}]}
    assert refused(world.create, "clusterrolebindings", body) == {
        "FieldValueRequired subjects[0].namespace",
        "FieldValueRequired subjects[1].name",
        "FieldValueNotSupported subjects[1].kind",
    }
    assert refused(world.create, "clusterrolebindings", {**body, "subjects": [], "roleRef": {"kind": "Role", "name": "r"}}) == {
        "FieldValueNotSupported roleRef.kind",
    }


def test_a_role_of_others(world: Any, refused: Any) -> None:
    together = {"metadata": {"name": "x"}, "aggregationRule": {"clusterRoleSelectors": []}}
    assert refused(world.create, "clusterroles", together) == {
        "FieldValueRequired aggregationRule.clusterRoleSelectors",
    }
