"""What becomes of a message that is one of many: a table of what Kubernetes' correlator does."""

from typing import Any

import msgspec
import pytest

from shipslog.engine.host import correlator
from shipslog.engine.host.correlator import BURST, COMBINED, REFILL_S, SIMILAR, SIMILAR_S, Correlator, Recorded
from shipslog.store.objects.types import core_v1

S = 1_000_000_000
POD = core_v1.ObjectReference(kind="Pod", namespace="default", name="p", uid="u", api_version="v1")
SAID = Recorded(POD, "Warning", "Failed", "m", "kubelet", "n1", S)


def said(message: str = "m", **changes: Any) -> Recorded:
    return msgspec.structs.replace(SAID, message=message, **changes)


def of_container(name: str) -> core_v1.ObjectReference:
    return msgspec.structs.replace(POD, field_path=f"spec.containers{{{name}}}")


def test_the_same_message_stays_itself_however_often() -> None:
    correlation = Correlator()
    assert len({correlation.combined(said())[0] for _ in range(50)}) == 1
    assert correlation.combined(said())[1].message == "m"


def test_from_the_tenth_message_on_one_stands_for_all() -> None:
    correlation = Correlator()
    first = [correlation.combined(said(f"m{i}")) for i in range(SIMILAR - 1)]
    assert [r.message for _, r in first] == [f"m{i}" for i in range(SIMILAR - 1)]
    later = [correlation.combined(said(f"m{i}")) for i in range(SIMILAR, 30)]
    assert len({key for key, _ in later}) == 1 and all(r.message.startswith(COMBINED) for _, r in later)
    assert correlation.combined(said("m0")) == first[0]


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "Other"},
        {"type": "Normal"},
        {"component": "scheduler"},
        {"host": "n2"},
        {"about": core_v1.ObjectReference(kind="Pod", namespace="default", name="q", uid="v")},
        {"at_ns": S + (SIMILAR_S + 1) * S},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_is_not_similar(other: dict[str, Any]) -> None:
    correlation = Correlator()
    for i in range(30):
        correlation.combined(said(f"m{i}"))
    assert correlation.combined(said("new", **other))[1].message == "new"


def test_a_component_may_write_a_burst_about_an_object_and_then_now_and_then() -> None:
    correlation = Correlator()
    assert [correlation.allows(said(reason=f"R{i}")) for i in range(BURST + 5)] == [True] * BURST + [False] * 5
    assert correlation.allows(said(component="scheduler"))
    assert not correlation.allows(said(about=of_container("c"))), "all parts of an object have one budget"
    assert not correlation.allows(said(at_ns=0)), "a clock that steps back gives nothing"
    later = [correlation.allows(said(at_ns=S + (REFILL_S + 1) * S)) for _ in range(2)]
    assert later == [True, False]


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlator, "REMEMBERED", 10)
    correlation = Correlator()
    for i in range(100):
        other = core_v1.ObjectReference(kind="Pod", name=f"p{i}", uid=str(i))
        correlation.combined(said(about=other))
        correlation.allows(said(about=other))
    assert len(correlation._similar) == len(correlation._budgets) == 10
