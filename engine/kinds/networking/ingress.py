"""Ingresses: which requests from outside go to which Service."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.networking_v1 import (
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressLoadBalancerIngress,
    IngressRule,
    IngressSpec,
)

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
OLD_CLASS = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
BAD_ENDS = ("/..", "/.")


class IngressRules(WithSpec):
    about = "Says which requests from outside go to which Service, by host and path."
    columns = (
        NAME,
        Column("Class", "Whose ingress it is."),
        Column("Hosts", "The hosts whose requests are meant."),
        Column("Address", "Where requests arrive."),
        Column("Ports", "The ports on which they do."),
        AGE,
    )

    def cells(self, obj: Ingress, now_ns: int) -> list[Any]:
        name = obj.spec.ingress_class_name or obj.metadata.annotations.get(OLD_CLASS) or NONE
        points = obj.status.load_balancer.ingress
        addresses = ",".join(p.ip or p.hostname for p in points if p.ip or p.hostname)
        ports = "80, 443" if obj.spec.tls else "80"
        return [obj.metadata.name, name, _hosts(obj.spec), addresses, ports, age(obj.metadata.creation_timestamp, now_ns)]

    def create(self, kind: Kind, obj: Ingress, ctx: Admission) -> Any:
        return super().create(kind, _with_default_class(obj, ctx), ctx)

    def check(self, faults: Faults, obj: Ingress) -> None:
        if OLD_CLASS in obj.metadata.annotations and obj.spec.ingress_class_name is not None:
            path = f"annotations.{OLD_CLASS}"  # Kubernetes' own path
            faults.invalid(path, obj.metadata.annotations[OLD_CLASS], "can not be set when the class field is also set")
        check_ingress_spec(faults, obj.spec)

    def check_change(self, faults: Faults, old: Ingress, new: Ingress) -> None:
        check_ingress_spec(faults, new.spec)

    def check_status(self, faults: Faults, old: Ingress, new: Ingress) -> None:
        for i, point in enumerate(new.status.load_balancer.ingress):
            _check_point(faults, point, f"status.loadBalancer.ingress[{i}]")


def _hosts(spec: IngressSpec) -> str:
    hosts = [rule.host for rule in spec.rules if rule.host]
    if not hosts:
        return "*"
    shown = ",".join(hosts[:3])
    return f"{shown} + {len(hosts) - 3} more..." if len(hosts) > 3 else shown


def _with_default_class(obj: Ingress, ctx: Admission) -> Ingress:
    """The class that is everybody's default, for an ingress that names none (DefaultIngressClass)."""
    if obj.spec.ingress_class_name is not None or OLD_CLASS in obj.metadata.annotations:
        return obj
    classes = [entry.object for entry in ctx.view.entries("ingressclasses.networking.k8s.io")]
    defaults = [c.metadata for c in classes if c.metadata.annotations.get(DEFAULT_CLASS) == "true"]
    if not defaults:
        return obj
    newest = min(defaults, key=lambda meta: (_negated(meta.creation_timestamp), meta.name))
    return replace(obj, spec=replace(obj.spec, ingress_class_name=newest.name))


def _negated(timestamp: str) -> tuple[int, ...]:
    """Newer times come first."""
    return tuple(-ord(c) for c in timestamp)


def check_ingress_spec(faults: Faults, spec: IngressSpec) -> None:
    if not spec.rules and spec.default_backend is None:
        faults.invalid("spec", spec.rules, "either `defaultBackend` or `rules` must be specified")
    if spec.default_backend is not None:
        _check_backend(faults, spec.default_backend, "spec.defaultBackend")
    for i, rule in enumerate(spec.rules):
        _check_rule(faults, rule, f"spec.rules[{i}]")
    for i, tls in enumerate(spec.tls):
        for j, host in enumerate(tls.hosts):
            check = names.wildcard if "*" in host else names.subdomain
            faults.invalid_each(f"spec.tls[{i}].hosts[{j}]", host, check(host))
        if tls.secret_name:
            faults.invalid_each(f"spec.tls[{i}].secretName", tls.secret_name, names.subdomain(tls.secret_name))
    if spec.ingress_class_name is not None:
        name = spec.ingress_class_name
        faults.invalid_each("spec.ingressClassName", name, names.subdomain(name))


def _check_rule(faults: Faults, rule: IngressRule, path: str) -> None:
    if rule.host:
        if names.parse_ip(rule.host) is not None:
            faults.invalid(f"{path}.host", rule.host, "must be a DNS name, not an IP address")
        check = names.wildcard if "*" in rule.host else names.subdomain
        faults.invalid_each(f"{path}.host", rule.host, check(rule.host))
    if rule.http is None:
        return
    if not rule.http.paths:
        faults.required(f"{path}.http.paths")
    for i, inner in enumerate(rule.http.paths):
        _check_path(faults, inner, f"{path}.http.paths[{i}]")


def _check_path(faults: Faults, inner: HTTPIngressPath, path: str) -> None:
    if inner.path_type is None:
        faults.required(f"{path}.pathType", "pathType must be specified")
    elif inner.path_type not in PATH_TYPES:
        faults.not_supported(f"{path}.pathType", inner.path_type, PATH_TYPES)
    elif inner.path_type == "ImplementationSpecific":
        if inner.path and not inner.path.startswith("/"):
            faults.invalid(f"{path}.path", inner.path, "must be an absolute path")
    else:
        if not inner.path.startswith("/"):
            faults.invalid(f"{path}.path", inner.path, "must be an absolute path")
        for bad in BAD_SEQUENCES:
            if bad in inner.path:
                faults.invalid(f"{path}.path", inner.path, f"must not contain '{bad}'")
        for bad in BAD_ENDS:
            if inner.path.endswith(bad):
                faults.invalid(f"{path}.path", inner.path, f"cannot end with '{bad}'")
    _check_backend(faults, inner.backend, f"{path}.backend")


def _check_backend(faults: Faults, backend: IngressBackend, path: str) -> None:
    resource, service = backend.resource, backend.service
    if resource is not None and service is not None:
        faults.invalid(path, "", "cannot set both resource and service backends")
        return
    if resource is not None:
        for field, value in (("name", resource.name), ("kind", resource.kind)):
            if not value:
                faults.required(f"{path}.resource.{field}")
        return
    if service is None:
        faults.invalid(path, "", "resource or service backend is required")
        return
    if not service.name:
        faults.required(f"{path}.service.name")
    else:
        faults.invalid_each(f"{path}.service.name", service.name, names.dns_1035(service.name))
    named, number = bool(service.port.name), service.port.number != 0
    if named and number:
        faults.invalid(path, "", "cannot set both port name & port number")
    elif named:
        faults.invalid_each(f"{path}.service.port.name", service.port.name, names.port_name(service.port.name))
    elif number:
        faults.invalid_each(f"{path}.service.port.number", service.port.number, names.port(service.port.number))
    else:
        faults.required(path, "port name or number is required")


def _check_point(faults: Faults, point: IngressLoadBalancerIngress, path: str) -> None:
    if point.ip:
        faults.invalid_each(f"{path}.ip", point.ip, names.ip(point.ip))
    if point.hostname:
        faults.invalid_each(f"{path}.hostname", point.hostname, names.subdomain(point.hostname))
        if names.parse_ip(point.hostname) is not None:
            faults.invalid(f"{path}.hostname", point.hostname, "must be a DNS name, not an IP address")


STRATEGY = IngressRules()
