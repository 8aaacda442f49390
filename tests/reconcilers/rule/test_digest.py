"""A digest is of what commands mean: a field that was added since, and says nothing, does not change it."""

import msgspec
import pytest

from shipslog.reconcilers.rule.digest import digest
from shipslog.runtime.commands import AnyRuntimeCommand, ApplyRuleset, Ruleset, Security, StartContainer
from shipslog.store.commands import Bind, Delete


class Later(StartContainer, frozen=True, kw_only=True, tag="StartContainer"):
    """StartContainer as a later version may have it, under another name and with more fields."""

    restart_policy: str = ""
    limits: dict[str, str] = {}
    devices: tuple[str, ...] = ()


START = {"node": "n", "pod_uid": "u", "namespace": "s", "name": "p", "container": "c", "attempt": 0, "image": "i"}


@pytest.mark.parametrize("version", [2])
def test_a_field_that_was_added_and_has_its_default_changes_nothing(version: int) -> None:
    now, later = StartContainer(**START), Later(**START)  # type: ignore[arg-type]
    assert digest((now,), version) == digest((later,), version)
    said = msgspec.structs.replace(later, restart_policy="Always")
    assert digest((later,), version) != digest((said,), version)


def test_a_default_is_left_out_also_when_it_is_another_object_of_the_same_value() -> None:
    plain = StartContainer(**START)  # type: ignore[arg-type]
    spelt = msgspec.structs.replace(
        plain, oom_score_adj=int("1000"), termination_message_path="/dev/" + "termination-log".lower(), security=Security()
    )
    assert digest((plain,)) == digest((spelt,))


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_said_and_its_order_count(version: int) -> None:
    one, two = Bind(namespace="s", name="a", node="n"), Bind(namespace="s", name="b", node="n")
    assert digest((one, two), version) != digest((two, one), version)
    assert digest((one,), version) != digest((Delete(resource="pods", namespace="s", name="a"),), version)
    rules: tuple[AnyRuntimeCommand, ...] = tuple(ApplyRuleset(node="n", ruleset=Ruleset(services={}, digest=d)) for d in "xy")
    assert digest(rules[:1], version) != digest(rules[1:], version), "a ruleset is known by its own digest"
