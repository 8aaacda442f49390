"""Who is asked outside the commit: has a say, may refuse, and is asked again when the object changed meanwhile."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit.outside import TRIES
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.refusals import Conflict, Forbidden, Refusal


def config_map(**data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="x", namespace="default"), data=data)


async def test_it_may_change_a_command(engine: Cluster) -> None:
    async def stamp(command: AnyObjectCommand, **_: Any) -> AnyObjectCommand:
        assert isinstance(command, Create)
        return Create(object=replace(command.object, data={**command.object.data, "by": "the harbour"}))

    engine.committer.consultants.append(stamp)
    assert (await engine.create(config_map(a="b"))).data == {"a": "b", "by": "the harbour"}


async def test_its_refusal_leaves_nothing_behind(engine: Cluster) -> None:
    async def refuse(command: AnyObjectCommand, **_: Any) -> AnyObjectCommand:
        raise Forbidden("not in this port")

    engine.committer.consultants.append(refuse)
    before = engine.view.revision
    with pytest.raises(Forbidden, match="not in this port"):
        await engine.create(config_map())
    assert engine.view.revision == before


async def test_what_changed_meanwhile_is_asked_about_again(engine: Cluster) -> None:
    await engine.create(config_map(a="1"))
    asked: list[str] = []

    async def slow(command: AnyObjectCommand, *, view: Any, actor: str, **_: Any) -> AnyObjectCommand:
        if actor == "the other":
            return command
        asked.append(view.get(core_v1.ConfigMap, "x", "default").data["a"])
        if len(asked) == 1:
            await engine.submit(Update(object=config_map(a="2")), actor="the other")
        return command

    engine.committer.consultants.append(slow)
    await engine.submit(Delete(resource="configmaps", namespace="default", name="x"), actor="one")
    assert asked == ["1", "2"] and engine.view.get(core_v1.ConfigMap, "x", "default") is None


async def test_what_never_stands_still_is_refused_in_the_end(engine: Cluster) -> None:
    await engine.create(config_map(a="0"))
    rounds = 0

    async def too_slow(command: AnyObjectCommand, *, actor: str, **_: Any) -> AnyObjectCommand:
        nonlocal rounds
        if actor != "the other":
            rounds += 1
            await engine.submit(Update(object=config_map(a=str(rounds))), actor="the other")
        return command

    engine.committer.consultants.append(too_slow)
    with pytest.raises(Conflict, match="changed while the command was being admitted") as caught:
        await engine.submit(Delete(resource="configmaps", namespace="default", name="x"), actor="one")
    assert isinstance(caught.value, Refusal) and rounds == TRIES
    assert engine.get(core_v1.ConfigMap, "x").data == {"a": str(TRIES)}
