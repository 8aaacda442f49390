"""Where to find what the view holds: by uid, owner, node and address. Follows each change; `rebuilt` makes it from nothing.

What a fact does to an index is decided here alone, from the thing before and the thing after, so that an index cannot know
less than the state that it is about.
"""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct, field

from shipslog.store.objects import core_v1
from shipslog.store.state import Entry, PodRuntime

K = TypeVar("K")
V = TypeVar("V")
Key = tuple[str, str, str]  # resource, namespace, name


class Indexes(Struct):
    """All of them. Equal when they find the same."""

    by_uid: dict[str, Entry] = field(default_factory=dict)
    owned: dict[str, set[Key]] = field(default_factory=dict)
    pods_by_node: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    service_ips: dict[str, str] = field(default_factory=dict)
    node_ports: dict[tuple[int, str], str] = field(default_factory=dict)
    pods_running: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def rebuilt(cls, entries: Iterable[Entry], pods: Iterable[PodRuntime]) -> "Indexes":
        """Those of a state, from the state alone."""
        indexes = cls()
        for entry in entries:
            meta = entry.object.metadata
            indexes.object_changed((entry.resource, meta.namespace, meta.name), None, entry)
        for pod in pods:
            indexes.pod_changed(None, pod)
        return indexes

    def differing(self, other: "Indexes") -> list[str]:
        """The names of those that do not find the same."""
        return [name for name in self.__struct_fields__ if getattr(self, name) != getattr(other, name)]

    # --- following ---

    def object_changed(self, key: Key, previous: Entry | None, entry: Entry | None) -> None:
        """An object was made (no previous), changed, or deleted (no entry)."""
        old, new = previous.object if previous else None, entry.object if entry else None
        if old is not None and (new is None or old.metadata.uid != new.metadata.uid):
            self.by_uid.pop(old.metadata.uid, None)
        if entry is not None:
            self.by_uid[entry.object.metadata.uid] = entry
        before = {o.uid for o in old.metadata.owner_references} if old is not None else set()
        after = {o.uid for o in new.metadata.owner_references} if new is not None else set()
        for uid in before - after:
            _discard(self.owned, uid, key)
        for uid in after - before:
            self.owned.setdefault(uid, set()).add(key)
        if key[0] == "pods":
            self._pod_bound(old, new, key)
        elif key[0] == "services":
            self._service_changed(old, new, f"{key[1]}/{key[2]}")

    def pod_changed(self, before: PodRuntime | None, after: PodRuntime | None) -> None:
        """What runs of a pod changed; it may run on another node now."""
        here, there = before.node if before is not None else None, after.node if after is not None else None
        if here == there:
            return
        if before is not None:
            _discard(self.pods_running, before.node, before.pod_uid)
        if after is not None:
            self.pods_running.setdefault(after.node, set()).add(after.pod_uid)

    def _pod_bound(self, old: core_v1.Pod | None, new: core_v1.Pod | None, key: Key) -> None:
        before = old.spec.node_name if old is not None else None
        after = new.spec.node_name if new is not None else None
        if before == after:
            return
        if before is not None:
            _discard(self.pods_by_node, before, (key[1], key[2]))
        if after is not None:
            self.pods_by_node.setdefault(after, set()).add((key[1], key[2]))

    def _service_changed(self, old: core_v1.Service | None, new: core_v1.Service | None, key: str) -> None:
        for service in (old,) if old is not None else ():
            for address in addresses_of(service):
                self.service_ips.pop(address, None)
            for port in node_ports_of(service):
                self.node_ports.pop(port, None)
        for service in (new,) if new is not None else ():
            for address in addresses_of(service):
                self.service_ips[address] = key
            for port in node_ports_of(service):
                self.node_ports[port] = key


def addresses_of(service: core_v1.Service) -> tuple[str, ...]:
    """The cluster addresses that a Service holds; () for headless and external ones."""
    spec = service.spec
    held = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return () if spec.type == "ExternalName" else tuple(a for a in held if a != "None")


def node_ports_of(service: core_v1.Service) -> list[tuple[int, str]]:
    """(port, protocol) of every node port that a Service holds."""
    ports = [(p.node_port, p.protocol or "TCP") for p in service.spec.ports if p.node_port]
    if service.spec.health_check_node_port:
        ports.append((service.spec.health_check_node_port, "TCP"))
    return ports


def _discard(index: dict[K, set[V]], key: K, value: V) -> None:
    held = index.get(key)
    if held is not None:
        held.discard(value)
        if not held:
            del index[key]
