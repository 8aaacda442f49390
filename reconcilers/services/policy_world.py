"""Which pods NetworkPolicies speak of, kept up with each change of a pod, a namespace or a policy.

A change only marks what it touches. A pod that changes is held against the choices of pods that look into its namespace; where
there are no policies it costs a line in a dictionary.

Tests: tests/reconcilers/services/test_network_policy.py
"""

import hashlib
import ipaddress
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct, field

from shipslog.runtime.commands import NetworkPolicyRules, PodPolicies, PolicyRule
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types.core_v1 import Namespace, Pod
from shipslog.store.objects.types.networking_v1 import NetworkPolicy
from shipslog.store.projections import Projection
from shipslog.store.state import Entry

from .policy_rules import Peers, PolicyParts, parts_of

PODS, NAMESPACES, NETWORK_POLICIES = "pods", "namespaces", "networkpolicies.networking.k8s.io"
EMPTY = NetworkPolicyRules(digest="none")


class Group(Struct):
    """The pods that a choice chooses now."""

    peers: Peers
    subject_of: set[str] = field(default_factory=set)  # policies that are about them
    peer_of: set[str] = field(default_factory=set)  # policies that let them through
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)  # addresses by pod
    _addresses: tuple[str, ...] | None = None

    def put(self, key: str, addresses: tuple[str, ...]) -> None:
        if self.members.get(key) != addresses:
            self.members[key] = addresses
            self._addresses = None

    def drop(self, key: str) -> None:
        if self.members.pop(key, None) is not None:
            self._addresses = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Sorted; the same object until something changes."""
        if self._addresses is None:
            self._addresses = tuple(sorted({one for addresses in self.members.values() for one in addresses}))
        return self._addresses


class PolicyWorld:
    """Everything is by `namespace/name`."""

    def __init__(self) -> None:
        self._pods: dict[str, dict[str, Pod]] = {}  # by namespace; those that have an address of their own
        self._on: dict[str, dict[str, Pod]] = {}  # the same by node
        self._namespaces: dict[str, Namespace] = {}
        self._policies: dict[str, NetworkPolicy] = {}
        self._touched: dict[tuple[str, str], None] = {}  # resource, key
        self._parts: dict[str, PolicyParts] = {}
        self._groups: dict[str, Group] = {}
        self._looking: dict[str, dict[str, Group]] = {}  # by namespace: the groups that choose from it
        self._named: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {}  # by port name, by pod
        self._users: dict[str, set[str]] = {}  # by port name: the policies
        self._version = 0
        self._made: dict[str, tuple[int, NetworkPolicyRules]] = {}  # by node: what it was last, and when

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyWorld) and self._state() == other._state()

    def _state(self) -> tuple[object, ...]:
        self._renew()
        looking = {namespace: set(groups) for namespace, groups in self._looking.items() if groups}
        return self._pods, self._on, self._namespaces, self._policies, self._parts, self._held(), looking, self._named

    def _held(self) -> dict[str, tuple[object, ...]]:
        return {name: (g.subject_of, g.peer_of, g.members) for name, g in self._groups.items()}

    # --- what changes ---

    def evolve(self, before: Entry | None, after: Entry | None) -> None:
        """A pod, a namespace or a policy was made, changed or deleted."""
        for entry in (before, after):
            if entry is not None:
                self._take(entry.resource, entry.object, there=entry is after)

    def _take(self, resource: str, obj: Any, *, there: bool) -> None:
        meta = obj.metadata
        key = meta.name if resource == NAMESPACES else f"{meta.namespace}/{meta.name}"
        if resource == PODS:
            there = there and bool(addresses_of(obj))
            _put(self._pods, meta.namespace, key, obj if there else None)
            if obj.spec.node_name:
                _put(self._on, obj.spec.node_name, key, obj if there else None)
        else:
            held: dict[str, Any] = self._namespaces if resource == NAMESPACES else self._policies
            if there:
                held[key] = obj
            else:
                held.pop(key, None)
        if self._policies or self._parts:
            self._touched[resource, key] = None

    def _renew(self) -> None:
        """Take in what was touched."""
        if not self._touched:
            return
        touched = list(self._touched)
        self._touched.clear()
        self._version += 1
        for resource, key in touched:
            if resource == NETWORK_POLICIES:
                self._renew_policy(key)
        for resource, key in touched:
            if resource == NAMESPACES:
                self._renew_namespace(key)
            elif resource == PODS:
                self._renew_pod(key)

    def _renew_policy(self, key: str) -> None:
        old, policy = self._parts.pop(key, None), self._policies.get(key)
        new = parts_of(policy) if policy is not None else None
        if new is not None:
            self._parts[key] = new
        for parts, join in ((new, True), (old, False)):
            if parts is None:
                continue
            kept = new if parts is old else None
            for group in self._groups_of(parts):
                self._use(group, key, parts, kept, join=join)
            for name in parts.named:
                users = self._users.setdefault(name, set())
                if join:
                    users.add(key)
                elif kept is None or name not in kept.named:
                    users.discard(key)
                self._renew_name(name)

    def _groups_of(self, parts: PolicyParts) -> list[Group]:
        chosen = {parts.subject.name: parts.subject, **parts.peers}
        return [self._groups.get(name) or self._begin(name, peers) for name, peers in chosen.items()]

    def _begin(self, name: str, peers: Peers) -> Group:
        group = self._groups[name] = Group(peers)
        spaces = (peers.namespace,) if peers.namespaces is None else tuple(self._namespaces)
        for space in spaces:
            if peers.includes(space, self._labels(space)):
                self._look(name, group, space)
        return group

    def _look(self, name: str, group: Group, space: str) -> None:
        self._looking.setdefault(space, {})[name] = group
        for key, pod in self._pods.get(space, {}).items():
            if group.peers.pods.matches(pod.metadata.labels):
                group.put(key, addresses_of(pod))

    def _use(self, group: Group, key: str, parts: PolicyParts, kept: PolicyParts | None, *, join: bool) -> None:
        name = group.peers.name
        for users, uses, still in (
            (group.subject_of, name == parts.subject.name, kept is not None and name == kept.subject.name),
            (group.peer_of, name in parts.peers, kept is not None and name in kept.peers),
        ):
            if join and uses:
                users.add(key)
            elif not join and uses and not still:
                users.discard(key)
        if not group.subject_of and not group.peer_of:
            self._groups.pop(name, None)
            for space in [s for s, groups in self._looking.items() if name in groups]:
                del self._looking[space][name]

    def _renew_name(self, name: str) -> None:
        if not self._users.get(name):
            self._users.pop(name, None)
            self._named.pop(name, None)
        elif name not in self._named:
            ports = {key: ports_named(pod, name) for pods in self._pods.values() for key, pod in pods.items()}
            self._named[name] = {key: found for key, found in ports.items() if found}

    def _renew_namespace(self, space: str) -> None:
        labels, looking = self._labels(space), self._looking.setdefault(space, {})
        for name, group in self._groups.items():
            if group.peers.namespaces is None or group.peers.includes(space, labels) == (name in looking):
                continue
            if name not in looking:
                self._look(name, group, space)
                continue
            del looking[name]
            for key in [k for k in group.members if k.partition("/")[0] == space]:
                group.drop(key)

    def _renew_pod(self, key: str) -> None:
        space = key.partition("/")[0]
        pod = self._pods.get(space, {}).get(key)
        for group in self._looking.get(space, {}).values():
            if pod is not None and group.peers.pods.matches(pod.metadata.labels):
                group.put(key, addresses_of(pod))
            else:
                group.drop(key)
        for name, held in self._named.items():
            found = ports_named(pod, name) if pod is not None else ()
            if found:
                held[key] = found
            else:
                held.pop(key, None)

    def _labels(self, space: str) -> dict[str, str] | None:
        namespace = self._namespaces.get(space)
        return dict(namespace.metadata.labels) if namespace is not None else None

    # --- what is asked ---

    @property
    def any(self) -> bool:
        """Whether there are policies, or were a moment ago."""
        return bool(self._policies or self._parts)

    def selects(self, pod: Pod) -> bool:
        """Whether a policy is about this pod, which need not have an address yet."""
        if not self.any or pod.spec.host_network:
            return False
        self._renew()
        groups = self._looking.get(pod.metadata.namespace, {}).values()
        return any(g.subject_of and g.peers.pods.matches(pod.metadata.labels) for g in groups)

    def rules_on(self, node: str) -> NetworkPolicyRules:
        """The rules of a node; parts that did not change are the same objects as the last time."""
        if not self.any:
            return EMPTY
        self._renew()
        made = self._made.get(node)
        if made is None or made[0] != self._version:
            rules = self._rules_on(node)
            if made is not None and made[1].digest == rules.digest:
                rules = made[1]
            made = self._made[node] = (self._version, rules)
        return made[1]

    def _rules_on(self, node: str) -> NetworkPolicyRules:
        pods = dict(self._judged_on(node))
        if not pods:
            return EMPTY
        rules: dict[str, tuple[PolicyRule, ...]] = {}
        for pod in pods.values():
            for name in (*(pod.ingress or ()), *(pod.egress or ())):
                key, _, direction = name.rpartition(":")
                rules[name] = self._parts[key].directions[direction]
        rules = dict(sorted(rules.items()))
        groups = {n: self._groups[n].addresses for n in sorted({n for rs in rules.values() for r in rs for n in r.groups})}
        names = sorted({n for rs in rules.values() for r in rs for n in r.named})
        named = {n: tuple(sorted({one for found in self._named[n].values() for one in found})) for n in names}
        made = NetworkPolicyRules(pods=pods, rules=rules, groups=groups, named=named)
        digest = hashlib.blake2b(msgspec.json.encode(made, order="deterministic"), digest_size=16).hexdigest()
        return msgspec.structs.replace(made, digest=digest)

    def _judged_on(self, node: str) -> Iterator[tuple[str, PodPolicies]]:
        """By address, sorted. Where two have one address, it is the one's that stays, or came later."""
        by_address: dict[str, Pod] = {}
        for pod in sorted(self._on.get(node, {}).values(), key=_stays):
            by_address.update(dict.fromkeys(addresses_of(pod), pod))
        for address, pod in sorted(by_address.items()):
            key = f"{pod.metadata.namespace}/{pod.metadata.name}"
            looking = self._looking.get(pod.metadata.namespace, {}).values()
            about = sorted({p for g in looking if g.subject_of and key in g.members for p in g.subject_of})
            if about:
                ways = [tuple(f"{p}:{way}" for p in about if way in self._parts[p].directions) for way in ("ingress", "egress")]
                yield address, PodPolicies(pod_uid=pod.metadata.uid, ingress=ways[0] or None, egress=ways[1] or None)


