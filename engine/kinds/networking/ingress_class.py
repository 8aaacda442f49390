"""Ingress classes: who sees to ingresses."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.networking_v1 import IngressClass, IngressClassParametersReference

MOST_CHARACTERS = 250
SCOPES = ("Cluster", "Namespace")


class IngressClassRules(WithSpec):
    about = "Says who sees to the ingresses of this class."
    columns = (
        NAME,
        Column("Controller", "Who sees to ingresses of this class."),
        Column("Parameters", "An object that says more."),
        AGE,
    )

    def cells(self, obj: IngressClass, now_ns: int) -> list[Any]:
        of, shown = obj.spec.parameters, NONE
        if of is not None:
            kind = f"{of.kind}.{of.api_group}" if of.api_group else of.kind
            shown = f"{kind}/{of.name}"
        return [obj.metadata.name, obj.spec.controller, shown, age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: IngressClass) -> IngressClass:
        of = obj.spec.parameters
        if of is None or of.scope is not None:
            return obj
        return replace(obj, spec=replace(obj.spec, parameters=replace(of, scope="Cluster")))

    def check(self, faults: Faults, obj: IngressClass) -> None:
        controller = obj.spec.controller
        if len(controller) > MOST_CHARACTERS:
            faults.too_long("spec.controller", MOST_CHARACTERS)
        faults.invalid_each("spec.controller", controller, names.domain_prefixed(controller))
        if obj.spec.parameters is not None:
            _check_parameters(faults, obj.spec.parameters, "spec.parameters")

    def check_change(self, faults: Faults, old: IngressClass, new: IngressClass) -> None:
        if old.spec.controller != new.spec.controller:
            faults.invalid("spec.controller", new.spec.controller, IMMUTABLE)
        self.check(faults, new)


def _check_parameters(faults: Faults, of: IngressClassParametersReference, path: str) -> None:
    if of.api_group is not None:
        faults.invalid_each(f"{path}.apiGroup", of.api_group, names.subdomain(of.api_group))
    for field, value in (("kind", of.kind), ("name", of.name)):
        if not value:
            faults.required(f"{path}.{field}")
        else:
            faults.invalid_each(f"{path}.{field}", value, names.path_segment(value))
    if not of.scope:
        faults.required(f"{path}.scope")
    elif of.scope not in SCOPES:
        faults.not_supported(f"{path}.scope", of.scope, SCOPES)
    elif of.scope == "Namespace":
        if not of.namespace:
            faults.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
        else:
            faults.invalid_each(f"{path}.namespace", of.namespace, names.label(of.namespace))
    elif of.namespace is not None:
        faults.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")


STRATEGY = IngressClassRules()
