"""Leases: claims that their holders renew.

Tests: tests/engine/kinds/test_small_kinds.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.coordination_v1 import Lease


class LeaseStrategy(Strategy):
    about = "A claim that its holder renews: a node that lives renews its own."
    strict_finalizers = False
    create_on_update = True
    unconditional_update = False
    columns = (NAME, Column("Holder", "Who holds the lease."), AGE)

    def cells(self, obj: Lease, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.spec.holder_identity or "", age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: Lease) -> None:
        check_lease(faults, obj)


def check_lease(faults: Faults, lease: Lease) -> None:
    spec = lease.spec
    if spec.lease_duration_seconds is not None and spec.lease_duration_seconds <= 0:
        faults.invalid("spec.leaseDurationSeconds", spec.lease_duration_seconds, "must be greater than 0")
    if spec.lease_transitions is not None and spec.lease_transitions < 0:
        faults.invalid("spec.leaseTransitions", spec.lease_transitions, "must be greater than or equal to 0")
    if spec.strategy is not None and spec.strategy != "OldestEmulationVersion":
        if "/" in spec.strategy:
            faults.invalid_each("spec.strategy.strategy", spec.strategy, names.qualified(spec.strategy))
        else:
            faults.not_supported("spec.strategy.strategy", spec.strategy, ("OldestEmulationVersion",))
    if spec.preferred_holder and not spec.strategy:
        faults.forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined")


STRATEGY = LeaseStrategy()
