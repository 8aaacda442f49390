"""Defaults of what belongs to the cluster or holds its settings: namespaces, nodes, secrets, service accounts."""

import base64

from msgspec.structs import replace

from shipslog.store.objects.core_v1 import Namespace, Node, ObjectReference, Secret, ServiceAccount

NAME_LABEL = "kubernetes.io/metadata.name"


def default_namespace(namespace: Namespace) -> Namespace:
    """The label with its name, and Active until it is deleted."""
    meta = namespace.metadata
    if meta.name and meta.labels.get(NAME_LABEL) != meta.name:
        namespace = replace(namespace, metadata=replace(meta, labels=meta.labels | {NAME_LABEL: meta.name}))
    if not namespace.status.phase:
        namespace = replace(namespace, status=replace(namespace.status, phase="Active"))
    return namespace


def default_node(node: Node) -> Node:
    """What can be allocated is all there is, unless told; podCIDR and the first of podCIDRs say the same."""
    status, spec = node.status, node.spec
    if status.capacity and not status.allocatable:
        node = replace(node, status=replace(status, allocatable=dict(status.capacity)))
    if spec.pod_cidr and (not spec.pod_cidrs or spec.pod_cidrs[0] != spec.pod_cidr):
        node = replace(node, spec=replace(spec, pod_cidrs=(spec.pod_cidr,)))
    elif spec.pod_cidrs and not spec.pod_cidr:
        node = replace(node, spec=replace(spec, pod_cidr=spec.pod_cidrs[0]))
    return node


def default_secret(secret: Secret) -> Secret:
    """Plain texts join the data; the type is Opaque."""
    if secret.string_data:
        told = {key: base64.b64encode(value.encode()).decode() for key, value in secret.string_data.items()}
        secret = replace(secret, data=secret.data | told, string_data={})
    return secret if secret.type else replace(secret, type="Opaque")


def default_service_account(account: ServiceAccount) -> ServiceAccount:
    """Of the secrets it lists only the names are kept."""
    plain = tuple(ObjectReference(name=s.name) for s in account.secrets)
    return account if plain == account.secrets else replace(account, secrets=plain)
