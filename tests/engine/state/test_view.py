"""The view: its indexes, its copy, its snapshot, and that it comes out the same however it was built."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.kinds.core.service.allocation import BY_ADDRESS, BY_NODE_PORT
from shipslog.engine.past.views import view_at
from shipslog.engine.state import node_images, snapshots
from shipslog.engine.state.collection import LABELS_INDEXED
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import Bind
from shipslog.store.events import Event
from shipslog.store.facts import AnyFact, ImagePulled, ObjectCreated, ObjectDeleted, ObjectModified
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.wire import codec


def owned_pod(name: str, owner: str, node: str = "", **labels: str) -> core_v1.Pod:
    reference = meta_v1.OwnerReference(api_version="v1", kind="ReplicationController", name="rc", uid=owner)
    return core_v1.Pod(
        metadata=meta_v1.ObjectMeta(name=name, namespace="default", labels=labels, owner_references=(reference,)),
        spec=core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),), node_name=node),
    )


def service(name: str, ip: str, node_port: int) -> core_v1.Service:
    ports = (core_v1.ServicePort(port=80, node_port=node_port),)
    return core_v1.Service(
        metadata=meta_v1.ObjectMeta(name=name, namespace="default"),
        spec=core_v1.ServiceSpec(cluster_ip=ip, type="NodePort", ports=ports, selector={"a": "b"}),
    )


async def fill(engine: Cluster) -> None:
    await asyncio.gather(
        engine.create(owned_pod("one", "u1", "n1", app="web", tier="a")),
        engine.create(owned_pod("two", "u1", "", app="web")),
        engine.create(owned_pod("three", "u2", "n1", app="db")),
        engine.create(service("svc", "10.96.0.77", 30123)),
    )


def names(objects: object) -> list[str]:
    return [getattr(o, "object", o).metadata.name for o in objects]  # type: ignore[attr-defined]


async def test_objects_are_found_by_name_label_owner_node_and_address(engine: Cluster) -> None:
    await fill(engine)
    view = engine.view
    assert names(view.entries("pods", "default")) == ["one", "three", "two"]
    assert names(view.entries_labelled("pods", None, {"app": "web"})) == ["one", "two"]
    assert names(view.entries_labelled("pods", "default", {"app": "web", "tier": "a"})) == ["one"]
    assert names(view.owned("u1")) == ["one", "two"]
    assert names(view.pods_on("n1")) == ["one", "three"]
    assert names(view.find(BY_ADDRESS, "10.96.0.77")) == ["svc"]
    assert names(view.find(BY_NODE_PORT, (30123, "TCP"))) == ["svc"]
    one = view.get(core_v1.Pod, "one", "default")
    assert one is not None
    found = view.by_uid(one.metadata.uid)
    assert found is not None and found.object is one


async def test_indexes_follow_changes_and_deletions(engine: Cluster) -> None:
    await fill(engine)
    view = engine.view
    await engine.submit(Bind(namespace="default", name="two", node="n2"))
    assert names(view.pods_on("n2")) == ["two"]
    one = engine.get(core_v1.Pod, "one")
    meta = msgspec.structs.replace(one.metadata, labels={"app": "db"}, owner_references=())
    await engine.update(msgspec.structs.replace(one, metadata=meta))
    assert names(view.entries_labelled("pods", None, {"app": "db"})) == ["one", "three"]
    assert names(view.owned("u1")) == ["two"]
    await engine.delete(core_v1.Pod, "one", grace_period_s=0)
    assert view.by_uid(one.metadata.uid) is None
    assert names(view.pods_on("n1")) == ["three"]
    await engine.delete(core_v1.Service, "svc")
    assert not view.find(BY_ADDRESS, "10.96.0.77") and not view.find(BY_NODE_PORT, (30123, "TCP"))


async def test_however_it_is_built_it_comes_out_the_same(engine: Cluster) -> None:
    await fill(engine)
    await engine.delete(core_v1.Pod, "two", grace_period_s=0)
    as_committed = msgspec.to_builtins(engine.view.state())
    from_the_log = await view_at(engine.log, engine.view.revision)
    restored = snapshots.restore(snapshots.take(engine.view))
    for view in (from_the_log, restored, engine.view.copy(), engine.committer.head):
        assert msgspec.to_builtins(view.state()) == as_committed
        assert names(view.owned("u1")) == ["one"]
        assert names(view.find(BY_ADDRESS, "10.96.0.77")) == ["svc"]


async def test_the_past_is_as_it_was(engine: Cluster) -> None:
    await fill(engine)
    before = engine.view.revision
    await engine.delete(core_v1.Service, "svc")
    then = await engine.at(before)
    assert then.get(core_v1.Service, "svc", "default") is not None
    assert engine.view.get(core_v1.Service, "svc", "default") is None
    assert (await engine.at(before)) is then, "kept for the next reader"


def test_an_empty_view_has_answers() -> None:
    view = MemoryView()
    assert view.entries("pods") == [] and view.entry("pods", "x", "y") is None
    assert view.pods_on("n") == [] and view.owned("u") == [] and list(view.resources()) == []


def test_only_so_many_images_are_known_and_a_view_that_goes_back_knows_what_it_knew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_images, "IMAGES", 20)
    view = MemoryView()

    def hear(number: int, at_ns: int) -> AnyFact:
        fact = ImagePulled(node="n", image=f"i{number}", image_id="x", at_ns=at_ns)
        view.evolve(Event(revision=view.revision + 1, time_ns=at_ns, actor="system:node:n", fact=fact))
        return fact

    for number in range(20):
        hear(number, number + 1)
    hear(0, 100)
    before = view.copy()
    facts = [(hear(number, 101 + number), None) for number in range(20, 25)]
    known = [number for number in range(25) if view.image("n", f"i{number}") is not None]
    assert known == [0, *range(7, 25)], "what was heard of longest ago went, some at a time"
    view.revert(facts, before)
    assert view.state() == before.state()


def defined_by(config: core_v1.ConfigMap) -> tuple[Kind]:
    """What a config map of the test's defines: a kind that is named in it."""
    name = config.data["kind"]
    return (Kind(group="fleet.example", kind=name, plural=f"{name.lower()}s", singular=name.lower(), type=core_v1.Secret),)


