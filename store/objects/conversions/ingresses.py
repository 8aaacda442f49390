"""Ingresses of extensions/v1beta1 and networking.k8s.io/v1beta1: a backend is the name of a service and a port of it.

Source: pkg/apis/networking/v1beta1 (defaults, conversion) of Kubernetes 1.21.

Tests: tests/store/objects/conversions/test_older.py
"""

from shipslog.store.objects.types import networking_v1 as v1
from shipslog.store.objects.types import networking_v1beta1 as old

from .copies import copied

FIELDS: dict[str, str] = {}
ANY_WAY = "ImplementationSpecific"


def to_hub(ingress: old.Ingress) -> v1.Ingress:
    """As it is stored."""
    spec = ingress.spec
    rules = tuple(copied(rule, v1.IngressRule, http=_paths_to_hub(rule.http)) for rule in spec.rules)
    backend = None if spec.backend is None else _backend_to_hub(spec.backend)
    made: v1.Ingress = copied(ingress, v1.Ingress, spec=copied(spec, v1.IngressSpec, default_backend=backend, rules=rules))
    return made


def from_hub(ingress: v1.Ingress) -> old.Ingress:
    """As an older version shows it."""
    spec = ingress.spec
    rules = tuple(copied(rule, old.IngressRule, http=_paths_from_hub(rule.http)) for rule in spec.rules)
    backend = None if spec.default_backend is None else _backend_from_hub(spec.default_backend)
    made: old.Ingress = copied(ingress, old.Ingress, spec=copied(spec, old.IngressSpec, backend=backend, rules=rules))
    return made


def _paths_to_hub(http: old.HTTPIngressRuleValue | None) -> v1.HTTPIngressRuleValue | None:
    if http is None:
        return None
    return v1.HTTPIngressRuleValue(
        paths=tuple(
            v1.HTTPIngressPath(path=p.path, path_type=p.path_type or ANY_WAY, backend=_backend_to_hub(p.backend))
            for p in http.paths
        )
    )


def _paths_from_hub(http: v1.HTTPIngressRuleValue | None) -> old.HTTPIngressRuleValue | None:
    if http is None:
        return None
    return old.HTTPIngressRuleValue(
        paths=tuple(
            old.HTTPIngressPath(path=p.path, path_type=p.path_type, backend=_backend_from_hub(p.backend)) for p in http.paths
        )
    )


def _backend_to_hub(backend: old.IngressBackend) -> v1.IngressBackend:
    port = backend.service_port
    if not backend.service_name and port in (0, ""):
        return v1.IngressBackend(resource=backend.resource)
    chosen = v1.ServiceBackendPort(number=port) if isinstance(port, int) else v1.ServiceBackendPort(name=port)
    return v1.IngressBackend(
        service=v1.IngressServiceBackend(name=backend.service_name, port=chosen), resource=backend.resource
    )


def _backend_from_hub(backend: v1.IngressBackend) -> old.IngressBackend:
    service = backend.service
    if service is None:
        return old.IngressBackend(resource=backend.resource)
    port = service.port.name or service.port.number
    return old.IngressBackend(service_name=service.name, service_port=port, resource=backend.resource)
