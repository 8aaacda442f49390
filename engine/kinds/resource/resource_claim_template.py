"""Templates of claims on devices: each pod that names one gets a claim of its own.

Tests: tests/engine/kinds/resource/test_devices.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.metadata import check_annotations, check_labels
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.resource_v1 import ResourceClaimTemplate

from .device_claims import check_admin_access, check_claim, default_claim


class ResourceClaimTemplateRules(Strategy):
    about = "A claim on devices to be copied: each pod that names it gets one of its own."
    columns = (NAME, AGE)

    def cells(self, obj: ResourceClaimTemplate, now_ns: int) -> list[Any]:
        return [obj.metadata.name, age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: ResourceClaimTemplate) -> ResourceClaimTemplate:
        return replace(obj, spec=replace(obj.spec, spec=default_claim(obj.spec.spec)))

    def check(self, faults: Faults, obj: ResourceClaimTemplate) -> None:
        check_annotations(faults, obj.spec.metadata.annotations, "spec.metadata.annotations")
        check_labels(faults, obj.spec.metadata.labels, "spec.metadata.labels")
        check_claim(faults, obj.spec.spec.devices, "spec.spec.devices")

    def check_update(self, faults: Faults, old: ResourceClaimTemplate, new: ResourceClaimTemplate, subresource: str) -> None:
        if old.spec != new.spec:
            faults.invalid("spec", new.spec, IMMUTABLE)

    def allocate(
        self, kind: Kind, old: ResourceClaimTemplate | None, obj: ResourceClaimTemplate, ctx: Admission
    ) -> ResourceClaimTemplate:
        if old is None:
            meta = obj.metadata
            check_admin_access(kind, meta.name, meta.namespace, obj.spec.spec.devices, "spec.spec.devices", ctx)
        return obj


STRATEGY = ResourceClaimTemplateRules()
