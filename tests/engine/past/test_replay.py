"""Reading recordings: the history of an object, decisions taken again, the first that differs."""

import msgspec
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.past import replay
from shipslog.engine.past.views import extent
from shipslog.reconcilers.rule.decision import Decision, Reconciler
from shipslog.store.facts import DecisionTaken
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest, MethodNotAllowed
from shipslog.store.view import View
from tests.engine.host.test_host import CONFIG_MAPS, config_map, mark, reconciler, settled


async def test_the_same_rules_decide_the_same_and_others_are_found_out() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=(reconciler(mark),)) as cluster:
        for i in range(3):
            await cluster.create(config_map(f"c{i}"))
        await settled(cluster)
        verified = await replay.verify(cluster.log, [reconciler(mark)])
        assert verified.difference is None
        assert verified.decisions == 3
        assert verified.events == cluster.view.revision

        decided = [e.revision async for es in cluster.log.read() for e in es if isinstance(e.fact, DecisionTaken)]
        some = await replay.verify(cluster.log, [reconciler(mark)], until=decided[1])
        assert (some.decisions, some.events) == (2, decided[1])

        def otherwise(view: View, key: str, *, now: int) -> Decision:
            return mark(view, key, now=now) if key != "c1" else Decision(reason="I would rather not")

        other = await replay.verify(cluster.log, [reconciler(otherwise)])
        assert other.difference is not None
        assert other.difference.recorded.key == "c1"
        told = str(other.difference)
        assert "decides otherwise" in told and "I would rather not" in told and "Update configmaps default/c1" in told


async def test_what_cannot_be_taken_again_is_counted_apart() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=(reconciler(mark),)) as cluster:
        for i in range(3):
            await cluster.create(config_map(f"c{i}"))
        await settled(cluster)
        gone = await replay.verify(cluster.log, [])
        assert (gone.difference, gone.decisions, gone.missing_rules) == (None, 0, {"test": 3})
        assert gone.skipped() == ["3 of test, which is no rule of this version"]
        newer = await replay.verify(cluster.log, [msgspec.structs.replace(reconciler(mark), version=2)])
        assert (newer.difference, newer.decisions, newer.other_versions) == (None, 0, {"test": 3})
        assert newer.skipped() == ["3 of test, whose rule is another version now"]
        unknown = DecisionTaken(
            reconciler="test", key="c0", read_revision=cluster.view.revision, now_ns=1, reason="r", commands=(), digest="d",
            digest_version=99,
        )  # fmt: skip
        await cluster.committer.submit_decision(unknown, [], actor="system:controller:test", cause=None)
        verified = await replay.verify(cluster.log, [reconciler(mark)])
        assert (verified.difference, verified.decisions, verified.other_digests) == (None, 3, 1)


async def test_a_recording_is_read_only(engine: Cluster) -> None:
    await engine.create(config_map("a"))
    recording = replay.Recording(engine.log, engine.view)
    with pytest.raises(MethodNotAllowed, match="read-only"):
        await recording.submit(None)
    assert (await recording.at(revision=1)).get(core_v1.ConfigMap, "a", "default") is None


@pytest.mark.parametrize("text", ["pod", "po", "pods", "Pod", "PODS"])
def test_kinds_as_people_name_them(text: str) -> None:
    assert BUILTIN.named(text).resource == "pods"
    with pytest.raises(ValueError, match="there is no kind 'unicorn'"):
        BUILTIN.named("unicorn")


async def test_decisions_of_rules_that_read_the_clock_are_taken_at_the_recorded_time() -> None:
    def stamp(view: View, key: str, *, now: int) -> Decision:
        found = view.get(core_v1.ConfigMap, key, "default")
        if found is None or "at" in found.data:
            return Decision(reason="stamped")
        from shipslog.store.commands import Update

        return Decision(reason="stamp", commands=(Update(object=msgspec.structs.replace(found, data={"at": str(now)})),))

    rule = Reconciler(name="test", actor="a", wakes=CONFIG_MAPS, decide=stamp)
    async with Cluster.open(None, runtime="none", reconcilers=(rule,)) as cluster:
        await cluster.create(config_map("a"))
        await cluster.wait(core_v1.ConfigMap, "a", until=lambda c: "at" in c.data)
        await settled(cluster)
        assert (await replay.verify(cluster.log, [rule])).difference is None


async def test_a_moment_counts_from_the_end_of_a_log_and_none_is_before_its_beginning() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        await cluster.create(config_map("a"))
        begins, ends = await extent(cluster.log)
        assert begins <= ends == cluster.view.time_ns
        recording = replay.Recording(cluster.log, cluster.view)
        assert recording.clock.now_ns() == ends
        with pytest.raises(BadRequest, match="before the log's beginning: it goes from"):
            await recording.at(time_ns=begins - 1)
        assert (await recording.at(time_ns=ends)).revision == cluster.view.revision
