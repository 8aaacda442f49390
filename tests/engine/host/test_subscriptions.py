"""What is worked out once for each kind of object and of fact is what each rule would say by itself."""

import msgspec
import pytest

from shipslog.engine.host.subscriptions import Subscriptions
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.facts import (
    AnyFact,
    ImagePulled,
    NodeObserved,
    ObjectCreated,
    RulesetApplied,
    SandboxRemoved,
    SandboxStarted,
)
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Scheme
from shipslog.store.objects.types import core_v1


def made(resource: str) -> ObjectCreated:
    return ObjectCreated(resource=resource, namespace="", name="one", uid="u", object=msgspec.Raw(b"{}"))


FACTS: list[AnyFact] = [
    NodeObserved(node="n"),
    ImagePulled(node="n", image="i", image_id="d"),
    RulesetApplied(node="n", digest="d", services=0),
    SandboxStarted(node="n", pod_uid="u", sandbox_id="s", ip="10.0.0.1"),
    SandboxRemoved(node="n", pod_uid="u"),
    made("crontabs.example.com"),
]


@pytest.mark.parametrize("fact", [*FACTS, *(made(kind.resource) for kind in BUILTIN.kinds())], ids=lambda f: type(f).__name__)
def test_all_rules_together_say_what_each_says(fact: AnyFact) -> None:
    alone = [(one.name, one.wakes.sources_of(fact, BUILTIN)) for one in ALL]
    together = Subscriptions((one.name, one.wakes) for one in ALL)
    for _ in range(2):  # worked out, and remembered
        assert together.of(fact, BUILTIN) == [(name, sources) for name, sources in alone if sources]


def test_a_kind_that_goes_concerns_nobody_any_more() -> None:
    wakes = rule(core_v1.ConfigMap)
    subscriptions = Subscriptions([("mine", wakes)])
    assert [name for name, _ in subscriptions.of(made("configmaps"), BUILTIN)] == ["mine"]
    assert subscriptions.of(made("configmaps"), Scheme(())) == []
    assert [name for name, _ in subscriptions.of(made("configmaps"), BUILTIN)] == ["mine"]
