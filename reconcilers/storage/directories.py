"""Volumes that are directories on a node's disk: made for the claims of a class whose provisioner we are, and grown with them.

The directory first, by its node, then the volume's object: a claim is never bound to a directory that is not there. It is made
on the node that the scheduler chose for the claim's pod; where a claim does not wait for one, on any node that can take pods. A
size is kept as it was asked for, and nothing enforces it. Should the engine die before it has heard that a directory was made,
and its claim go meanwhile, the node says so when it starts again, and reclaim.py has it removed.
Source: the contract of Kubernetes' external provisioners and resizers.
"""

import zlib
from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.runtime.commands import MakeVolume
from shipslog.store.commands import Create, Update
from shipslog.store.facts import NodeObserved, VolumeFact
from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from shipslog.store.objects.types.core_v1 import PersistentVolume as Volume
from shipslog.store.objects.types.core_v1 import PersistentVolumeClaim as Claim
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.times import SECOND_NS, api_time
from shipslog.store.objects.volume_claims import DIRECTORIES, class_of
from shipslog.store.state import VolumeState
from shipslog.store.view import View

from . import matching
from .words import OPEN_CLAIMS, PROVISIONED_BY, PROVISIONER, PROVISIONER_FINALIZER, SELECTED_NODE, VOLUME_PROTECTION, WAITS

HOSTNAME = "kubernetes.io/hostname"
PREFIX = "pvc-"
BACKOFF_S, BACKOFF_MAX_S = 1.0, 300.0
RESIZING, IN_PROGRESS = "Resizing", "ControllerResizeInProgress"


def volume_name(claim: Claim) -> str:
    """Of the volume that is made for a claim: never another's, and nothing that a person has chosen."""
    return f"{PREFIX}{claim.metadata.uid}"


