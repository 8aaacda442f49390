"""A small world to admit objects in: one namespace with its default account, a clock that stands still, seeded chance."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shipslog.engine.admission import Admission, admit_create, admit_update
from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Entropy
from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted, ObjectModified
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.values.times import api_time
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry

NOW_NS = 1_800_000_000 * 10**9


class World:
    """Creates, changes and deletes through admission alone, on bodies as they come over the wire."""

    def __init__(self, namespace: str = "ns") -> None:
        self.view, self.entropy, self.namespace = MemoryView(), Entropy(7), namespace
        self.kinds = {kind.plural: kind for kind in BUILTIN.kinds()}
        active = core_v1.NamespaceStatus(phase="Active")
        old = ObjectMeta(name=namespace, uid="ns", creation_timestamp=api_time(NOW_NS - 3600 * 10**9))
        self.keep(core_v1.Namespace(metadata=old, status=active))
        self.keep(core_v1.ServiceAccount(metadata=ObjectMeta(name="default", namespace=namespace, uid="sa")))

    def ctx(self) -> Admission:
        return Admission(
            view=self.view, now_ns=NOW_NS, entropy=self.entropy, actor="alice", config=self.view.config, warnings=[]
        )

    def _fact(self, fact: type, obj: Any, entry: Entry | None) -> None:
        kind, meta = BUILTIN.of(obj), obj.metadata
        made = fact(resource=kind.resource, namespace=meta.namespace, name=meta.name, uid=meta.uid, object=msgspec.Raw(b"{}"))
        self.view.evolve(Event(revision=self.view.revision + 1, time_ns=NOW_NS, actor="alice", cause=None, fact=made), entry)

    def keep(self, obj: Any) -> Any:
        """Put the object into the view as it is."""
        kind, meta = BUILTIN.of(obj), obj.metadata
        known = self.view.entry(kind.resource, meta.name, meta.namespace) is not None
        obj = replace(obj, metadata=replace(meta, resource_version=str(self.view.revision + 1)))
        self._fact(ObjectModified if known else ObjectCreated, obj, Entry(kind.resource, obj, b"{}", self.view.revision + 1))
        return obj

    def drop(self, obj: Any) -> None:
        self._fact(ObjectDeleted, obj, Entry(BUILTIN.of(obj).resource, obj, b"{}", self.view.revision + 1))

    def decode(self, plural: str, body: dict[str, Any]) -> Any:
        kind = self.kinds[plural]
        obj, _ = codec.from_builtins(
            kind.type, {"apiVersion": kind.api_version, "kind": kind.kind, **body}, validation="Ignore"
        )
        return obj

    def create(self, plural: str, body: dict[str, Any], *, keep: bool = True) -> Any:
        kind, obj = self.kinds[plural], self.decode(plural, body)
        meta = obj.metadata
        name = meta.name or (meta.generate_name + self.entropy.suffix() if meta.generate_name else "")
        namespace = (meta.namespace or self.namespace) if kind.namespaced else ""
        meta = replace(meta, name=name, namespace=namespace, uid=self.entropy.uid(), creation_timestamp=api_time(NOW_NS))
        obj = admit_create(kind, replace(obj, metadata=meta), self.ctx())
        return self.keep(obj) if keep else obj

    def update(self, old: Any, new: Any, subresource: str = "") -> Any:
        kind, was = BUILTIN.of(old), old.metadata
        meta = replace(
            new.metadata, uid=was.uid, creation_timestamp=new.metadata.creation_timestamp or was.creation_timestamp,
            namespace=was.namespace, generation=was.generation, deletion_timestamp=was.deletion_timestamp,
            resource_version=was.resource_version,
        )  # fmt: skip
        return self.keep(admit_update(kind, old, replace(new, metadata=meta), subresource, self.ctx()))

    def change(self, old: Any, subresource: str = "", **parts: Any) -> Any:
        """A merge patch: dicts merge, None removes."""
        merged = merge(json.loads(json.dumps(codec.to_builtins(old))), parts)
        return self.update(old, self.decode(BUILTIN.of(old).plural, merged), subresource)

    def delete(self, obj: Any) -> None:
        kind = BUILTIN.of(obj)
        strategy_of(kind.resource).admit_delete(kind, obj, self.ctx())
        self.drop(obj)


def merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merge(target.get(key), value)
    return target


def causes(refusal: Refusal) -> set[str]:
    return {f"{c.reason} {c.field}".strip() for c in refusal.causes}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def refused() -> Any:
    """Call it with what must be refused: the set of causes, each "Reason field"."""

    def call(action: Any, *args: Any, code: int = 422, **kwargs: Any) -> set[str]:
        with pytest.raises(Refusal) as caught:
            action(*args, **kwargs)
        assert caught.value.code == code, caught.value.message
        return causes(caught.value)

    return call
