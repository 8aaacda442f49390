"""Which Events go: after an hour, and the longest unwritten when there are too many; also those of an earlier start."""

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.host import event_expiry
from shipslog.engine.host.event_expiry import TTL_S, EventExpiry
from shipslog.store.objects.types import core_v1, meta_v1
from tests.engine.conftest import SteppedClock

S = 1_000_000_000


async def test_those_of_an_earlier_start_go_in_their_order(stepped: SteppedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Cluster.open(None, runtime="none", reconcilers=(), clock=stepped) as cluster:
        for name in ("b", "a", "c"):
            meta, about = meta_v1.ObjectMeta(name=name, namespace="default"), core_v1.ObjectReference(namespace="default")
            await cluster.create(core_v1.Event(metadata=meta, involved_object=about, reason="R", type="Normal"))
            stepped.step(10)
        expiry, now_ns = EventExpiry(cluster.view), cluster.view.time_ns
        assert not expiry.too_many and [d.name for d in expiry.due(now_ns + 60 * S)] == []
        assert [d.name for d in expiry.due(now_ns + TTL_S * S - 5 * S)] == ["b", "a"]
        monkeypatch.setattr(event_expiry, "KEPT", 1)
        assert expiry.too_many and [d.name for d in expiry.due(now_ns)] == ["b", "a"]
