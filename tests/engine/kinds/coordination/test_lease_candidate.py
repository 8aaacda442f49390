"""Candidates for a lease: what they mean where they say nothing, and what they may not say."""

from typing import Any

import pytest


def body(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "spec": {"leaseName": "l", "binaryVersion": "1.37.0", **parts}}


def test_the_oldest_is_chosen(world: Any, refused: Any) -> None:
    made = world.create("leasecandidates", body(emulationVersion="1.36.0"))
    assert made.spec.strategy == "OldestEmulationVersion"
    assert refused(world.change, made, spec={"leaseName": "m"}) == {"FieldValueInvalid spec.leaseName"}


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"leaseName": ""}, "Required spec.leaseName"),
        ({"binaryVersion": ""}, "Required spec.binaryVersion"),
        ({"binaryVersion": "1.37"}, "Invalid spec.binaryVersion"),
        ({"emulationVersion": "v1"}, "Invalid spec.emulationVersion"),
        ({"emulationVersion": "1.38.0"}, "Invalid spec.binaryVersion"),
        ({"strategy": "Newest"}, "NotSupported spec.strategy"),
    ],
)
def test_what_a_candidate_may_not_say(world: Any, refused: Any, parts: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "leasecandidates", body(**parts)) == {f"FieldValue{cause}"}
