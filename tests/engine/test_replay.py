"""Reading recordings: the history of an object, decisions taken again, the first that differs."""

import msgspec
import pytest

from shipslog.engine import replay
from shipslog.engine.cli import history
from shipslog.engine.cluster import Cluster
from shipslog.engine.pasts import extent
from shipslog.reconcilers.rule.decision import Decision, Reconciler
from shipslog.store.events import Origin
from shipslog.store.facts import DecisionTaken
from shipslog.store.objects import core_v1
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.refusals import BadRequest, MethodNotAllowed
from shipslog.store.view import View
from tests.engine.api.conftest import Api, Client, admin, api
from tests.engine.host.test_host import CONFIG_MAPS, config_map, mark, reconciler, settled

__all__ = ["admin", "api"]  # fixtures

POD = {"spec": {"containers": [{"name": "c", "image": "i"}]}}


async def test_the_same_rules_decide_the_same_and_others_are_found_out() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=(reconciler(mark),)) as cluster:
        for i in range(3):
            await cluster.create(config_map(f"c{i}"))
        await settled(cluster)
        verified = await replay.verify(cluster.log, [reconciler(mark)])
        assert verified.difference is None
        assert verified.decisions == 3
        assert verified.events == cluster.view.revision

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


async def test_the_history_of_an_object_says_who_what_and_why() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=(reconciler(mark),)) as cluster:
        await cluster.create(config_map("a", k="1"), actor="alice")
        await cluster.wait(core_v1.ConfigMap, "a", until=lambda c: c.data.get("seen") == "yes")
        await settled(cluster)
        await cluster.delete(core_v1.ConfigMap, "a")
        chapters = [c async for c in replay.history(cluster.log, "configmaps", "default", "a")]
    assert [(c.effect, c.event.actor, c.reason) for c in chapters] == [
        ("created", "alice", ""),
        ("modified", "system:controller:test", "it was not marked"),
        ("deleted", "system:admin", ""),
    ]
    assert chapters[1].changes == (("data.seen", None, "yes"),)


async def test_the_history_tells_an_eviction_from_a_deletion_and_who_asked_through_whom(api: Api, admin: Client) -> None:
    pods = "/api/v1/namespaces/default/pods"
    agent = {"User-Agent": "drain/1 \x9b31m" + "x" * 1000}
    for name in ("a", "b"):
        assert (await admin.call("POST", pods, POD | {"metadata": {"name": name}}, headers=agent))[0] == 201
    body = {"metadata": {"name": "a"}, "deleteOptions": {"gracePeriodSeconds": 0}}
    assert (await admin.call("POST", f"{pods}/a/eviction", body, headers=agent))[0] == 201
    boss = {"Impersonate-User": "boss", "Impersonate-Group": "system:masters"}
    assert (await admin.call("DELETE", f"{pods}/b?gracePeriodSeconds=0", headers=boss))[0] == 200

    async def last(name: str) -> tuple[str, str, Origin]:
        *_, chapter = [c async for c in replay.history(api.cluster.log, "pods", "default", name)]
        assert chapter.event.origin is not None
        return chapter.effect, chapter.event.actor, chapter.event.origin

    effect, actor, origin = await last("a")
    assert (effect, actor) == ("deleted", "system:admin")
    assert (origin.verb, origin.subresource, origin.address) == ("create", "eviction", "127.0.0.1")
    assert origin.user_agent.startswith("drain/1 ") and len(origin.user_agent) == 256
    assert history._asked(origin).startswith("asked for: create eviction, by drain/1 \N{REPLACEMENT CHARACTER}31mxx")
    effect, actor, origin = await last("b")
    assert (effect, actor, origin.verb, origin.impersonator) == ("deleted", "boss", "delete", "system:admin")
    assert history._asked(origin).endswith(" at 127.0.0.1, impersonated by system:admin")


async def test_a_recording_is_read_only(engine: Cluster) -> None:
    await engine.create(config_map("a"))
    recording = replay.Recording(engine.log, engine.view)
    with pytest.raises(MethodNotAllowed, match="read-only"):
        await recording.submit(None)
    assert (await recording.at(revision=1)).get(core_v1.ConfigMap, "a", "default") is None


def test_differences_match_list_items_by_name() -> None:
    before = {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "args": ["x"]}}
    after = {"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "2"}], "args": ["y"]}}
    assert replay.differences(before, after) == [("spec.containers[a].image", "1", "2"), ("spec.args", ["x"], ["y"])]


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


async def test_a_secret_shows_which_values_changed_and_none_of_them() -> None:
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        meta = {"name": "s", "annotations": {applied: "cGFzc3dvcmQ=", "note": "seen"}}
        await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
        await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"a": "cGFzc3dvcmQ="}})
        await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"a": "cGFzc3dvcmQy"}})
        for show in (False, True):
            found = [c async for c in replay.history(cluster.log, "secrets", "default", "s", show_secrets=show)]
            told = msgspec.json.encode(found).decode()
            assert ("cGFzc3dvcmQ" in told) is show
            assert "seen" in told and any(path.startswith("data") for path, _, _ in found[-1].changes)


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
