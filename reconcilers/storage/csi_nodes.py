"""A node with CSI drivers has a CSINode that says which, and labels for where they can reach volumes.

Source: the kubelet's node info manager; nodes without drivers have no CSINode here, where a kubelet makes an empty one.
"""

from collections.abc import Iterable

import msgspec

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Update
from shipslog.store.facts import CsiDriver, NodeObserved
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from shipslog.store.view import View

NODE_IDS = "csi.volume.kubernetes.io/nodeid"


def _reporter(view: View, fact: NodeObserved) -> Iterable[str]:
    return (fact.node,)


def _named(view: View, found: storage_v1.CSINode) -> Iterable[str]:
    return (found.metadata.name,)


WAKES = rule(core_v1.Node).watches(storage_v1.CSINode, to=_named).hears(NodeObserved, to=_reporter)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Have the node's CSINode and the node itself say what its runtime said."""
    observed, node = view.node_observed(key), view.get(core_v1.Node, key)
    if observed is None or node is None:
        return Decision(reason="its node has not reported" if observed is None else "there is no such node")
    commands: list[AnyObjectCommand] = []
    held = view.get(storage_v1.CSINode, key)
    wanted = tuple(_driver(driver) for driver in observed.drivers)
    if held is not None:  # what a driver is may not change while it is there: first it goes, then it comes
        wanted = tuple(driver for driver in wanted if not _is_another(driver, held.spec.drivers or ()))
    if held is None and wanted:
        commands.append(Create(object=storage_v1.CSINode(metadata=_meta(node), spec=storage_v1.CSINodeSpec(drivers=wanted))))
    elif held is not None and tuple(held.spec.drivers or ()) != wanted:
        commands.append(Update(object=msgspec.structs.replace(held, spec=storage_v1.CSINodeSpec(drivers=wanted))))
    described = _described(node, observed.drivers)
    if described != node:
        commands.append(Update(object=described))
    return Decision(reason="its drivers" if commands else "as it should be", commands=tuple(commands))


def _meta(node: core_v1.Node) -> meta_v1.ObjectMeta:
    owner = meta_v1.OwnerReference(api_version="v1", kind="Node", name=node.metadata.name, uid=node.metadata.uid)
    return meta_v1.ObjectMeta(name=node.metadata.name, owner_references=(owner,))


def _driver(driver: CsiDriver) -> storage_v1.CSINodeDriver:
    most = storage_v1.VolumeNodeResources(count=driver.most) if driver.most else None
    return storage_v1.CSINodeDriver(
        name=driver.name, node_id=driver.node_id, topology_keys=tuple(sorted(driver.topology)), allocatable=most
    )


def _is_another(driver: storage_v1.CSINodeDriver, held: Iterable[storage_v1.CSINodeDriver]) -> bool:
    """Whether one of this name is there that is called, or reached, otherwise."""
    return any(
        one.name == driver.name and (one.node_id, one.topology_keys) != (driver.node_id, driver.topology_keys) for one in held
    )


def _described(node: core_v1.Node, drivers: tuple[CsiDriver, ...]) -> core_v1.Node:
    labels, annotations = dict(node.metadata.labels), dict(node.metadata.annotations)
    for driver in drivers:
        labels = {**driver.topology, **labels}  # what the node says of itself stays
    if drivers:
        annotations[NODE_IDS] = msgspec.json.encode({driver.name: driver.node_id for driver in drivers}).decode()
    else:
        annotations.pop(NODE_IDS, None)
    if labels == node.metadata.labels and annotations == node.metadata.annotations:
        return node
    return msgspec.structs.replace(
        node, metadata=msgspec.structs.replace(node.metadata, labels=labels, annotations=annotations)
    )


RECONCILER = Reconciler(name="csi-node", actor="system:controller:kubelet", wakes=WAKES, decide=decide, version=2)
