"""What has gone leaves nothing behind: of pods that were made and deleted, and of watches that were closed.

Terminals and forwarded ports: api/streams/test_leaks.py. Memory is counted in objects and in
entries of what holds objects."""

import asyncio
import gc
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from weakref import ref

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit import watch as watches
from shipslog.engine.host import correlator, event_expiry, recorder
from shipslog.reconcilers.scheduler import nodes
from shipslog.store.log import tail
from shipslog.store.objects.types import core_v1, meta_v1

ROUNDS, AT_ONCE, WAIT_S = 6, 20, 20
HOLDERS = (dict, set, deque, OrderedDict)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that the first rounds reach: what is kept for a while is full from then on."""
    monkeypatch.setattr(watches, "RING", 4)
    monkeypatch.setattr(tail, "RECENT_BATCHES", 4)
    monkeypatch.setattr(event_expiry, "KEPT", 40)
    monkeypatch.setattr(correlator, "REMEMBERED", 40)
    monkeypatch.setattr(recorder, "DELAY_S", 0.0)
    monkeypatch.setattr(nodes, "TOUCHED", 4)


async def pods_come_and_go(cluster: Cluster, numbers: range) -> None:
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i:1"),))

    async def one(name: str) -> None:
        await cluster.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), spec=spec))
        await cluster.wait(core_v1.Pod, name, until=lambda pod: pod.status.phase == "Running", timeout_s=WAIT_S)
        await cluster.delete(core_v1.Pod, name, grace_period_s=0)
        await cluster.gone(core_v1.Pod, name, timeout_s=WAIT_S)

    await asyncio.gather(*(one(f"p{number}") for number in numbers))


async def watches_come_and_go(cluster: Cluster, numbers: range) -> None:
    opened = [cluster.watch("configmaps", namespace="default") for _ in range(3) for number in numbers]
    for number in numbers[:2]:
        data = {"number": str(number)}
        found = cluster.view.get(core_v1.ConfigMap, "one", "default")
        write = cluster.create if found is None else cluster.update
        await write(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="one", namespace="default"), data=data))
    for watch in opened:
        await watch.batch(timeout_s=WAIT_S)
        watch.close()


def settled(cluster: Cluster) -> bool:
    told = cluster.recorder
    written = not told._queue and told._timer is None and not len(told.tasks)
    return cluster.host.idle() and written and not told._expiry.too_many


def weight(held: object) -> int:
    """An object and its entries. Weak references do not count: sqlite3 has a list of those to its cursors, and clears it when
    two hundred are dead."""
    if type(held) is list:
        return 1 + sum(type(item) is not ref for item in held)
    if type(held) in HOLDERS:
        return 1 + len(held)  # type: ignore[arg-type]
    return type(held) is not ref


@pytest.fixture
def all_that_is_there() -> Iterator[None]:
    """What modules keep too, which `tests/conftest.py` has put out of the collector's sight."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("all_that_is_there")
@pytest.mark.parametrize("what", [pods_come_and_go, watches_come_and_go], ids=lambda what: what.__name__)
async def test_memory_is_flat_after_the_first_rounds(tmp_path: Path, what: Callable[[Cluster, range], Awaitable[None]]) -> None:
    found = []
    async with Cluster.open(tmp_path / "cluster.db") as cluster:
        for turn in range(ROUNDS):
            await what(cluster, range(turn * AT_ONCE, (turn + 1) * AT_ONCE))
            async with asyncio.timeout(WAIT_S):
                while not settled(cluster):
                    await asyncio.sleep(0.01)
            gc.collect()
            found.append(sum(weight(held) for held in gc.get_objects()))
    assert min(found[-2:]) - min(found[1:3]) < 3 * AT_ONCE, f"something is kept of each: {found} objects and entries"