DEFINITIONS = Kind(
    group="fleet.example", kind="Definition", plural="definitions", singular="definition", type=core_v1.ConfigMap,
    defines=defined_by,
)  # fmt: skip


def test_a_view_has_the_kinds_of_its_moment() -> None:
    view = MemoryView(BUILTIN.with_kind(DEFINITIONS))
    add = view_writer(view)
    add(DEFINITIONS.resource, core_v1.ConfigMap(api_version="fleet.example/v1", kind="Definition", data={"kind": "Ship"}))
    before = view.copy()
    assert view.scheme.knows("ships.fleet.example") and not BUILTIN.knows("ships.fleet.example")
    add("ships.fleet.example", core_v1.Secret(api_version="fleet.example/v1", kind="Ship"))
    restored = snapshots.restore(snapshots.take(view), BUILTIN.with_kind(DEFINITIONS))
    assert restored.scheme.knows("ships.fleet.example") and len(restored.entries("ships.fleet.example")) == 1
    add(DEFINITIONS.resource, core_v1.ConfigMap(api_version="fleet.example/v1", kind="Definition", data={"kind": "Boat"}))
    assert view.scheme.knows("boats.fleet.example") and not view.scheme.knows("ships.fleet.example")
    assert before.scheme.knows("ships.fleet.example")
    add(DEFINITIONS.resource, None)
    assert not view.scheme.knows("boats.fleet.example")


def view_writer(view: MemoryView) -> Callable[[str, Any], None]:
    """Writes the object `x` of a kind into a view, or deletes it (None), as the log would."""

    def write(resource: str, obj: Any) -> None:
        held = view.entry(resource, "x")
        value = (
            held.object
            if obj is None and held is not None
            else replace(obj, metadata=meta_v1.ObjectMeta(name="x", uid=resource))
        )
        fact = ObjectDeleted if obj is None else ObjectModified if held is not None else ObjectCreated
        made = fact(resource=resource, namespace="", name="x", uid=resource, object=msgspec.Raw(codec.encode(value)))
        view.evolve(Event(revision=view.revision + 1, time_ns=1, actor="test", cause=None, fact=made))

    return write


async def test_an_object_with_too_many_labels_for_the_index_is_found_by_each(engine: Cluster) -> None:
    many = {f"k{i}": "v" for i in range(LABELS_INDEXED)}
    await engine.create(owned_pod("one", "u1", app="web", **many))
    await engine.create(owned_pod("two", "u1", app="web"))

    def found(**labels: str) -> list[str]:
        return [p.metadata.name for p in engine.view.select(core_v1.Pod, "default", labels)]

    assert found(app="web") == ["one", "two"] and found(app="web", k7="v") == ["one"] and found(app="web", k7="w") == []
    pod = engine.get(core_v1.Pod, "one", "default")
    await engine.update(replace(pod, metadata=replace(pod.metadata, labels={"app": "web"})))
    assert found(app="web") == ["one", "two"] and found(k7="v") == []
    pod = engine.get(core_v1.Pod, "two", "default")
    await engine.update(replace(pod, metadata=replace(pod.metadata, labels=many | {"app": "x"})))
    assert found(app="web") == ["one"] and found(k7="v") == ["two"]
    assert engine.view.reindex() == []
