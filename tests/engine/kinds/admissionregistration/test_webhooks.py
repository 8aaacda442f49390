"""Configurations of webhooks: what they mean where they say nothing, and what they may not say."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

PLURALS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def hook(**parts: Any) -> dict[str, Any]:
    usual = {
        "name": "a.b.example",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"service": {"name": "s", "namespace": "n"}},
        "rules": [RULE],
    }
    return {**usual, **parts}


def body(*hooks: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "webhooks": list(hooks)}


@pytest.mark.parametrize("plural", PLURALS)
def test_a_webhook_is_completed_and_counted(world: Any, plural: str) -> None:
    made = world.create(plural, body(hook()))
    (found,) = made.webhooks
    assert (found.failure_policy, found.match_policy, found.timeout_seconds) == ("Fail", "Equivalent", 10)
    assert found.client_config.service.port == 443 and found.rules[0].scope == "*" and found.namespace_selector is not None
    assert made.metadata.generation == 1
    assert world.change(made, metadata={"labels": {"a": "b"}}).metadata.generation == 1
    assert world.change(made, webhooks=[hook(timeoutSeconds=5)]).metadata.generation == 2
    assert strategy_of(f"{plural}.admissionregistration.k8s.io").cells(made, NOW_NS) == ["x", 1, "0s"]


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"name": "short.example"}, "Invalid webhooks[0].name"),
        ({"admissionReviewVersions": []}, "Required webhooks[0].admissionReviewVersions"),
        ({"admissionReviewVersions": ["v9"]}, "Invalid webhooks[0].admissionReviewVersions"),
        ({"sideEffects": None}, "Required webhooks[0].sideEffects"),
        ({"sideEffects": "Some"}, "NotSupported webhooks[0].sideEffects"),
        ({"timeoutSeconds": 31}, "Invalid webhooks[0].timeoutSeconds"),
        ({"clientConfig": {}}, "Required webhooks[0].clientConfig"),
        ({"clientConfig": {"url": "http://a.example"}}, "Invalid webhooks[0].clientConfig.url"),
        ({"clientConfig": {"url": "https://a.example/?b"}}, "Invalid webhooks[0].clientConfig.url"),
        ({"clientConfig": {"service": {"name": "s"}}}, "Required webhooks[0].clientConfig.service.namespace"),
        (
            {"clientConfig": {"service": {"name": "s", "namespace": "n", "path": "x"}}},
            "Invalid webhooks[0].clientConfig.service.path",
        ),
        ({"rules": [{**RULE, "operations": ["*", "CREATE"]}]}, "Invalid webhooks[0].rules[0].operations"),
        ({"rules": [{**RULE, "operations": ["LOOK"]}]}, "NotSupported webhooks[0].rules[0].operations[0]"),
        ({"rules": [{**RULE, "resources": ["*", "pods"]}]}, "Invalid webhooks[0].rules[0].resources"),
        ({"matchConditions": [{"name": "a", "expression": " "}]}, "Required webhooks[0].matchConditions[0].expression"),
    ],
)
def test_what_a_webhook_may_not_say(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    for plural in PLURALS:
        assert refused(world.create, plural, body(hook(**wrong))) == {f"FieldValue{cause}"}


def test_conditions_have_so_many_characters_together(world: Any, refused: Any) -> None:
    conditions = [{"name": f"c{at}", "expression": "true || " * 500 + "true"} for at in range(10)]
    long = body(*(hook(name=f"{at}.of.example.com", matchConditions=conditions) for at in range(2)))
    assert refused(world.create, PLURALS[0], long) == {"FieldValueForbidden webhooks"}


def test_webhooks_have_names_of_their_own(world: Any, refused: Any) -> None:
    assert refused(world.create, PLURALS[0], body(hook(), hook())) == {"FieldValueDuplicate webhooks[1].name"}
