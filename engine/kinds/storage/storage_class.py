"""Storage classes: kinds of storage, and who makes volumes of them."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.sizes import size_of
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.core_v1 import TopologySelectorTerm
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.types.storage_v1 import StorageClass
from shipslog.store.objects.volume_claims import DEFAULT_MARKS, DIRECTORIES, is_default

MOST_PARAMETERS, MOST_BYTES = 512, 256 * 1024
RECLAIMS, BINDINGS = ("Delete", "Retain"), ("Immediate", "WaitForFirstConsumer")
STANDARD = StorageClass(
    metadata=ObjectMeta(name="standard", annotations={DEFAULT_MARKS[0]: "true"}), provisioner=DIRECTORIES,
    volume_binding_mode="WaitForFirstConsumer", reclaim_policy="Delete", allow_volume_expansion=True,
)  # fmt: skip


class StorageClassRules(Strategy):
    about = "A kind of storage, and who makes volumes of it."
    returns_deleted = True
    columns = (
        NAME,
        Column("Provisioner", "Who makes the volumes."),
        Column("ReclaimPolicy", "What becomes of a volume when its claim goes."),
        Column("VolumeBindingMode", "Whether a volume is made at once, or when a pod needs it."),
        Column("AllowVolumeExpansion", "Whether volumes can grow.", "boolean"),
        AGE,
    )

    first = (STANDARD,)

    def cells(self, obj: StorageClass, now_ns: int) -> list[Any]:
        name = obj.metadata.name
        if is_default(obj):
            name += " (default)"
        created = age(obj.metadata.creation_timestamp, now_ns)
        policy, mode = obj.reclaim_policy or "Delete", obj.volume_binding_mode or "Immediate"
        return [name, obj.provisioner, policy, mode, bool(obj.allow_volume_expansion), created]

    def default(self, obj: StorageClass) -> StorageClass:
        policy, mode = obj.reclaim_policy or "Delete", obj.volume_binding_mode or "Immediate"
        return replace(obj, reclaim_policy=policy, volume_binding_mode=mode)

    def check(self, faults: Faults, obj: StorageClass) -> None:
        check_provisioner(faults, obj.provisioner, "provisioner")
        check_parameters(faults, obj.parameters, "parameters")
        if obj.reclaim_policy not in RECLAIMS:
            faults.not_supported("reclaimPolicy", obj.reclaim_policy or "", RECLAIMS)
        if obj.volume_binding_mode is None:
            faults.required("volumeBindingMode")
        elif obj.volume_binding_mode not in BINDINGS:
            faults.not_supported("volumeBindingMode", obj.volume_binding_mode, BINDINGS)
        _check_topologies(faults, obj.allowed_topologies, "allowedTopologies")

    def check_update(self, faults: Faults, old: StorageClass, new: StorageClass, subresource: str) -> None:
        for field, was, now in (
            ("parameters", old.parameters, new.parameters),
            ("provisioner", old.provisioner, new.provisioner),
        ):
            if was != now:
                faults.forbidden(field, f"updates to {field} are forbidden.")
        if old.reclaim_policy != new.reclaim_policy:
            faults.forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden.")
        check_same(faults, "volumeBindingMode", old.volume_binding_mode, new.volume_binding_mode)


def check_provisioner(faults: Faults, provisioner: str, path: str) -> None:
    if not provisioner:
        faults.required(path)
    else:
        faults.invalid_each(path, provisioner, names.qualified(provisioner.lower()))


def check_parameters(faults: Faults, parameters: dict[str, str], path: str) -> None:
    if len(parameters) > MOST_PARAMETERS:
        faults.too_long(path, MOST_PARAMETERS)
        return
    total = 0
    for key, value in parameters.items():
        if not key:
            faults.invalid(path, key, "field can not be empty.")
        total += size_of(key) + size_of(value)
    if total > MOST_BYTES:
        faults.too_long(path, MOST_BYTES)


def _check_topologies(faults: Faults, terms: Sequence[TopologySelectorTerm], path: str) -> None:
    for i, term in enumerate(terms):
        seen: set[str] = set()
        for j, requirement in enumerate(term.match_label_expressions):
            at = f"{path}[{i}].matchLabelExpressions[{j}]"
            faults.invalid_each(f"{at}.key", requirement.key, names.qualified(requirement.key))
            if requirement.key in seen:
                faults.duplicate(f"{at}.key", requirement.key)
            seen.add(requirement.key)
            if not requirement.values:
                faults.required(f"{at}.values")
            for k, value in enumerate(requirement.values):
                if value in requirement.values[:k]:
                    faults.duplicate(f"{at}.values[{k}]", value)
                faults.invalid_each(f"{at}.values[{k}]", value, names.label_value(value))


STRATEGY = StorageClassRules()
