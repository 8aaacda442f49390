"""Where a pod's claims let it go: bound ones by their volume, open ones by what could become theirs there.

A claim whose class waits for its first consumer is bound where the pod goes: a volume that is free is given to it, or the node
is written on it for whoever makes volumes (`commands`). The pod waits until its claims are bound, and its node is kept.

Source: the plugins VolumeBinding (with CSIStorageCapacity), VolumeZone, VolumeRestrictions (ReadWriteOncePod) and
NodeVolumeLimits of Kubernetes 1.37.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import reference
from shipslog.reconcilers.rule.pods import controller_of
from shipslog.reconcilers.storage import matching
from shipslog.reconcilers.storage.words import (
    ALONE,
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    INDEXES,
    LOST,
    NO_PROVISIONER,
    PODS_BY_CLAIM,
    SELECTED_NODE,
    WAITS,
    YES,
)
from shipslog.store.commands import Update
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.core_v1 import PersistentVolumeClaim as Claim
from shipslog.store.objects.values import quantity
from shipslog.store.objects.volume_claims import claim_of, claims_of, class_of
from shipslog.store.projections import index
from shipslog.store.view import View

from .fit import Final, matches_term
from .nodes import NodesState
from .profile import Profile

NOT_ITS_NODE = Final("node(s) didn't match PersistentVolume's node affinity")
NOTHING_TO_BIND = Final("node(s) didn't find available persistent volumes to bind")
NOT_ENOUGH_ROOM = Final("node(s) did not have enough free storage")
NOT_ITS_ZONE = Final("node(s) had no available volume zone")
TOO_MANY_VOLUMES = "node(s) exceed max volume count"
IN_USE = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
ZONES = (
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)
VOLUMES = 1000  # free ones that are weighed for one claim


def _where_claims_are(pod: core_v1.Pod) -> tuple[str, ...]:
    running = pod.spec.node_name and pod.status.phase not in TERMINAL
    return (pod.spec.node_name,) if running and any(claims_of(pod)) else ()


CLAIMANTS = index("pods with claims by node", ("pods",), _where_claims_are)
PROJECTIONS = (*INDEXES, CLAIMANTS)
Key = tuple[str, str]  # namespace, name of a claim


class Taken:
    """What one decision has given away."""

    def __init__(self) -> None:
        self.volumes: set[str] = set()
        self.claims: set[Key] = set()  # those of the pods that it placed

    def copy(self) -> "Taken":
        other = Taken()
        other.volumes, other.claims = set(self.volumes), set(self.claims)
        return other


class Open(Struct):
    """A claim that is bound where its pod goes, with the free volumes that would do, by node and for all nodes."""

    claim: Claim
    selected: str
    made_for: storage_v1.StorageClass | None  # whose provisioner would make one; None where nobody does
    on: dict[int, list[Volume]]
    anywhere: list[Volume]
    room: tuple[Selector, ...] | None = None  # the nodes that its driver has room for; None where it does not say

    def best(self, i: int, taken: Iterable[str]) -> Volume | None:
        return matching.smallest(self.claim, (*self.on.get(i, ()), *self.anywhere), set(taken))


class Volumes:
    """The claims of one pod, as one decision sees them. `refused`: why no node will do, whatever the node; "" when some may."""

    def __init__(self, view: View, nodes: NodesState, taken: Taken, pod: core_v1.Pod, profile: Profile) -> None:
        self._profile = profile
        self._view, self._nodes, self._taken, self._pod = view, nodes, taken, pod
        self._bound: list[Volume] = []
        self._open: list[Open] = []
        self.refused = ""
        self.keys: list[Key] = []
        used = False
        self.alone = False  # whether one of them is for a single pod
        for name in dict.fromkeys(claims_of(pod)):
            self.keys.append((pod.metadata.namespace, name))
            claim = view.get(core_v1.PersistentVolumeClaim, name, pod.metadata.namespace)
            self.refused = self.refused or self._take_in(name, claim)
            if claim is not None and ALONE in claim.spec.access_modes:
                self.alone, used = True, used or (profile.holds("VolumeRestrictions") and self._is_used(self.keys[-1]))
        self.why = [""] * len(nodes.order)
        if not profile.holds("VolumeBinding"):
            self.refused, self._open = "", []
        if not self.refused:
            self.why = [self._on(i) or (IN_USE if used else "") for i in range(len(nodes.order))]

    @property
    def open(self) -> bool:
        """Whether the pod has to wait until they are bound."""
        return bool(self._open)

    # --- taking in ---

    def _take_in(self, name: str, claim: Claim | None) -> str:
        """-> why the pod can go nowhere with it"""
        if claim is None:
            if self._is_ephemeral(name):
                return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
            return f'persistentvolumeclaim "{name}" not found'
        if self._is_not_its_own(name, claim):
            meta = self._pod.metadata
            return f"PVC {meta.namespace}/{name} was not created for pod {meta.namespace}/{meta.name} (pod is not owner)"
        if claim.metadata.deletion_timestamp:
            return f'persistentvolumeclaim "{name}" is being deleted'
        if claim.spec.volume_name and claim.status.phase == LOST:
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim.spec.volume_name}"'
        if claim.spec.volume_name and BIND_COMPLETED in claim.metadata.annotations:
            volume = self._view.get(core_v1.PersistentVolume, claim.spec.volume_name)
            if volume is None:
                return f'persistentvolume "{claim.spec.volume_name}" not found'
            self._bound.append(volume)
            return ""
        class_ = self._view.get(storage_v1.StorageClass, class_of(claim)) if class_of(claim) else None
        if class_ is None or class_.volume_binding_mode != WAITS:
            return UNBOUND
        if not claim.spec.volume_name:
            self._open.append(self._opened(claim, class_))
        else:  # it is half bound
            self._open.append(Open(claim, "", None, {}, []))
        return ""

    def _is_ephemeral(self, name: str) -> bool:
        return any(v.ephemeral is not None and claim_of(self._pod, v) == name for v in self._pod.spec.volumes)

    def _is_not_its_own(self, name: str, claim: Claim) -> bool:
        """Whether somebody else has made what should be made for the pod alone."""
        owner = controller_of(claim)
        return self._is_ephemeral(name) and (owner is None or owner.uid != self._pod.metadata.uid)

    def _opened(self, claim: Claim, class_: storage_v1.StorageClass) -> Open:
        selected = claim.metadata.annotations.get(SELECTED_NODE, "")
        made_for = class_ if class_.provisioner != NO_PROVISIONER else None
        opened = Open(claim, selected, made_for, {}, [], self._room(claim, made_for))
        kept = matching.best_match(self._view, claim, only_kept=True)
        free = [v for v in matching.free(self._view, class_.metadata.name) if not matching.mismatch(claim, v)]
        for volume in [kept] if kept is not None else free[:VOLUMES]:
            if volume.spec.node_affinity is None or volume.spec.node_affinity.required is None:
                opened.anywhere.append(volume)
                continue
            for i in self._nodes_of(volume):
                opened.on.setdefault(i, []).append(volume)
        return opened

    def _room(self, claim: Claim, class_: storage_v1.StorageClass | None) -> tuple[Selector, ...] | None:
        """Where there is enough left of a class, if its driver says so of itself. Of several claims each is looked at alone, as
        Kubernetes does."""
        asked = claim.spec.resources.requests.get("storage")
        driver = self._view.get(storage_v1.CSIDriver, class_.provisioner) if class_ is not None else None
        if class_ is None or asked is None or driver is None or not driver.spec.storage_capacity:
            return None
        enough = []
        for one in self._view.list(storage_v1.CSIStorageCapacity):
            most = one.maximum_volume_size if one.maximum_volume_size is not None else one.capacity
            if one.storage_class_name != class_.metadata.name or most is None:
                continue
            if quantity.value(most) >= quantity.value(asked):
                enough.append(of_label_selector(one.node_topology))
        return tuple(enough)

    def _nodes_of(self, volume: Volume) -> Iterable[int]:
        """The nodes that a volume can be reached from; of those of one disk, without looking at all."""
        found: dict[int, None] = {}
        affinity = volume.spec.node_affinity
        terms = affinity.required.node_selector_terms if affinity is not None and affinity.required is not None else ()
        for term in terms:
            one = term.match_expressions[0] if term.match_expressions else None
            if one is not None and one.operator == "In":
                among = [i for value in one.values for i in self._nodes.places(one.key).get(value, ())]
            else:
                among = list(range(len(self._nodes.order)))
            for i in among:
                node = self._nodes.order[i].node
                if node is not None and matches_term(term, node):
                    found[i] = None
        return found

    def _is_used(self, key: Key) -> bool:
        if key in self._taken.claims:
            return True
        pods: Iterable[core_v1.Pod] = (entry.object for entry in self._view.find(PODS_BY_CLAIM, key))
        return any(p.spec.node_name and p.status.phase not in TERMINAL for p in pods)

    # --- asking ---

    def _on(self, i: int) -> str:
        """Why not on one node."""
        node = self._nodes.order[i].node
        assert node is not None
        for volume in self._bound if self._profile.holds("VolumeBinding") else ():
            if not reachable(volume, node):
                return NOT_ITS_NODE
        given: list[str] = []
        short = False
        for opened in self._open:
            could = self._could_bind(opened, i, node, given)
            if not could:
                return NOTHING_TO_BIND
            short = short or could is NOT_ENOUGH_ROOM
        if short:
            return NOT_ENOUGH_ROOM
        if self._profile.holds("VolumeZone") and any(not _in_zone(volume, node) for volume in self._bound):
            return NOT_ITS_ZONE
        return TOO_MANY_VOLUMES if self._profile.holds("NodeVolumeLimits") and self._exceeds(node.metadata.name) else ""

    def _could_bind(self, opened: Open, i: int, node: core_v1.Node, given: list[str]) -> bool | str:
        """NOT_ENOUGH_ROOM where one could be made, and its driver says that it has no room for it."""
        if opened.claim.spec.volume_name:
            volume = self._view.get(core_v1.PersistentVolume, opened.claim.spec.volume_name)
            return volume is None or reachable(volume, node)
        if opened.selected and opened.selected != node.metadata.name:
            return False
        volume = opened.best(i, (*given, *self._taken.volumes))
        if volume is not None:
            given.append(volume.metadata.name)
            return True
        if opened.made_for is None or not _allowed(opened.made_for, node):
            return False
        return opened.room is None or any(one.matches(node.metadata.labels) for one in opened.room) or NOT_ENOUGH_ROOM

    def _exceeds(self, name: str) -> bool:
        """Whether the drivers of the pod's volumes can attach no more of them there."""
        found = self._view.get(storage_v1.CSINode, name)
        limits = {
            d.name: d.allocatable.count
            for d in (found.spec.drivers if found is not None else ())
            if d.allocatable is not None and d.allocatable.count is not None
        }
        new = {handle for handle in self._handles(self._pod) if handle[0] in limits}
        if not new:
            return False
        there = {h for entry in self._view.find(CLAIMANTS, name) for h in self._handles(entry.object)}
        return any(len({h for h in (new | there) if h[0] == driver}) > limits[driver] for driver in {h[0] for h in new - there})

    def _handles(self, pod: core_v1.Pod) -> Iterable[tuple[str, str]]:
        """(driver, volume) of each CSI volume of a pod; for one that is to be made, its claim."""
        for name in claims_of(pod):
            claim = self._view.get(core_v1.PersistentVolumeClaim, name, pod.metadata.namespace)
            if claim is None:
                continue
            volume = self._view.get(core_v1.PersistentVolume, claim.spec.volume_name) if claim.spec.volume_name else None
            if volume is not None and volume.spec.csi is not None:
                yield volume.spec.csi.driver, volume.spec.csi.volume_handle
            elif volume is None and class_of(claim):
                class_ = self._view.get(storage_v1.StorageClass, class_of(claim))
                if class_ is not None:
                    yield class_.provisioner, f"{pod.metadata.namespace}/{name}"

    # --- deciding ---

    def commands(self, i: int) -> list[Update]:
        """What has the open claims be bound on the node; nothing for those of which it was said before."""
        name, out = self._nodes.order[i].name, list[Update]()
        for opened in self._open:
            claim = opened.claim
            if claim.spec.volume_name:
                continue
            volume = opened.best(i, self._taken.volumes)
            if volume is not None:
                self._taken.volumes.add(volume.metadata.name)
                if volume.spec.claim_ref is None:
                    notes = volume.metadata.annotations | {BOUND_BY_CONTROLLER: YES}
                    spec = replace(volume.spec, claim_ref=replace(reference(claim), field_path=""))
                    out.append(Update(object=replace(volume, metadata=replace(volume.metadata, annotations=notes), spec=spec)))
            elif not opened.selected:
                notes = claim.metadata.annotations | {SELECTED_NODE: name}
                out.append(Update(object=replace(claim, metadata=replace(claim.metadata, annotations=notes))))
        return out

    def take(self) -> None:
        """The pod is placed."""
        self._taken.claims.update(self.keys)


def reachable(volume: Volume, node: core_v1.Node) -> bool:
    affinity = volume.spec.node_affinity
    required = affinity.required if affinity is not None else None
    return required is None or any(matches_term(term, node) for term in required.node_selector_terms)


def _in_zone(volume: Volume, node: core_v1.Node) -> bool:
    """The labels of its zone and region must be the node's; several zones have `__` between them."""
    wanted = {key: volume.metadata.labels[key] for key in ZONES if key in volume.metadata.labels}
    if node.metadata.labels.keys().isdisjoint(ZONES):
        return True
    return all(node.metadata.labels.get(key, "") in value.split("__") for key, value in wanted.items())


def _allowed(class_: storage_v1.StorageClass, node: core_v1.Node) -> bool:
    terms = class_.allowed_topologies
    return not terms or any(
        all(node.metadata.labels.get(e.key) in e.values for e in term.match_label_expressions) for term in terms
    )
