"""The host, with small reconcilers of its own: when keys are decided, what is recorded, what is tried again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.time.clock import Entropy, SystemClock
from shipslog.reconcilers.rule.decision import Decision, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.runtime.commands import AnyRuntimeCommand, PullImage
from shipslog.runtime.node import LogOptions, ProcessStreams
from shipslog.store.commands import Create, Update
from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken, ImagePulled, ObjectCreated, RuntimeFact
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.view import View

WAIT_S = 5.0


def config_map(name: str, **data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), data=data)


def _in_default(view: View, found: core_v1.ConfigMap) -> tuple[str, ...]:
    return (found.metadata.name,) if found.metadata.namespace == "default" else ()


CONFIG_MAPS = rule().watches(core_v1.ConfigMap, to=_in_default, at_start=True)


def reconciler(decide: object) -> Reconciler:
    return Reconciler(name="test", actor="system:controller:test", wakes=CONFIG_MAPS, decide=decide)  # type: ignore[arg-type]


class OneNode:
    """A runtime that answers when it is let."""

    def __init__(self) -> None:
        self.node = "n1"
        self.gate = asyncio.Event()
        self.asked: list[AnyRuntimeCommand] = []
        self.fail = 0

    async def start(self, report: object, known: Sequence[object]) -> None: ...

    async def close(self, *, end_pods: bool = False) -> None: ...

    def troubles(self) -> Sequence[str]:
        return ()

    async def execute(self, command: AnyRuntimeCommand) -> Sequence[RuntimeFact]:
        self.asked.append(command)
        await self.gate.wait()
        if self.fail:
            self.fail -= 1
            raise OSError("the runtime broke")
        assert isinstance(command, PullImage)
        return [ImagePulled(node="n1", image=command.image, image_id="sha256:1", size_bytes=1, at_ns=1)]

    async def logs(self, pod_uid: str, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        yield b""

    async def exec(self, *args: object, **options: object) -> ProcessStreams:
        raise AssertionError


@asynccontextmanager
async def hosted(*reconcilers: Reconciler, runtimes: Sequence[OneNode] = ()) -> AsyncIterator[Cluster]:
    async with Cluster.open(
        None,
        runtime=runtimes,
        reconcilers=reconcilers,
        clock=SystemClock(),
        entropy=Entropy(3),  # type: ignore[arg-type]
    ) as cluster:
        yield cluster


async def decisions(cluster: Cluster) -> list[tuple[Event, DecisionTaken]]:
    return [(e, e.fact) async for batch in cluster.log.read() for e in batch if isinstance(e.fact, DecisionTaken)]


async def settled(cluster: Cluster) -> None:
    async with asyncio.timeout(WAIT_S):
        while not cluster.host.idle() or cluster.committer.head.revision != cluster.view.revision:
            await asyncio.sleep(0.001)


def mark(view: View, key: str, *, now: int) -> Decision:
    """Write `seen: yes` into each ConfigMap."""
    found = view.get(core_v1.ConfigMap, key, "default")
    if found is None or found.data.get("seen") == "yes":
        return Decision(reason="nothing to do")
    changed = msgspec.structs.replace(found, data={**found.data, "seen": "yes"})
    return Decision(reason="it was not marked", commands=(Update(object=changed),))


async def test_an_event_wakes_a_key_and_its_decision_is_recorded_with_cause_and_reason() -> None:
    async with hosted(reconciler(mark)) as cluster:
        made = await cluster.create(config_map("a"))
        await cluster.wait(core_v1.ConfigMap, "a", until=lambda c: c.data.get("seen") == "yes")
        await settled(cluster)
        ((event, taken),) = await decisions(cluster)
        assert (taken.reconciler, taken.key, taken.reason) == ("test", "a", "it was not marked")
        assert taken.commands == ("Update configmaps default/a",)
        assert event.cause == int(made.metadata.resource_version)
        assert taken.read_revision == event.cause


async def test_many_events_for_one_key_are_one_decision() -> None:
    seen: list[int] = []

    def count(view: View, key: str, *, now: int) -> Decision:
        seen.append(view.revision)
        return Decision(reason="counted")

    async with hosted(reconciler(count)) as cluster:
        await cluster.create(config_map("a"))
        await asyncio.gather(*(cluster.update(config_map("a", k=str(i))) for i in range(50)))
        await settled(cluster)
    assert 1 <= len(seen) <= 3


async def test_after_a_start_every_key_is_looked_at() -> None:
    from shipslog.store.log.memory import MemoryLog

    log = MemoryLog()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        await cluster.create(config_map("a"))
        log.close = _stay_open  # type: ignore[method-assign]
    async with Cluster.open(event_log=log, runtime="none", reconcilers=(reconciler(mark),)) as cluster:
        await cluster.wait(core_v1.ConfigMap, "a", until=lambda c: c.data.get("seen") == "yes")


async def _stay_open() -> None: ...


async def test_a_kind_that_is_defined_later_wakes_its_rule() -> None:
    """Also when an object of it came by while nobody served it, and again after another kind took its place."""

    def ships_of(type_: type[Any]) -> Kind:
        return Kind(group="fleet.example", kind="Ship", plural="ships", singular="ship", type=type_)

    ships = ships_of(core_v1.Secret)
    seen: list[str] = []

    def look(view: View, key: str, *, now: int) -> Decision:
        seen.append(key)
        return Decision(reason="seen")

    def named(view: View, obj: core_v1.Secret | core_v1.ConfigMap) -> tuple[str, ...]:
        return (f"{type(obj).__name__} {obj.metadata.name}",)

    looks = replace(reconciler(look), wakes=rule().watches(ships.resource, to=named))
    async with hosted(looks) as cluster:

        async def sails(name: str) -> None:
            """Somebody else's event on the log: the follower takes it in."""
            raw = msgspec.Raw(f'{{"metadata":{{"name":"{name}","namespace":"default","uid":"{name}"}}}}'.encode())
            fact = ObjectCreated(resource=ships.resource, namespace="default", name=name, uid=name, object=raw)
            revision = cluster.log.revision
            event = Event(revision=revision + 1, time_ns=cluster.clock.now_ns(), actor="other", fact=fact)
            await cluster.log.append([event], expected_revision=revision)
            await cluster.committer.follower.catch_up()
            async with asyncio.timeout(WAIT_S):
                while not cluster.host.idle():
                    await asyncio.sleep(0.001)

        for kind in (None, ships, None, ships_of(core_v1.ConfigMap)):
            cluster.view.scheme = BUILTIN if kind is None else BUILTIN.with_kind(kind)
            await sails(f"s{cluster.log.revision}")
    assert [s.split()[0] for s in seen] == ["Secret", "ConfigMap"], seen


