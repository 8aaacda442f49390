"""Addresses and ranges of them: what they may not say, and how they are shown."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

PARENT = {"resource": "services", "namespace": "ns", "name": "s"}


def address(name: str = "10.96.0.10", ref: Any = PARENT) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"parentRef": ref}}


def test_an_address_says_who_holds_it(world: Any, refused: Any) -> None:
    made = world.create("ipaddresses", address())
    assert strategy_of("ipaddresses.networking.k8s.io").cells(made, NOW_NS) == ["10.96.0.10", "services/ns/s", "0s"]
    assert refused(world.change, made, spec={"parentRef": {"name": "t"}}) == {"FieldValueInvalid spec.parentRef"}


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        (address("10.96.0.010"), {"Invalid metadata.name"}),
        (address("2001:DB8::1"), {"Invalid metadata.name"}),
        (address(ref=None), {"Required spec.parentRef"}),
        (address(ref={}), {"Required spec.parentRef.resource", "Required spec.parentRef.name"}),
        (address(ref={**PARENT, "group": "A"}), {"Invalid spec.parentRef.group"}),
        (address(ref={**PARENT, "name": "a/b"}), {"Invalid spec.parentRef.name"}),
    ],
)
def test_what_an_address_may_not_say(world: Any, refused: Any, body: dict[str, Any], causes: set[str]) -> None:
    assert refused(world.create, "ipaddresses", body) == {f"FieldValue{cause}" for cause in causes}


def cidrs(*given: str) -> dict[str, Any]:
    return {"metadata": {"name": "r"}, "spec": {"cidrs": list(given)}}


def test_a_range_is_shown_and_stays(world: Any, refused: Any) -> None:
    made = world.create("servicecidrs", cidrs("10.0.0.0/24", "2001:db8::/112"))
    assert strategy_of("servicecidrs.networking.k8s.io").cells(made, NOW_NS) == ["r", "10.0.0.0/24,2001:db8::/112", "0s"]
    assert refused(world.change, made, spec={"cidrs": ["10.0.0.0/24"]}) == {"FieldValueInvalid spec.cidrs"}


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ((), "Required spec.cidrs"),
        (("10.0.0.0/24",) * 3, "Invalid spec.cidrs"),
        (("10.0.0.0/24", "10.0.1.0/24"), "Invalid spec.cidrs"),
        (("10.0.0.0",), "Invalid spec.cidrs[0]"),
        (("10.0.0.1/24",), "Invalid spec.cidrs[0]"),
        (("2001:DB8::/112",), "Invalid spec.cidrs[0]"),
    ],
)
def test_what_a_range_may_not_say(world: Any, refused: Any, given: tuple[str, ...], cause: str) -> None:
    assert refused(world.create, "servicecidrs", cidrs(*given)) == {f"FieldValue{cause}"}