def claim_of_name(view: View, name: str) -> Claim | None:
    """The claim that a volume of that name was made for, while it is there."""
    entry = view.by_uid(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    return entry.object if entry is not None and isinstance(entry.object, Claim) else None


def retry_s(state: VolumeState, now: Instant) -> float:
    """Seconds until what failed on a node may be tried again; 0 for now."""
    if not state.failures:
        return 0.0
    wait_s = min(BACKOFF_S * 2.0 ** min(state.failures - 1, 16), BACKOFF_MAX_S)
    return max(state.failed_at_ns / SECOND_NS + wait_s - now / SECOND_NS, 0.0)


# --- what wakes it ---


def _of_fact(view: View, fact: VolumeFact) -> Iterable[str]:
    claim = claim_of_name(view, fact.volume)
    return (key_of(claim),) if claim is not None else ()


def _of_volume(view: View, volume: Volume) -> Iterable[str]:
    ref = volume.spec.claim_ref
    return (f"{ref.namespace}/{ref.name}",) if ref is not None else ()


def _that_wait(view: View, what: core_v1.Node | NodeObserved) -> Iterable[str]:
    """All claims that wait for a directory: a node came, or went."""
    provisioned = [c.metadata.name for c in view.list(storage_v1.StorageClass) if c.provisioner == DIRECTORIES]
    return [key_of(entry.object) for name in provisioned for entry in view.find(OPEN_CLAIMS, name)]


def _came_or_went(before: core_v1.Node | None, after: core_v1.Node | None) -> bool:
    return before is None or after is None or _takes_pods(before) != _takes_pods(after)


WAKES = (
    rule(core_v1.PersistentVolumeClaim)
    .watches(core_v1.PersistentVolume, to=_of_volume)
    .watches(core_v1.Node, to=_that_wait, when=_came_or_went)
    .hears(VolumeFact, to=_of_fact)
    .hears(NodeObserved, to=_that_wait)
    .reads(storage_v1.StorageClass)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """The next step for a claim."""
    namespace, _, name = key.partition("/")
    claim = view.get(core_v1.PersistentVolumeClaim, name, namespace)
    if claim is None or claim.metadata.deletion_timestamp:
        return Decision(reason="there is no such claim, or it goes")
    if claim.spec.volume_name:
        return _grown(view, claim, now)
    found = view.get(storage_v1.StorageClass, class_of(claim))
    if found is None or found.provisioner != DIRECTORIES or claim.metadata.annotations.get(PROVISIONER[1]) != DIRECTORIES:
        return Decision(reason="nobody asked for a directory")
    if view.get(core_v1.PersistentVolume, volume_name(claim)) is not None:
        return Decision(reason="its volume is made")
    if wrong := _unsuitable(claim):
        return Decision(reason=wrong, says=(_failed(claim, found, wrong),))
    return _made(view, claim, found, now)


# --- making ---


def _unsuitable(claim: Claim) -> str:
    """Why no directory is what a claim asks for."""
    spec = claim.spec
    if matching.mode_of(claim) != "Filesystem":
        return f'directories are no block devices: volumeMode "{spec.volume_mode}" is not supported'
    if spec.selector is not None:
        return "claim.Spec.Selector is not supported for dynamic provisioning"
    if spec.data_source is not None or spec.data_source_ref is not None:
        return "directories begin empty: dataSource is not supported"
    return ""


def _made(view: View, claim: Claim, found: storage_v1.StorageClass, now: Instant) -> Decision:
    name = volume_name(claim)
    states = {state.node: state for state in view.volumes(name)}
    chosen = claim.metadata.annotations.get(SELECTED_NODE, "")
    if not chosen and found.volume_binding_mode == WAITS:
        return Decision(reason="no node is chosen yet")
    node = view.get(core_v1.Node, chosen) if chosen else _any_node(view, claim, found, states)
    if chosen and (node is None or not (_is_ready(node) or _has(states, chosen))):
        return _chosen_anew(claim, found, node, chosen)
    if node is None or not _allowed(found, node):
        why = "no node can take it" if node is None else f"the class does not allow node {node.metadata.name}"
        return Decision(reason=why, says=(_failed(claim, found, why),))
    state = states.get(node.metadata.name)
    if state is not None and state.path:
        create = Create(object=_volume(claim, found, node, state.path))
        say = Say(
            about=reference(claim), reason="ProvisioningSucceeded", message=f"Successfully provisioned volume {name}",
            after=create,
        )  # fmt: skip
        return Decision(reason="its directory is there", commands=(create,), says=(say,))
    says = [] if state is None else [_failed(claim, found, state.message)]
    if state is not None and (wait_s := retry_s(state, now)):
        return Decision(reason=state.message, requeue_after=wait_s, says=tuple(says))
    make = MakeVolume(node=node.metadata.name, volume=name)
    what = f'External provisioner is provisioning volume for claim "{key_of(claim)}"'
    says.append(Say(about=reference(claim), reason="Provisioning", message=what))
    return Decision(reason="it needs a directory", commands=(make,), says=tuple(says))


def _chosen_anew(claim: Claim, found: storage_v1.StorageClass, node: core_v1.Node | None, chosen: str) -> Decision:
    """Its node is gone or does not answer, and has nothing of it: the scheduler chooses another for its pod."""
    others = {k: v for k, v in claim.metadata.annotations.items() if k != SELECTED_NODE}
    again = Update(object=replace(claim, metadata=replace(claim.metadata, annotations=others)))
    why = f'failed to get target node: nodes "{chosen}" not found' if node is None else f'node "{chosen}" is not ready'
    return Decision(reason="its node is gone", commands=(again,), says=(_failed(claim, found, why),))


def _has(states: dict[str, VolumeState], node: str) -> bool:
    """Whether the directory is there already."""
    return node in states and bool(states[node].path)


def _failed(claim: Claim, found: storage_v1.StorageClass, why: str) -> Say:
    message = f'failed to provision volume with StorageClass "{found.metadata.name}": {why}'
    return Say(about=reference(claim), type="Warning", reason="ProvisioningFailed", message=message)


def _any_node(view: View, claim: Claim, found: storage_v1.StorageClass, states: dict[str, VolumeState]) -> core_v1.Node | None:
    """Where it was begun, else one of those that can take pods: not all claims get the same."""
    nodes = [n for n in view.list(core_v1.Node) if _takes_pods(n) and _allowed(found, n)]
    begun = [n for n in nodes if n.metadata.name in states]
    if begun:
        return max(begun, key=lambda n: bool(states[n.metadata.name].path))
    return nodes[zlib.crc32(claim.metadata.uid.encode()) % len(nodes)] if nodes else None


def _takes_pods(node: core_v1.Node) -> bool:
    return _is_ready(node) and not node.spec.unschedulable


def _is_ready(node: core_v1.Node) -> bool:
    ready = find_condition(node.status.conditions, "Ready")
    return ready is not None and ready.status == "True"


def _allowed(found: storage_v1.StorageClass, node: core_v1.Node) -> bool:
    """Whether the class lets volumes be there."""
    if not found.allowed_topologies:
        return True
    labels = node.metadata.labels
    return any(all(labels.get(e.key) in e.values for e in t.match_label_expressions) for t in found.allowed_topologies)


def _volume(claim: Claim, found: storage_v1.StorageClass, node: core_v1.Node, path: str) -> Volume:
    meta, host = claim.metadata, node.metadata.labels.get(HOSTNAME, node.metadata.name)
    here = core_v1.NodeSelectorRequirement(key=HOSTNAME, operator="In", values=(host,))
    term = core_v1.NodeSelectorTerm(match_expressions=(here,))
    policy, name = found.reclaim_policy or "Delete", volume_name(claim)
    finalizers = (VOLUME_PROTECTION, *((PROVISIONER_FINALIZER,) if policy == "Delete" else ()))
    whose = core_v1.ObjectReference(
        kind="PersistentVolumeClaim", api_version="v1", namespace=meta.namespace, name=meta.name, uid=meta.uid,
        resource_version=meta.resource_version,
    )  # fmt: skip
    spec = core_v1.PersistentVolumeSpec(
        capacity={"storage": claim.spec.resources.requests["storage"]},
        local=core_v1.LocalVolumeSource(path=path),
        access_modes=claim.spec.access_modes,
        claim_ref=whose,
        persistent_volume_reclaim_policy=policy,
        storage_class_name=found.metadata.name,
        mount_options=found.mount_options,
        volume_mode="Filesystem",
        node_affinity=core_v1.VolumeNodeAffinity(required=core_v1.NodeSelector(node_selector_terms=(term,))),
    )
    notes = {PROVISIONED_BY: DIRECTORIES}
    return Volume(metadata=meta_v1.ObjectMeta(name=name, annotations=notes, finalizers=finalizers), spec=spec)


# --- growing ---


def _grown(view: View, claim: Claim, now: Instant) -> Decision:
    """A directory holds more as soon as somebody says so: the volume first, then the claim."""
    volume = view.get(core_v1.PersistentVolume, claim.spec.volume_name)
    status, wants = claim.status, matching.wanted_size(claim)
    has = quantity.value(str(status.capacity.get("storage", "0")))
    provisioned = volume is not None and volume.metadata.annotations.get(PROVISIONED_BY) == DIRECTORIES
    if volume is None or not provisioned or status.phase != "Bound" or wants <= has:
        return Decision(reason="it is as large as it asks for" if provisioned else "its volume is not ours")
    if matching.size_of(volume) < wants:
        if find_condition(status.conditions, RESIZING) is None:
            return _begun(claim, now)
        capacity = {**volume.spec.capacity, "storage": claim.spec.resources.requests["storage"]}
        larger = replace(volume, spec=replace(volume.spec, capacity=capacity))
        return Decision(reason="its volume is to grow", commands=(Update(object=larger),))
    done = replace(
        status,
        capacity={**status.capacity, "storage": volume.spec.capacity["storage"]},
        conditions=tuple(c for c in status.conditions if c.type != RESIZING),
        allocated_resources={**status.allocated_resources, "storage": volume.spec.capacity["storage"]},
        allocated_resource_statuses={k: v for k, v in status.allocated_resource_statuses.items() if k != "storage"},
    )
    update = Update(object=replace(claim, status=done), subresource="status")
    say = Say(about=reference(claim), reason="VolumeResizeSuccessful", message="Resize volume succeeded", after=update)
    return Decision(reason="its volume has grown", commands=(update,), says=(say,))


def _begun(claim: Claim, now: Instant) -> Decision:
    status = claim.status
    resizing = core_v1.PersistentVolumeClaimCondition(type=RESIZING, status="True")
    begun = replace(
        status,
        conditions=set_condition(status.conditions, resizing, api_time(now)),
        allocated_resources={**status.allocated_resources, "storage": claim.spec.resources.requests["storage"]},
        allocated_resource_statuses={**status.allocated_resource_statuses, "storage": IN_PROGRESS},
    )
    update = Update(object=replace(claim, status=begun), subresource="status")
    what = f"External resizer is resizing volume {claim.spec.volume_name}"
    say = Say(about=reference(claim), reason="Resizing", message=what, after=update)
    return Decision(reason="its volume is to grow", commands=(update,), says=(say,))


RECONCILER = Reconciler(
    name="directory-provisioner", actor="system:controller:directory-provisioner", wakes=WAKES, decide=decide,
    component=DIRECTORIES, projections=(OPEN_CLAIMS,),
)  # fmt: skip
