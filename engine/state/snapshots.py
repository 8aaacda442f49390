"""A view as bytes and back: what a log keeps so that it need not be read from its beginning.

Tests: tests/engine/state/test_view.py
"""

from collections.abc import Generator, Iterator
from typing import cast

import msgspec

from shipslog.store.facts import ClusterConfig, NodeObserved
from shipslog.store.log.event_log import LogNewer, Snapshot
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Scheme
from shipslog.store.state import (
    AutoscalerState,
    Entry,
    ImageState,
    NetworkPolicyState,
    PodRuntime,
    PressureState,
    RulesetState,
    VolumeState,
)

from .view import MemoryView, restored

FORMAT = 1
STEP_BYTES = 128 * 1024  # of objects that are restored before others have their turn


class _Format(msgspec.Struct, frozen=True):
    format: int


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
    nodes_gone: dict[str, int] = {}  # not in the snapshots of earlier versions
    volumes: list[VolumeState] = []
    autoscalers: list[AutoscalerState] = []
    network_policies: dict[str, NetworkPolicyState] = {}
    pressure: dict[str, PressureState] = {}


def take(view: MemoryView) -> Snapshot:
    """The snapshot of a view."""
    state = view.state()
    state["entries"] = [(resource, revision, msgspec.Raw(data)) for resource, revision, data in state["entries"]]
    return Snapshot(view.revision, view.time_ns, msgspec.json.encode(SavedView(format=FORMAT, **state)))


def restore(snapshot: Snapshot, scheme: Scheme = BUILTIN) -> MemoryView:
    """The view that `take` saw, of a cluster that began with the kinds of `scheme`.
    Errors: LogNewer for a snapshot of a newer format, msgspec.DecodeError for what is none."""
    making = restoring(snapshot, scheme)
    while True:
        try:
            next(making)
        except StopIteration as made:
            return cast(MemoryView, made.value)


def restoring(snapshot: Snapshot, scheme: Scheme = BUILTIN) -> Generator[None, None, MemoryView]:
    """`restore` in steps of some milliseconds, so that others can have their turn in between."""
    written = msgspec.json.decode(snapshot.payload, type=_Format).format
    if written > FORMAT:
        what = f"the snapshot has format {written}, this version reads up to {FORMAT}"
        raise LogNewer(f"revision {snapshot.revision}", what)
    saved = msgspec.json.decode(snapshot.payload, type=SavedView)
    view = MemoryView(scheme)
    size = 0
    for entry in _entries(view, saved):
        view.put(entry)
        size += len(entry.encoded)
        if size > STEP_BYTES:
            size = 0
            yield
    view.load(
        revision=saved.revision, time_ns=saved.time_ns, config=saved.config, entries=(), pods=saved.pods,
        images=saved.images, nodes=saved.nodes, rulesets=saved.rulesets, nodes_gone=saved.nodes_gone,
        volumes=saved.volumes, autoscalers=saved.autoscalers,
        network_policies=saved.network_policies, pressure=saved.pressure,
    )  # fmt: skip
    return view


def _entries(view: MemoryView, saved: SavedView) -> Iterator[Entry]:
    """What defines kinds first: it makes the view know the kinds of the others."""
    defining = [e for e in saved.entries if view.scheme.knows(e[0]) and view.scheme.by_resource(e[0]).defines is not None]
    others = [e for e in saved.entries if not view.scheme.knows(e[0]) or view.scheme.by_resource(e[0]).defines is None]
    for resource, revision, data in (*defining, *others):
        yield restored(view.scheme, resource, bytes(data), revision)
