"""Storage version migrations: objects of a resource are to be written anew, in the version that is stored now.

Tests: tests/engine/kinds/certificates/test_cluster_trust_bundle.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.storagemigration_v1 import StorageVersionMigration


class StorageVersionMigrationRules(WithSpec):
    about = "Asks for the objects of a resource to be written anew, in the version that is stored now."
    unconditional_update = False
    counts = False
    columns = (NAME, Column("Resource", "Whose objects they are."), AGE)

    def cells(self, obj: StorageVersionMigration, now_ns: int) -> list[Any]:
        of = obj.spec.resource
        shown = f"{of.resource}.{of.group}" if of.group else of.resource
        return [obj.metadata.name, shown, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: StorageVersionMigration) -> None:
        of = obj.spec.resource
        if of.group:
            faults.invalid_each("spec.resource.group", of.group, names.subdomain(of.group))
        if not of.resource:
            faults.required("spec.resource.resource")
        else:
            faults.invalid_each("spec.resource.resource", of.resource, names.dns_1035(of.resource))

    def check_change(self, faults: Faults, old: StorageVersionMigration, new: StorageVersionMigration) -> None:
        self.check(faults, new)
        check_same(faults, "spec.resource", old.spec.resource, new.spec.resource)

    def check_status(self, faults: Faults, old: StorageVersionMigration, new: StorageVersionMigration) -> None:
        was, now = old.status.resource_version, new.status.resource_version
        if was and was != now:
            check_same(faults, "status.resourceVersion", was, now)


STRATEGY = StorageVersionMigrationRules()
