"""Who is asked outside the commit: has a say, may refuse, and is asked again when what was seen changed meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit.consulting import NO_REQUEST_INFO
from shipslog.engine.commit.outside import TRIES, Asking, RequestInfo
from shipslog.engine.commit.transitions import Evaluation, Wanted
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand, Apply, Create, Delete, Patch, Update
from shipslog.store.facts import DecisionTaken
from shipslog.store.objects.patch import MERGE_PATCH
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import Conflict, Forbidden, NotFound, Refusal

MANAGER = "harbour-master"


def config_map(name: str = "x", **data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), data=data)


class Advisor:
    """One who is asked by everybody but `the other`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.wanted: list[Wanted] = []
        self.changes: list[Evaluation] = []
        self.request_info: list[RequestInfo] = []
        self.stamp: Callable[[Any], Any] = lambda obj: None
        self.refusal: Refusal | None = None
        self.meanwhile: Callable[[int], Any] | None = None
        cluster.committer.consultants.append(self)

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        return actor != "the other"

    async def change(self, wanted: Wanted, asking: Asking) -> Wanted:
        self.wanted.append(wanted)
        self.request_info.append(asking.request_info)
        if wanted.object is not None and (stamped := self.stamp(wanted.object)) is not None:
            return replace(wanted, mutated=stamped)
        return wanted

    async def check(self, wanted: Wanted, change: Evaluation, asking: Asking) -> None:
        self.changes.append(change)
        asking.warn("the tide is low")
        asking.annotations["tide"] = "low"
        if self.meanwhile is not None:
            await self.meanwhile(len(self.changes))
        if self.refusal is not None:
            raise self.refusal


def stamped(obj: core_v1.ConfigMap) -> core_v1.ConfigMap:
    return replace(obj, data={**obj.data, "by": "the harbour"})


@pytest.fixture
def advisor(engine: Cluster) -> Advisor:
    return Advisor(engine)


async def test_it_may_change_what_is_asked_for(engine: Cluster, advisor: Advisor) -> None:
    advisor.stamp = stamped
    assert (await engine.create(config_map(a="b"))).data == {"a": "b", "by": "the harbour"}
    assert (await engine.update(config_map(a="c"))).data == {"a": "c", "by": "the harbour"}
    advisor.stamp = lambda obj: replace(obj, data={"only": "this"})
    assert (await engine.patch("configmaps", "x", {"data": {"a": "d"}})).data == {"only": "this"}


async def test_what_it_changed_is_not_the_writers_own(engine: Cluster, advisor: Advisor) -> None:
    advisor.stamp = stamped
    await engine.submit(Create(object=config_map(a="b"), field_manager=MANAGER), actor="one")
    advisor.stamp = lambda obj: replace(obj, data={**obj.data, "tide": "high"})
    body = b'{"data":{"c":"d"}}'
    patch = Patch(
        resource="configmaps", namespace="default", name="x", media_type=MERGE_PATCH, body=body, field_manager=MANAGER
    )
    await engine.submit(patch, actor="one")
    found = engine.get(core_v1.ConfigMap, "x")
    assert found.data == {"a": "b", "by": "the harbour", "c": "d", "tide": "high"}
    (entry,) = found.metadata.managed_fields
    assert entry.fields_v1 == {"f:data": {".": {}, "f:a": {}, "f:c": {}}}


async def test_what_is_applied_is_the_appliers_own_and_no_more(engine: Cluster, advisor: Advisor) -> None:
    advisor.stamp = stamped
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"b"}}'
    apply = Apply(resource="configmaps", namespace="default", name="x", body=body, field_manager=MANAGER)
    for _ in range(2):
        await engine.submit(apply, actor="one")
    found = engine.get(core_v1.ConfigMap, "x")
    assert found.data == {"a": "b", "by": "the harbour"}
    assert [e.fields_v1 for e in found.metadata.managed_fields] == [{"f:data": {"f:a": {}}}]


async def test_who_refuses_has_seen_the_object_as_it_would_be(engine: Cluster, advisor: Advisor) -> None:
    generated = replace(config_map(a="b"), metadata=meta_v1.ObjectMeta(generate_name="x-", namespace="default"))
    committed = await engine.submit(Create(object=generated), actor="one", request_info=RequestInfo(uid="7"))
    seen, made = advisor.changes[0].object, committed.entry.object
    assert (seen.metadata.uid, seen.metadata.name) == (made.metadata.uid, made.metadata.name) and made.metadata.name != "x-"
    assert advisor.wanted[0].object.metadata.uid == "" and advisor.request_info == [RequestInfo(uid="7")]
    assert committed.warnings == ("the tide is low",)
    (event,) = [e async for batch in engine.log.read(committed.entry.revision - 1) for e in batch]
    assert event.origin is not None and event.origin.annotations == {"tide": "low"}


async def test_its_refusal_leaves_nothing_behind(engine: Cluster, advisor: Advisor) -> None:
    advisor.refusal = Forbidden("not in this port")
    before = engine.view.revision
    with pytest.raises(Forbidden, match="not in this port"):
        await engine.create(config_map())
    assert engine.view.revision == before


