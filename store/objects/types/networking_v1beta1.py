"""The types of networking.k8s.io/v1beta1 Ingress, which extensions/v1beta1 shares: a backend is a service's name and port.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py, and held to the
samples of that time.
"""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import IntOrString, Nullable, Object, null_list, to_nulls

from . import core_v1, meta_v1, networking_v1


class IngressBackend(Object, frozen=True, kw_only=True):
    service_name: str = ""
    service_port: IntOrString = 0
    resource: core_v1.TypedLocalObjectReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"resource": 3, "service_name": 1, "service_port": 2}


class HTTPIngressPath(Object, frozen=True, kw_only=True):
    path: str = ""
    path_type: str | None = None
    backend: IngressBackend = field(default_factory=IngressBackend)

    __proto__: ClassVar[dict[str, int]] = {"backend": 2, "path": 1, "path_type": 3}
    __required__: ClassVar[tuple[str, ...]] = ("backend",)


class HTTPIngressRuleValue(Object, frozen=True, kw_only=True):
    paths: Nullable[tuple[HTTPIngressPath, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("paths",))

    __proto__: ClassVar[dict[str, int]] = {"paths": 1}
    __required__: ClassVar[tuple[str, ...]] = ("paths",)


class IngressRule(Object, frozen=True, kw_only=True):
    host: str = ""
    http: HTTPIngressRuleValue | None = None

    __proto__: ClassVar[dict[str, int]] = {"host": 1, "*ingressRuleValue": 2}


class IngressSpec(Object, frozen=True, kw_only=True):
    ingress_class_name: str | None = None
    backend: IngressBackend | None = None
    tls: tuple[networking_v1.IngressTLS, ...] = ()
    rules: tuple[IngressRule, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"backend": 1, "ingress_class_name": 4, "rules": 3, "tls": 2}


class Ingress(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Ingress")
    api_version: str = field(default_factory=lambda: "networking.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: IngressSpec = field(default_factory=IngressSpec)
    status: networking_v1.IngressStatus = field(default_factory=networking_v1.IngressStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