def addresses_of(pod: Pod) -> tuple[str, ...]:
    """The addresses that policies know a pod by; () for one that has none of its own, or none any more."""
    if pod.spec.host_network or not pod.spec.node_name or pod.status.phase in TERMINAL:
        return ()
    first, *others = (pod.status.pod_ip, *(one.ip for one in pod.status.pod_ips))
    found = (_canonical(first), *(_canonical(other) for other in others if other != first))
    return tuple(address for address in found if address)


def ports_named(pod: Pod, name: str) -> tuple[tuple[str, int], ...]:
    """Where a pod's ports of this name are: `tcp/http`."""
    protocol, _, called = name.partition("/")
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    ports = [p for c in containers for p in c.ports if p.name == called and (p.protocol or "TCP").lower() == protocol]
    numbers = sorted({p.container_port for p in ports})
    return tuple((address, number) for address in addresses_of(pod) for number in numbers)


def _stays(pod: Pod) -> tuple[bool, str, str]:
    return not pod.metadata.deletion_timestamp, pod.metadata.creation_timestamp or "", pod.metadata.uid


def _put(held: dict[str, dict[str, Pod]], where: str, key: str, pod: Pod | None) -> None:
    if pod is not None:
        held.setdefault(where, {})[key] = pod
    elif where in held:
        held[where].pop(key, None)
        if not held[where]:
            del held[where]


@lru_cache(maxsize=65536)
def _canonical(address: str) -> str:
    """As the kernel writes it; "" for what is none."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


POLICIES = Projection("what network policies say", (PODS, NAMESPACES, NETWORK_POLICIES), PolicyWorld, PolicyWorld.evolve)
