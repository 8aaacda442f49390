"""How long an object may be, and what is encoded before its turn."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit import encoding
from shipslog.engine.commit.encoding import encoded_ahead, finish
from shipslog.engine.commit.transitions import Evaluation
from shipslog.engine.time.long_work import SHORT_BYTES
from shipslog.store.commands import Create, Delete, Patch, Update
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import TooLarge

BOUND = 4_000


def config_map(size: int, **meta: Any) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="a", namespace="default", **meta), data={"k": "x" * size})


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "OBJECT_BYTES", BOUND)


async def test_no_command_lets_an_object_grow_beyond_the_bound(engine: Cluster) -> None:
    with pytest.raises(TooLarge, match="divide it"):
        await engine.create(config_map(BOUND))
    assert engine.view.entry("configmaps", "a", "default") is None
    await engine.create(config_map(BOUND // 2))
    more = b'{"data":{"l":"%s"}}' % (b"y" * (BOUND // 2))
    patch = Patch(resource="configmaps", namespace="default", name="a", media_type="application/merge-patch+json", body=more)
    before = engine.view.revision
    for dry_run in (True, False):
        with pytest.raises(TooLarge):
            await engine.submit(patch, dry_run=dry_run)
        with pytest.raises(TooLarge):
            await engine.submit(Update(object=config_map(BOUND)), dry_run=dry_run)
    assert engine.view.revision == before


async def test_what_is_too_long_already_may_become_shorter_and_go(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    await engine.create(config_map(BOUND // 2, finalizers=("a/b",)))
    monkeypatch.setattr(encoding, "OBJECT_BYTES", 100)
    await engine.submit(Update(object=config_map(BOUND // 3, finalizers=("a/b",))))
    marked = await engine.submit(Delete(resource="configmaps", namespace="default", name="a"))
    assert marked.effect == "Modified" and marked.entry.object.metadata.deletion_timestamp
    meta = replace(marked.entry.object.metadata, finalizers=())
    gone = await engine.submit(Update(object=replace(marked.entry.object, metadata=meta)))
    assert gone.effect == "Deleted"


async def test_a_status_has_room_of_its_own(engine: Cluster) -> None:
    container = core_v1.Container(name="c", image="i", args=("x" * (BOUND // 2),))
    pod = core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="default"), spec=core_v1.PodSpec(containers=(container,)))
    made = (await engine.submit(Create(object=pod))).entry.object
    for size, fits in ((BOUND, True), (2 * BOUND, False)):
        update = Update(object=replace(made, status=replace(made.status, message="m" * size)), subresource="status")
        if fits:
            made = (await engine.submit(update)).entry.object
        else:
            with pytest.raises(TooLarge):
                await engine.submit(update)


@pytest.mark.parametrize("size_bytes", [0, SHORT_BYTES + 1])
async def test_where_it_is_encoded_makes_no_difference(engine: Cluster, size_bytes: int) -> None:
    for dry_run in (True, False):
        entry = (await engine.submit(Create(object=config_map(10)), size_bytes=size_bytes, dry_run=dry_run)).entry
        assert entry.encoded == msgspec.json.encode(entry.object)
        assert (b"resourceVersion" in entry.encoded) is not dry_run


def test_what_a_client_wrote_is_not_taken_for_the_place_of_the_revision() -> None:
    kind = BUILTIN.of(core_v1.ConfigMap)
    fields = msgspec.Raw(b'{"resourceVersion":"%s"}' % encoding.UNKNOWN.encode())
    manager = meta_v1.ManagedFieldsEntry(manager="m", fields_v1=msgspec.json.decode(fields))
    for obj in (config_map(1, annotations={"a": encoding.PLACE.decode()}), config_map(1, managed_fields=(manager,))):
        change = Evaluation(effect="Created", object=obj, kind=kind)
        assert finish(encoded_ahead(change), 7) == finish(change, 7)
    assert encoded_ahead(change).ahead is None