async def test_a_refused_command_is_tried_again_later() -> None:
    tries = 0

    def collide(view: View, key: str, *, now: int) -> Decision:
        nonlocal tries
        if view.get(core_v1.ConfigMap, "b", "default") is not None and tries >= 3:
            return Decision(reason="done")
        tries += 1
        return Decision(reason="again", commands=(Create(object=config_map("b")),))

    async with hosted(reconciler(collide)) as cluster:
        await cluster.create(config_map("a"))
        async with asyncio.timeout(WAIT_S):
            while tries < 3:
                await asyncio.sleep(0.005)


async def test_a_reconciler_that_raises_does_not_stop_the_others() -> None:
    def broken(view: View, key: str, *, now: int) -> Decision:
        raise ValueError("a bug")

    async with hosted(reconciler(broken), reconciler(mark)) as cluster:
        await cluster.create(config_map("a"))
        await cluster.wait(core_v1.ConfigMap, "a", until=lambda c: c.data.get("seen") == "yes")


async def test_a_key_comes_again_when_it_asked_to() -> None:
    times: list[int] = []

    def later(view: View, key: str, *, now: int) -> Decision:
        times.append(now)
        return Decision(reason="soon", requeue_after=0.02 if len(times) < 3 else None)

    async with hosted(reconciler(later)) as cluster:
        await cluster.create(config_map("a"))
        async with asyncio.timeout(WAIT_S):
            while len(times) < 3:
                await asyncio.sleep(0.005)
    assert times[2] - times[0] >= 0.04 * 1e9


def pull(view: View, key: str, *, now: int) -> Decision:
    if view.image("n1", "img") is not None:
        return Decision(reason="there")
    return Decision(reason="absent", commands=(PullImage(node="n1", image="img", policy="Always"),))


async def test_a_runtime_command_goes_out_once_and_its_outcome_is_a_fact() -> None:
    node = OneNode()
    async with hosted(reconciler(pull), runtimes=[node]) as cluster:
        await cluster.create(config_map("a"))
        async with asyncio.timeout(WAIT_S):
            while not node.asked:
                await asyncio.sleep(0.001)
        for i in range(5):
            await cluster.update(config_map("a", k=str(i)))
        assert len(node.asked) == 1, "the same command is under way"
        node.gate.set()
        await settled(cluster)
        assert cluster.view.image("n1", "img") is not None
        assert len(node.asked) == 1
        ((event, _),) = await decisions(cluster)
        facts = [e async for batch in cluster.log.read() for e in batch if isinstance(e.fact, ImagePulled)]
        assert [(f.actor, f.cause) for f in facts] == [("system:node:n1", event.revision)]


async def test_a_runtime_that_breaks_is_asked_again(monkeypatch: object) -> None:
    node = OneNode()
    node.gate.set()
    node.fail = 1
    async with hosted(reconciler(pull), runtimes=[node]) as cluster:
        await cluster.create(config_map("a"))
        async with asyncio.timeout(WAIT_S):
            while cluster.view.image("n1", "img") is None:
                await asyncio.sleep(0.01)
    assert len(node.asked) == 2
