"""The past over HTTP: what stands behind /at/ is resolved to a view of that moment."""

from shipslog.engine.past import moments
from shipslog.engine.served import Served
from shipslog.engine.state.view import MemoryView


async def at(cluster: Served, text: str) -> tuple[MemoryView, int]:
    """(view, the moment in ns UTC). Errors: BadRequest for no moment, or one outside the log; Expired for one that is not kept;
    TooManyRequests."""
    moment = moments.parse(text, cluster.clock.now_ns())
    view = await cluster.at(moment.revision, moment.time_ns)
    return view, moment.time_ns if moment.time_ns is not None else view.time_ns
