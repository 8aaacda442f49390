"""One line an event: what it says, and which are wanted."""

from typing import Any

import pytest

from shipslog.engine.chronicle.lines import Line
from shipslog.engine.chronicle.questions import Events
from shipslog.engine.chronicle.reader import Reader
from shipslog.engine.chronicle.subjects import Subject
from shipslog.store.refusals import BadRequest


async def told(reader: Reader, **wanted: Any) -> list[Line]:
    return [line async for line in Events(**wanted).answer(reader)]


async def test_every_event_is_a_line(reader: Reader) -> None:
    lines = await told(reader)
    assert [line.revision for line in lines] == list(range(1, reader.log.revision + 1))
    assert all(line.what for line in lines)
    assert {line.sort for line in lines} == {"objects", "decisions", "runtime", "engine"}


async def test_a_line_says_who_what_and_why(reader: Reader) -> None:
    (scaled,) = await told(reader, actor="bob", kind="rc")
    assert scaled.what == "modified replicationcontroller shop/web: spec.replicas: 2 -> 3"
    assert (scaled.effect, scaled.cause, scaled.changes) == (
        "modified",
        None,
        (("metadata.generation", 1, 2), ("spec.replicas", 2, 3)),
    )
    (deleted,) = await told(reader, actor="mallory")
    assert deleted.what == "deleted replicationcontroller shop/web"
    assert deleted.reason == "asked for: delete, by kubectl/v1.32.0 at 10.0.0.7"
    (third,) = [x for x in await told(reader, decisions=True, kind="rc", name="web") if "of 3" in x.reason]
    assert third.what.startswith("decided on replicationcontroller shop/web: Create pods shop/web-, Update status")
    assert (third.actor, third.reason) == ("system:controller:replication-controller", "1 pods are missing of 3")
    made = [x for x in await told(reader, kind="pod", objects=True) if x.effect == "created"]
    assert [x.reason for x in made] == ["2 pods are missing of 2"] * 2 + ["1 pods are missing of 3"]
    assert made[-1].cause == third.revision
    (bound,) = await told(reader, decisions=True, actor="system:kube-scheduler", since=str(third.revision))
    assert bound.what == f"decided on pod shop/{made[-1].name}: Bind to n0"
    commands = {x.what.partition(": ")[2] for x in await told(reader, decisions=True, kind="pod", name=made[-1].name)}
    assert commands >= {"RunPodSandbox, Update status", "StartContainer web", "StopContainer web", "Delete"}


async def test_what_nodes_report_names_the_pod_not_its_uid(reader: Reader) -> None:
    lines = await told(reader, runtime=True, kind="pods", namespace="shop")
    assert {line.fact for line in lines} >= {"SandboxStarted", "ContainerStarted", "ContainerExited", "SandboxRemoved"}
    assert all(line.what.split(" pod shop/web-")[1:] for line in lines)
    late = await told(reader, runtime=True, kind="pods", since=str(lines[-1].revision))  # where nothing before it was read
    assert [line.what for line in late] == [lines[-1].what]


async def test_which_endpoints_were_lost_is_said(reader: Reader) -> None:
    lost = [line for line in await told(reader, kind="endpoints", since="10:00") if "lost" in line.what]
    pods = [line.name for line in await told(reader, kind="pod", objects=True) if line.effect == "created"]
    assert len(lost) == 1 and all(f"({pod})" in lost[0].what for pod in pods) and lost[0].what.endswith("; 0 ready")


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"name": "web-*", "kind": "pod"}, lambda x: "web-" in x.what),
        ({"namespace": "shop", "objects": True}, lambda x: x.namespace == "shop"),
        ({"actor": "endpoint*-controller"}, lambda x: x.actor.startswith("system:controller:endpoint")),
        ({"actor": "system:node:n?"}, lambda x: x.actor in ("system:node:n0", "system:node:n1")),
        ({"decisions": True, "runtime": True}, lambda x: x.sort in ("decisions", "runtime")),
        ({"since": "10:12:00", "until": "10:12:00"}, lambda x: x.time.startswith("2027-01-15T10:12:00")),
        ({"since": "2027-01-15T10:04:00Z", "until": "-8m"}, lambda x: "T10:04:00" <= x.time[10:] < "T10:05:01"),
        ({"since": "100", "until": "rev/110"}, lambda x: 100 <= x.revision <= 110),
    ],
)
async def test_filters(reader: Reader, wanted: dict[str, Any], fits: Any) -> None:
    """Those and no others; "decided on" lines may be about more than their subject."""
    everything, found = await told(reader), await told(reader, **wanted)
    assert found and all(map(fits, found))
    if not {"kind", "namespace", "name"} & wanted.keys():
        assert found == [line for line in everything if fits(line)]


async def test_a_change_is_told_against_the_one_before_also_when_that_was_not_wanted(reader: Reader) -> None:
    everything = {line.revision: line for line in await told(reader)}
    for wanted in ({"actor": "kubelet"}, {"kind": "pod", "since": "200"}, {"objects": True, "since": "10:11"}):
        for line in await told(reader, **wanted):
            assert line == everything[line.revision]


async def test_little_is_remembered_of_a_long_log(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = await told(reader)
    for module, bound, value in (("reader", "OBJECTS_BYTES", 5_000), ("reader", "REASONS", 2), ("subjects", "POD_UIDS", 1)):
        monkeypatch.setattr(f"shipslog.engine.chronicle.{module}.{bound}", value)
    forgetful = Reader(reader.log)
    assert await told(forgetful) == everything
    assert sum(len(event.fact.object) for event in forgetful._states.values()) <= 5_000  # type: ignore[union-attr]
    assert len(forgetful._reasons) == 2 and len(forgetful.pods._names) == 1


async def test_a_kind_that_is_none_is_said(reader: Reader) -> None:
    with pytest.raises(BadRequest, match="there is no kind 'unicorn'"):
        await told(reader, kind="unicorn")
    with pytest.raises(BadRequest, match="names no moment"):
        await told(reader, since="teatime")


async def test_who_may_not_see_an_object_sees_nothing_of_what_happened_to_it(reader: Reader) -> None:
    def only_pods(subject: Subject) -> bool:
        return subject.resource == "pods" and subject.namespace == "shop"

    some = Reader(reader.log, may=only_pods)
    found = await told(some)
    assert {line.resource for line in found} == {"pods"} and {line.sort for line in found} == {
        "objects",
        "decisions",
        "runtime",
    }


async def test_no_line_tells_a_secret(reader: Reader) -> None:
    from base64 import b64encode

    import msgspec

    hidden = [b64encode(value).decode()[:12] for value in (b"first-secret", b"second-secret")]
    for secrets in (False, True):
        lines = msgspec.json.encode(await told(Reader(reader.log, secrets=secrets), kind="secret")).decode()
        assert [value in lines for value in hidden] == [secrets, secrets], lines


async def test_nothing_is_remembered_of_what_a_reader_may_not_see(reader: Reader) -> None:
    blind = Reader(reader.log, may=lambda subject: subject.resource == "nodes")
    seen = [event async for event in blind.read(0)]
    assert seen and {key[0] for key in blind._states} == {"nodes"}
