"""Candidates for a lease: who would hold it, and of which version it is."""

import re
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.coordination_v1beta1 import LeaseCandidate

OLDEST = "OldestEmulationVersion"
NOT_A_VERSION = "must be a valid semantic version"
version_of = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
).fullmatch


class LeaseCandidateRules(Strategy):
    about = "Somebody who would hold a lease, and of which version it is."
    unconditional_update = False
    columns = (NAME, AGE)
    selectable = {"spec.leaseName": lambda o: o.spec.lease_name}

    def cells(self, obj: LeaseCandidate, now_ns: int) -> list[Any]:
        return [obj.metadata.name, age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: LeaseCandidate) -> LeaseCandidate:
        return obj if obj.spec.strategy else replace(obj, spec=replace(obj.spec, strategy=OLDEST))

    def name(self, value: str) -> names.Messages:
        return names.config_key(value)

    def check(self, faults: Faults, obj: LeaseCandidate) -> None:
        spec = obj.spec
        if not spec.lease_name:
            faults.required("spec.leaseName")
        if not spec.binary_version:
            faults.required("spec.binaryVersion")
        found = {}
        for field, text in (("emulationVersion", spec.emulation_version), ("binaryVersion", spec.binary_version)):
            parts = version_of(text)
            if text and parts is None:
                faults.invalid(f"spec.{field}", text, NOT_A_VERSION)
            elif parts is not None:
                found[field] = tuple(int(part) for part in parts.groups())
        if len(found) == 2 and found["binaryVersion"] < found["emulationVersion"]:
            words = "must be greater than or equal to `emulationVersion`"
            faults.invalid("spec.binaryVersion", spec.binary_version, words)
        if not spec.strategy:
            faults.required("spec.strategy")
        elif "/" in spec.strategy:
            faults.invalid_each("spec.strategy", spec.strategy, names.qualified(spec.strategy))
        elif spec.strategy != OLDEST:
            faults.not_supported("spec.strategy", spec.strategy, (OLDEST,))

    def check_update(self, faults: Faults, old: LeaseCandidate, new: LeaseCandidate, subresource: str) -> None:
        self.check(faults, new)
        check_same(faults, "spec.leaseName", old.spec.lease_name, new.spec.lease_name)


STRATEGY = LeaseCandidateRules()
