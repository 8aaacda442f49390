"""CSI drivers: what a driver of storage can do, and wants to be told."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, UNSET, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.storage_v1 import CSIDriver, TokenRequest

LONGEST_NAME = 63
GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
LIFECYCLES = ("Ephemeral", "Persistent")
SHORTEST_TOKEN_S, LONGEST_TOKEN_S, SHORTEST_UPDATE_S = 600, 1 << 32, 10
FIXED = (("attachRequired", "attach_required"), ("volumeLifecycleModes", "volume_lifecycle_modes"))
COUNTED = ("token_requests", "requires_republish", "se_linux_mount")


class CSIDriverRules(Strategy):
    about = "What a driver of storage can do, and what it wants to be told."
    unconditional_update = False
    returns_deleted = True
    columns = (
        NAME,
        Column("AttachRequired", "Whether volumes are attached to nodes.", "boolean"),
        Column("PodInfoOnMount", "Whether the driver is told of the pod.", "boolean"),
        Column("StorageCapacity", "Whether the scheduler asks for room.", "boolean"),
        Column("TokenRequests", "For whom the driver wants tokens."),
        Column("RequiresRepublish", "Whether volumes are published again and again.", "boolean"),
        Column("Modes", "How volumes can live."),
        AGE,
    )

    def cells(self, obj: CSIDriver, now_ns: int) -> list[Any]:
        spec = obj.spec
        audiences = ",".join(request.audience for request in spec.token_requests) or UNSET
        modes = ",".join(spec.volume_lifecycle_modes) or "<none>"
        created = age(obj.metadata.creation_timestamp, now_ns)
        flags = spec.attach_required is not False, bool(spec.pod_info_on_mount), bool(spec.storage_capacity)
        return [obj.metadata.name, *flags, audiences, bool(spec.requires_republish), modes, created]

    def default(self, obj: CSIDriver) -> CSIDriver:
        spec = obj.spec
        spec = replace(
            spec,
            attach_required=True if spec.attach_required is None else spec.attach_required,
            pod_info_on_mount=bool(spec.pod_info_on_mount),
            storage_capacity=bool(spec.storage_capacity),
            fs_group_policy=spec.fs_group_policy or "ReadWriteOnceWithFSType",
            volume_lifecycle_modes=spec.volume_lifecycle_modes or ("Persistent",),
            requires_republish=bool(spec.requires_republish),
            se_linux_mount=bool(spec.se_linux_mount),
        )
        return replace(obj, spec=spec)

    def update(self, kind: Kind, old: CSIDriver, new: CSIDriver, subresource: str, ctx: Admission) -> CSIDriver:
        if all(getattr(old.spec, field) == getattr(new.spec, field) for field in COUNTED):
            return new
        return replace(new, metadata=replace(new.metadata, generation=old.metadata.generation + 1))

    def check(self, faults: Faults, obj: CSIDriver) -> None:
        check_driver_name(faults, obj.metadata.name, "metadata.name")
        spec = obj.spec
        if spec.attach_required is None:
            faults.required("spec.attachedRequired")  # Kubernetes' own path
        if spec.fs_group_policy not in GROUP_POLICIES:
            faults.not_supported("spec.fsGroupPolicy", spec.fs_group_policy or "", GROUP_POLICIES)
        _check_tokens(faults, spec.token_requests, "spec.tokenRequests")
        for mode in spec.volume_lifecycle_modes:
            if mode not in LIFECYCLES:
                faults.not_supported("spec.volumeLifecycleModes", mode, LIFECYCLES)
        period = spec.node_allocatable_update_period_seconds
        if period is not None and period < SHORTEST_UPDATE_S:
            words = f"must be greater than or equal to {SHORTEST_UPDATE_S} seconds"
            faults.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, words)
        if spec.service_account_token_in_secrets is not None and not spec.token_requests:
            words = "serviceAccountTokenInSecrets is only valid when tokenRequests is set"
            faults.invalid("spec.serviceAccountTokenInSecrets", spec.service_account_token_in_secrets, words)

    def check_update(self, faults: Faults, old: CSIDriver, new: CSIDriver, subresource: str) -> None:
        self.check(faults, new)
        for name, attribute in FIXED:
            if getattr(old.spec, attribute) != getattr(new.spec, attribute):
                faults.invalid(f"spec.{name}", getattr(new.spec, attribute), IMMUTABLE)


def check_driver_name(faults: Faults, name: str, path: str) -> None:
    if not name:
        faults.required(path)
        return
    if len(name) > LONGEST_NAME:
        faults.too_long(path, LONGEST_NAME)
    faults.invalid_each(path, name, names.subdomain(name.lower()))


def _check_tokens(faults: Faults, requests: tuple[TokenRequest, ...], path: str) -> None:
    seen: set[str] = set()
    for i, request in enumerate(requests):
        at = f"{path}[{i}]"
        if request.audience in seen:
            faults.duplicate(f"{at}.audience", request.audience)
        seen.add(request.audience)
        seconds = request.expiration_seconds
        if seconds is not None and seconds < SHORTEST_TOKEN_S:
            faults.invalid(f"{at}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        if seconds is not None and seconds > LONGEST_TOKEN_S:
            faults.invalid(f"{at}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")


STRATEGY = CSIDriverRules()