async def test_what_is_refused_anyway_is_no_question(engine: Cluster, advisor: Advisor) -> None:
    with pytest.raises(NotFound):
        await engine.delete(core_v1.ConfigMap, "nowhere")
    with pytest.raises(Refusal, match="invalid"):
        await engine.create(config_map("Not A Name"))
    assert [type(w.command) for w in advisor.wanted] == [Create] and not advisor.changes


async def test_what_changed_meanwhile_is_asked_about_again(engine: Cluster, advisor: Advisor) -> None:
    await engine.submit(Create(object=config_map(a="1")), actor="the other")

    async def meanwhile(asked: int) -> None:
        if asked == 1:
            await engine.submit(Update(object=config_map(a="2")), actor="the other")

    advisor.meanwhile = meanwhile
    await engine.submit(Delete(resource="configmaps", namespace="default", name="x"), actor="one")
    assert [w.old.object.data["a"] for w in advisor.wanted if w.old is not None] == ["1", "2"]
    assert engine.view.get(core_v1.ConfigMap, "x", "default") is None


async def test_what_never_stands_still_is_refused_in_the_end(engine: Cluster, advisor: Advisor) -> None:
    await engine.submit(Create(object=config_map(a="0")), actor="the other")

    async def meanwhile(asked: int) -> None:
        await engine.submit(Update(object=config_map(a=str(asked))), actor="the other")

    advisor.meanwhile = meanwhile
    with pytest.raises(Conflict, match="changed while the command was being admitted"):
        await engine.submit(Delete(resource="configmaps", namespace="default", name="x"), actor="one")
    assert len(advisor.changes) == TRIES and engine.get(core_v1.ConfigMap, "x").data == {"a": str(TRIES)}


async def test_an_address_that_was_seen_is_the_one_that_is_given(engine: Cluster, advisor: Advisor) -> None:
    def service(name: str) -> core_v1.Service:
        spec = core_v1.ServiceSpec(ports=(core_v1.ServicePort(port=80),))
        return core_v1.Service(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), spec=spec)

    async def meanwhile(asked: int) -> None:
        if asked == 1:  # what was seen is somebody else's then
            taken = replace(service("other"), spec=replace(service("other").spec, cluster_ip=address()))
            await engine.submit(Create(object=taken), actor="the other")
        if asked == 2:
            await engine.submit(Create(object=service("third")), actor="the other")

    def address() -> str:
        found: str = advisor.changes[-1].object.spec.cluster_ip
        return found

    advisor.meanwhile = meanwhile
    made = (await engine.submit(Create(object=service("x")), actor="one")).entry.object
    assert len(advisor.changes) == 2 and made.spec.cluster_ip == address()


@pytest.mark.parametrize("size", [200_000])
async def test_a_long_command_is_asked_about_too(engine: Cluster, advisor: Advisor, size: int) -> None:
    advisor.stamp = stamped
    obj = config_map(a="b" * size)
    committed = await engine.submit(Create(object=obj), actor="one", size_bytes=size)
    assert committed.entry.object.data["by"] == "the harbour" and len(advisor.changes) == 1
    body = b'{"data":{"c":"d"}}'
    patch = Patch(resource="configmaps", namespace="default", name="x", media_type=MERGE_PATCH, body=body)
    assert (await engine.submit(patch, actor="one")).entry.object.data["c"] == "d"


async def test_a_rules_command_is_asked_about_beside_the_rule(engine: Cluster, advisor: Advisor) -> None:
    """Its decision is recorded as it was taken; nobody waits meanwhile."""
    going, gate = asyncio.Event(), asyncio.Event()

    async def meanwhile(asked: int) -> None:
        going.set()
        await gate.wait()

    advisor.meanwhile, advisor.stamp = meanwhile, stamped
    decision = DecisionTaken(reconciler="r", key="k", read_revision=1, now_ns=0, reason="why", commands=(), digest="d")
    commands = [Create(object=config_map(a="1")), Create(object=config_map("y", a="1"))]
    future = engine.committer.submit_decision(decision, commands, actor="system:controller:r", cause=None)
    await going.wait()
    await engine.submit(Create(object=config_map("z")), actor="the other")
    gate.set()
    revision, *made = await future
    assert isinstance(revision, int) and [m.entry.object.data.get("by") for m in made] == ["the harbour"] * 2  # type: ignore[union-attr]
    advisor.refusal = Forbidden("no")
    _, refused = await engine.committer.submit_decision(decision, [Create(object=config_map("w"))], actor="r", cause=None)
    assert isinstance(refused, Forbidden)


async def test_nobody_is_asked_about_what_does_not_concern_him(engine: Cluster, advisor: Advisor) -> None:
    await engine.submit(Create(object=config_map()), actor="the other", request_info=NO_REQUEST_INFO)
    assert not advisor.wanted and not advisor.changes


async def test_many_at_once_about_one_object_do_not_overtake_each_other_for_ever(engine: Cluster, advisor: Advisor) -> None:
    await engine.submit(Create(object=config_map(a="0")), actor="the other")

    async def meanwhile(asked: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    advisor.meanwhile = meanwhile
    await asyncio.gather(*(engine.patch("configmaps", "x", {"data": {f"k{at}": "v"}}) for at in range(30)))
    assert len(engine.get(core_v1.ConfigMap, "x").data) == 31
