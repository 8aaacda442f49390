"""The history of an object, and what is gone."""

import asyncio

import msgspec
import pytest

from shipslog.engine.chronicle.history import Chapter
from shipslog.engine.chronicle.questions import AsOf, Deleted, History, Show
from shipslog.engine.chronicle.reader import Reader
from shipslog.engine.cluster import Cluster
from shipslog.store.events import Origin
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest, NotFound
from tests.engine.api.conftest import Api, Client, admin, api, rules
from tests.engine.host.test_host import config_map, mark, reconciler, settled

__all__ = ["admin", "api", "rules"]  # fixtures

POD = {"spec": {"containers": [{"name": "c", "image": "i"}]}}


async def history(reader: Reader, of: str, **options: object) -> list[Chapter]:
    return [chapter async for chapter in msgspec.convert({"of": of, **options}, History).answer(reader)]


async def test_the_history_of_an_object_says_who_what_and_why() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=(reconciler(mark),)) as cluster:
        await cluster.create(config_map("a", k="1"), actor="alice")
        await cluster.wait(core_v1.ConfigMap, "a", until=lambda c: c.data.get("seen") == "yes")
        await settled(cluster)
        await cluster.delete(core_v1.ConfigMap, "a")
        chapters = await history(Reader(cluster.log), "configmap/a")
    assert [(c.effect, c.event.actor, c.reason) for c in chapters] == [
        ("created", "alice", ""),
        ("modified", "system:controller:test", "it was not marked"),
        ("deleted", "system:admin", ""),
    ]
    assert chapters[1].changes == (("data.seen", None, "yes"),)


async def test_an_eviction_is_told_from_a_deletion_and_who_asked_through_whom(api: Api, admin: Client) -> None:
    pods = "/api/v1/namespaces/default/pods"
    agent = {"User-Agent": "drain/1 \x9b31m" + "x" * 1000}
    for name in ("a", "b"):
        assert (await admin.call("POST", pods, POD | {"metadata": {"name": name}}, headers=agent))[0] == 201
    body = {"metadata": {"name": "a"}, "deleteOptions": {"gracePeriodSeconds": 0}}
    assert (await admin.call("POST", f"{pods}/a/eviction", body, headers=agent))[0] == 201
    boss = {"Impersonate-User": "boss", "Impersonate-Group": "system:masters"}
    assert (await admin.call("DELETE", f"{pods}/b?gracePeriodSeconds=0", headers=boss))[0] == 200

    async def last(name: str) -> tuple[str, str, Origin]:
        *_, chapter = await history(Reader(api.cluster.log), f"pod/{name}")
        assert chapter.event.origin is not None
        return chapter.effect, chapter.event.actor, chapter.event.origin

    effect, actor, origin = await last("a")
    assert (effect, actor) == ("deleted", "system:admin")
    assert (origin.verb, origin.subresource, origin.address) == ("create", "eviction", "127.0.0.1")
    assert origin.user_agent.startswith("drain/1 ") and len(origin.user_agent) == 256
    effect, actor, origin = await last("b")
    assert (effect, actor, origin.verb, origin.impersonator) == ("deleted", "boss", "delete", "system:admin")


async def test_a_secret_shows_which_values_changed_and_none_of_them() -> None:
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        meta = {"name": "s", "annotations": {applied: "cGFzc3dvcmQ=", "note": "seen"}}
        await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
        await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"a": "cGFzc3dvcmQ="}})
        await cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"a": "cGFzc3dvcmQy"}})
        for show in (False, True):
            reader = Reader(cluster.log, secrets=show)
            found = await history(reader, "secret/s")
            whole = [s async for s in Show(revision=found[-1].event.revision).answer(reader)]
            then = [o async for o in AsOf(of="secret/s").answer(reader)]
            for answer in (found, whole, then):
                told = msgspec.json.encode(answer).decode()
                assert ("cGFzc3dvcmQ" in told) is show
            assert "seen" in msgspec.json.encode(found).decode()
            assert any(path.startswith("data") for path, _, _ in found[-1].changes)


async def test_a_name_is_found_in_whatever_namespace(reader: Reader) -> None:
    (chapter, *_) = await history(reader, "rc/web")
    assert (chapter.event.fact.namespace, chapter.effect) == ("shop", "created")  # type: ignore[union-attr]
    assert len({c.event.fact.namespace for c in await history(reader, "sa/default")}) > 3  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="knows no rc 'web' in namespace 'default'"):
        await history(reader, "rc/web", namespace="default")


async def test_only_the_wish_and_only_the_newer(reader: Reader) -> None:
    everything = await history(reader, "rc/web")
    wished = await history(reader, "rc/web", spec=True)
    assert [(c.effect, c.event.actor) for c in wished] == [("created", "alice"), ("modified", "bob"), ("deleted", "mallory")]
    assert len(everything) > len(wished)
    assert await history(reader, "rc/web", since=str(wished[1].event.revision)) == everything[everything.index(wished[1]) :]


async def test_who_marked_it_is_said_where_it_goes(reader: Reader) -> None:
    gone = [g async for g in Deleted().answer(reader)]
    assert {(g.resource, g.actor) for g in gone} == {
        ("pods", "system:controller:generic-garbage-collector"),
        ("replicationcontrollers", "mallory"),
    }
    chapters = await history(reader, f"pod/{gone[0].name}")
    marked = next(c for c in chapters if c.effect == "deleting")
    assert (chapters[-1].effect, chapters[-1].marked, chapters[-1].marked_by) == (
        "deleted",
        marked.event.revision,
        "system:controller:generic-garbage-collector",
    )
    assert [g async for g in Deleted(kind="rc").answer(reader)] == [g for g in gone if g.resource != "pods"]
    assert [g async for g in Deleted(namespace="default").answer(reader)] == []
    assert {g.resource async for g in Deleted(kind="pod", since="10:12").answer(reader)} == {"pods"}


async def test_an_object_as_it_was(reader: Reader) -> None:
    (at_ten,) = [o async for o in AsOf(of="rc/web", at="10:00").answer(reader)]
    assert (at_ten["spec"]["replicas"], at_ten["status"]["readyReplicas"]) == (3, 3)
    (before,) = [o async for o in AsOf(of="rc/web", at="09:50").answer(reader)]
    assert before["spec"]["replicas"] == 2
    with pytest.raises(NotFound, match=r"was not there at revision \d+: it was deleted at"):
        [o async for o in AsOf(of="rc/web").answer(reader)]


async def test_a_history_goes_on(reader: Reader) -> None:
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        await cluster.create(config_map("a", k="1"))
        following = History(of="cm/a", follow=True).answer(Reader(cluster.log))
        assert (await anext(following)).effect == "created"
        await cluster.create(config_map("b"))
        await cluster.delete(core_v1.ConfigMap, "a")
        async with asyncio.timeout(10):
            assert (await anext(following)).effect == "deleted"
    with pytest.raises(BadRequest, match="several"):
        await history(reader, "sa/default", follow=True)
