"""A view as bytes and back: what a log keeps so that it need not be read from its beginning."""

import msgspec

from shipslog.store.facts import ClusterConfig, NodeObserved
from shipslog.store.log.event_log import Snapshot
from shipslog.store.objects import codec, registry
from shipslog.store.state import Entry, ImageState, PodRuntime, RulesetState

from .view import MemoryView

FORMAT = 1


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    revision: int
    time_ns: int
    config: ClusterConfig
    entries: list[tuple[str, int, msgspec.Raw]]
    pods: list[PodRuntime]
    images: list[tuple[str, str, ImageState]]
    nodes: list[NodeObserved]
    rulesets: dict[str, RulesetState]


def take(view: MemoryView) -> Snapshot:
    """The snapshot of a view."""
    state = view.state()
    state["entries"] = [(resource, revision, msgspec.Raw(data)) for resource, revision, data in state["entries"]]
    return Snapshot(view.revision, view.time_ns, msgspec.json.encode(SavedView(format=FORMAT, **state)))


def restore(snapshot: Snapshot) -> MemoryView:
    """The view that `take` saw. Errors: ValueError for a snapshot of a newer format."""
    saved = msgspec.json.decode(snapshot.payload, type=SavedView)
    if saved.format > FORMAT:
        raise ValueError(f"the snapshot has format {saved.format}; this version reads up to {FORMAT}")
    entries = [_entry(resource, revision, bytes(data)) for resource, revision, data in saved.entries]
    view = MemoryView()
    view.load(
        revision=saved.revision, time_ns=saved.time_ns, config=saved.config, entries=entries, pods=saved.pods,
        images=saved.images, nodes=saved.nodes, rulesets=saved.rulesets,
    )  # fmt: skip
    return view


def _entry(resource: str, revision: int, data: bytes) -> Entry:
    return Entry(resource, codec.restore(registry.by_resource(resource).type, data), data, revision)
