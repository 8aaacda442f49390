"""API services: who answers for a version of a group, this server or a Service behind it.

Source: pkg/apis/apiregistration of kube-aggregator.
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.apiregistration_v1 import APIService, APIServiceCondition, APIServiceStatus, ServiceReference
from shipslog.store.objects.values.times import api_time

AVAILABLE = "Available"
PORT, HIGHEST_GROUP, HIGHEST_VERSION = 443, 20_000, 1_000
STATUSES = ("True", "False", "Unknown")


class APIServiceRules(Strategy):
    about = "Says who answers for a version of a group: this server, or a Service behind it."
    unconditional_update = False
    columns = (
        NAME,
        Column("Service", "The Service that answers; Local for this server."),
        Column("Available", "Whether it answers."),
        AGE,
    )

    def cells(self, obj: APIService, now_ns: int) -> list[Any]:
        service = obj.spec.service
        where = "Local" if service is None else f"{service.namespace}/{service.name}"
        return [obj.metadata.name, where, shown_availability(obj), age(obj.metadata.creation_timestamp, now_ns)]

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def default(self, obj: APIService) -> APIService:
        service = obj.spec.service
        if service is None or service.port is not None:
            return obj
        return replace(obj, spec=replace(obj.spec, service=replace(service, port=PORT)))

    def create(self, kind: Kind, obj: APIService, ctx: Admission) -> APIService:
        """A new one; one of this server answers from the start."""
        if obj.spec.service is not None:
            return replace(obj, status=APIServiceStatus())
        return replace(obj, status=APIServiceStatus(conditions=(local(api_time(ctx.now_ns)),)))

    def update(self, kind: Kind, old: APIService, new: APIService, subresource: str, ctx: Admission) -> APIService:
        return replace(new, spec=old.spec) if subresource == "status" else replace(new, status=old.status)

    def check(self, faults: Faults, obj: APIService) -> None:
        spec = obj.spec
        wanted = f"{spec.version}.{spec.group}"
        if obj.metadata.name and obj.metadata.name != wanted and not names.path_segment(obj.metadata.name):
            faults.invalid("metadata.name", obj.metadata.name, f'must be `spec.version+"."+spec.group`: "{wanted}"')
        if not spec.group and spec.version != "v1":
            faults.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
        if spec.group:
            faults.invalid_each("spec.group", spec.group, names.subdomain(spec.group))
        faults.invalid_each("spec.version", spec.version, names.dns_1035(spec.version))
        for field, value, most in (
            ("groupPriorityMinimum", spec.group_priority_minimum, HIGHEST_GROUP),
            ("versionPriority", spec.version_priority, HIGHEST_VERSION),
        ):
            if not 0 < value <= most:
                faults.invalid(f"spec.{field}", value, f"must be positive and less than {most}")
        if spec.service is None:
            if spec.ca_bundle:
                words = "local APIServices may not have a caBundle"
                faults.invalid("spec.caBundle", f"{_bytes(spec.ca_bundle)} bytes", words)
            if spec.insecure_skip_tls_verify:
                words = "local APIServices may not have insecureSkipTLSVerify"
                faults.invalid("spec.insecureSkipTLSVerify", True, words)
            return
        _check_service(faults, spec.service, "spec.service")
        if spec.insecure_skip_tls_verify and spec.ca_bundle:
            faults.invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present")

    def check_update(self, faults: Faults, old: APIService, new: APIService, subresource: str) -> None:
        if subresource != "status":
            self.check(faults, new)
            return
        for i, condition in enumerate(new.status.conditions):
            if condition.status not in STATUSES:
                faults.not_supported(f"status.conditions[{i}].status", condition.status, STATUSES)


def _check_service(faults: Faults, service: ServiceReference, path: str) -> None:
    if not service.namespace:
        faults.required(f"{path}.namespace")
    if not service.name:
        faults.required(f"{path}.name")
    if service.port is not None and names.port(service.port):
        faults.invalid(f"{path}.port", service.port, f"port is not valid: {names.PORT_RANGE}")


def _bytes(text: str) -> int:
    """How many bytes a text in base64 stands for."""
    return len(text) * 3 // 4 - text.count("=")


def local(at: str) -> APIServiceCondition:
    """What is said of a version that this server answers for."""
    return APIServiceCondition(
        type=AVAILABLE,
        status="True",
        last_transition_time=at,
        reason="Local",
        message="Local APIServices are always available",
    )


def shown_availability(obj: APIService) -> str:
    """True, False (MissingEndpoints), Unknown."""
    found = find_condition(obj.status.conditions, AVAILABLE)
    if found is None:
        return "Unknown"
    return found.status if found.status == "True" or not found.reason else f"{found.status} ({found.reason})"


STRATEGY = APIServiceRules()
