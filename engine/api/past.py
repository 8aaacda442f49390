"""The past over HTTP: what stands behind /at/ is resolved to a view of that moment, once for all who ask at the same time."""

import asyncio

from shipslog.engine.cluster import Cluster
from shipslog.engine.replay import Recording
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time import moments


class Past:
    """Views of past moments. The cluster keeps the recent ones; here requests for the same one share the making of it."""

    def __init__(self, cluster: Cluster | Recording) -> None:
        self._cluster = cluster
        self._making: dict[moments.Moment, asyncio.Task[MemoryView]] = {}

    async def at(self, text: str) -> tuple[MemoryView, int]:
        """(view, the moment in ns UTC). Errors: BadRequest for no moment; NotFound, Expired for one that is not kept."""
        moment = moments.parse(text, self._cluster.clock.now_ns())
        task = self._making.get(moment)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._cluster.at(moment.revision, moment.time_ns))
            self._making[moment] = task
            task.add_done_callback(lambda _: self._making.pop(moment, None))
        view = await asyncio.shield(task)
        return view, moment.time_ns if moment.time_ns is not None else view.time_ns
