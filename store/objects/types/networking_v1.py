"""The types of the API group-version networking.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, IntOrString, Nullable, Object, merge, nothing, null_list, to_nulls

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class ServiceBackendPort(Object, frozen=True, kw_only=True):
    name: str = ""
    number: Int32 = 0

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "number": 2}


class IngressServiceBackend(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    port: ServiceBackendPort = field(default_factory=ServiceBackendPort)

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "port": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class IngressBackend(Object, frozen=True, kw_only=True):
    service: IngressServiceBackend | None = None
    resource: core_v1.TypedLocalObjectReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"resource": 3, "service": 4}


class HTTPIngressPath(Object, frozen=True, kw_only=True):
    path: str = ""
    path_type: str | None = field(default_factory=nothing)
    backend: IngressBackend = field(default_factory=IngressBackend)

    __proto__: ClassVar[dict[str, int]] = {"backend": 2, "path": 1, "path_type": 3}
    __required__: ClassVar[tuple[str, ...]] = ('backend', 'pathType')


class HTTPIngressRuleValue(Object, frozen=True, kw_only=True):
    paths: Nullable[tuple[HTTPIngressPath, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("paths",))

    __proto__: ClassVar[dict[str, int]] = {"paths": 1}
    __required__: ClassVar[tuple[str, ...]] = ('paths',)


class ParentReference(Object, frozen=True, kw_only=True):
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""

    __proto__: ClassVar[dict[str, int]] = {"group": 1, "name": 4, "namespace": 3, "resource": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'resource')


class IPAddressSpec(Object, frozen=True, kw_only=True):
    parent_ref: ParentReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"parent_ref": 1}
    __required__: ClassVar[tuple[str, ...]] = ('parentRef',)


class IPAddress(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "IPAddress")
    api_version: str = field(default_factory=lambda: "networking.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: IPAddressSpec = field(default_factory=IPAddressSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class IPBlock(Object, frozen=True, kw_only=True):
    cidr: str = field(default_factory=str)
    except_: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"cidr": 1, "except_": 2}
    __required__: ClassVar[tuple[str, ...]] = ('cidr',)


class IngressRule(Object, frozen=True, kw_only=True):
    host: str = ""
    http: HTTPIngressRuleValue | None = None

    __proto__: ClassVar[dict[str, int]] = {"host": 1, "*ingressRuleValue": 2}


class IngressTLS(Object, frozen=True, kw_only=True):
    hosts: tuple[str, ...] = ()
    secret_name: str = ""

    __proto__: ClassVar[dict[str, int]] = {"hosts": 1, "secret_name": 2}


class IngressSpec(Object, frozen=True, kw_only=True):
    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    tls: tuple[IngressTLS, ...] = ()
    rules: tuple[IngressRule, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"default_backend": 1, "ingress_class_name": 4, "rules": 3, "tls": 2}


class IngressPortStatus(Object, frozen=True, kw_only=True):
    port: Int32 = field(default_factory=int)
    protocol: str = field(default_factory=str)
    error: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"error": 3, "port": 1, "protocol": 2}
    __required__: ClassVar[tuple[str, ...]] = ('port', 'protocol')


class IngressLoadBalancerIngress(Object, frozen=True, kw_only=True):
    ip: str = ""
    hostname: str = ""
    ports: tuple[IngressPortStatus, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"hostname": 2, "ip": 1, "ports": 4}


class IngressLoadBalancerStatus(Object, frozen=True, kw_only=True):
    ingress: tuple[IngressLoadBalancerIngress, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"ingress": 1}


class IngressStatus(Object, frozen=True, kw_only=True):
    load_balancer: IngressLoadBalancerStatus = field(default_factory=IngressLoadBalancerStatus)

    __proto__: ClassVar[dict[str, int]] = {"load_balancer": 1}


class Ingress(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Ingress")
    api_version: str = field(default_factory=lambda: "networking.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: IngressSpec = field(default_factory=IngressSpec)
    status: IngressStatus = field(default_factory=IngressStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class IngressClassParametersReference(Object, frozen=True, kw_only=True):
    api_group: str | None = None
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)
    scope: str | None = field(default_factory=nothing)
    namespace: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"api_group": 1, "kind": 2, "name": 3, "namespace": 5, "scope": 4}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class IngressClassSpec(Object, frozen=True, kw_only=True):
    controller: str = ""
    parameters: IngressClassParametersReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"controller": 1, "parameters": 2}


class IngressClass(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "IngressClass")
    api_version: str = field(default_factory=lambda: "networking.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: IngressClassSpec = field(default_factory=IngressClassSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class NetworkPolicyPeer(Object, frozen=True, kw_only=True):
    pod_selector: meta_v1.LabelSelector | None = None
    namespace_selector: meta_v1.LabelSelector | None = None
    ip_block: IPBlock | None = None

    __proto__: ClassVar[dict[str, int]] = {"ip_block": 3, "namespace_selector": 2, "pod_selector": 1}


class NetworkPolicyPort(Object, frozen=True, kw_only=True):
    protocol: str | None = None
    port: IntOrString | None = None
    end_port: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"end_port": 3, "port": 2, "protocol": 1}


class NetworkPolicyEgressRule(Object, frozen=True, kw_only=True):
    ports: tuple[NetworkPolicyPort, ...] = ()
    to: tuple[NetworkPolicyPeer, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"ports": 1, "to": 2}


class NetworkPolicyIngressRule(Object, frozen=True, kw_only=True):
    ports: tuple[NetworkPolicyPort, ...] = ()
    from_: tuple[NetworkPolicyPeer, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"from_": 2, "ports": 1}


class NetworkPolicySpec(Object, frozen=True, kw_only=True):
    pod_selector: meta_v1.LabelSelector = field(default_factory=meta_v1.LabelSelector)
    ingress: tuple[NetworkPolicyIngressRule, ...] = ()
    egress: tuple[NetworkPolicyEgressRule, ...] = ()
    policy_types: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"egress": 3, "ingress": 2, "pod_selector": 1, "policy_types": 4}


class NetworkPolicy(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "NetworkPolicy")
    api_version: str = field(default_factory=lambda: "networking.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: NetworkPolicySpec = field(default_factory=NetworkPolicySpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class ServiceCIDRSpec(Object, frozen=True, kw_only=True):
    cidrs: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"cidrs": 1}


class ServiceCIDRStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 1}


class ServiceCIDR(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ServiceCIDR")
    api_version: str = field(default_factory=lambda: "networking.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ServiceCIDRSpec = field(default_factory=ServiceCIDRSpec)
    status: ServiceCIDRStatus = field(default_factory=ServiceCIDRStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}

