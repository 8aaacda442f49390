"""Why: back to a person's request."""

import pytest

from shipslog.engine.chronicle.causes import Step
from shipslog.engine.chronicle.questions import Deleted, Why
from shipslog.engine.chronicle.reader import Reader
from shipslog.store.refusals import BadRequest, NotFound
from tests.engine.chronicle.test_lines import told


async def why(reader: Reader, of: str, whole: bool = False) -> list[Step]:
    return [step async for step in Why(of=of, whole=whole).answer(reader)]


async def test_a_pod_is_there_because_somebody_wanted_three_and_gone_because_somebody_deleted(reader: Reader) -> None:
    gone = [g async for g in Deleted(kind="pod").answer(reader)]
    steps = await why(reader, f"pod/{gone[-1].name}")
    told_ = [(step.line.actor.removeprefix("system:controller:"), step.line.what.split(":")[0]) for step in steps]
    pod = f"pod shop/{gone[-1].name}"
    assert told_[:4] == [
        ("bob", "modified replicationcontroller shop/web"),
        ("replication-controller", "decided on replicationcontroller shop/web"),
        ("replication-controller", f"created {pod}"),
        ("mallory", "deleted replicationcontroller shop/web"),
    ]
    assert told_[4:6] == [
        ("generic-garbage-collector", f"decided on {pod}"),
        ("generic-garbage-collector", f"deleting {pod}"),
    ]
    assert ("system:node:n0", f"sandbox removed of {pod} on n0") in told_ and told_[-1] == ("kubelet", f"deleted {pod}")
    assert [s.asked for s in steps if s.asked] == ["it was created", "it was marked for deletion", "it was deleted"]


async def test_steps_are_a_tree(reader: Reader) -> None:
    last = (await told(reader, kind="pod", objects=True))[-1]
    steps = await why(reader, str(last.revision))
    seen: set[int] = set()
    for step in steps:
        assert step.parent is None or step.parent in seen
        assert step.line.cause in (None, step.parent)
        seen.add(step.line.revision)
    assert last.revision in seen


async def test_what_happened_by_itself_goes_back_to_what_it_happened_to(reader: Reader) -> None:
    flipped = next(x for x in await told(reader, runtime=True) if x.fact == "ContainerStarted")
    assert (await why(reader, str(flipped.revision)))[0].line.actor == "alice"
    observed = next(x for x in await told(reader, runtime=True) if x.fact == "NodeObserved")
    assert [s.line.revision for s in await why(reader, str(observed.revision))] == [observed.revision]


async def test_of_a_long_chain_the_ends_are_shown(reader: Reader) -> None:
    lease = (await told(reader, kind="lease", objects=True))[-1]
    whole = await why(reader, str(lease.revision), whole=True)
    short = await why(reader, str(lease.revision))
    assert sum(step.left_out for step in short) == len(whole) - len(short)
    assert (short[0].line, short[-1].line) == (whole[0].line, whole[-1].line)


async def test_errors_say_what_is_there(reader: Reader) -> None:
    with pytest.raises(NotFound, match=f"no event at revision 99999; it is at {reader.log.revision}"):
        await why(reader, "99999")
    with pytest.raises(NotFound, match="knows no pod 'nobody' in any namespace"):
        await why(reader, "pod/nobody")
    with pytest.raises(BadRequest, match="say with --namespace which is meant of"):
        await why(reader, "serviceaccount/default")
    with pytest.raises(BadRequest, match="KIND/NAME"):
        await why(reader, "pod")
