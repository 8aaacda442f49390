"""Claims of storage: so much of such a kind, for pods to use.

Tests: tests/engine/kinds/storage/test_storage.py
"""

from typing import Any, TypeVar

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age, wide
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.core.access_modes import check_access_modes, shown_modes
from shipslog.engine.kinds.faults import IMMUTABLE, Faults, forbidden
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import (
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    TypedLocalObjectReference,
    TypedObjectReference,
)
from shipslog.store.objects.types.storage_v1 import StorageClass
from shipslog.store.objects.values import quantity
from shipslog.store.objects.volume_claims import CLASS_ANNOTATION, class_of, default_class, names_class

PROTECTION = "kubernetes.io/pvc-protection"
MODES = ("Block", "Filesystem")
OF_OLD = (("PersistentVolumeClaim", ""), ("VolumeSnapshot", "snapshot.storage.k8s.io"))  # what `dataSource` may name
AnyClaim = TypeVar("AnyClaim", bound=PersistentVolumeClaim)
NOT_TO_GROW = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
CHANGE_WORDS = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


class PersistentVolumeClaimRules(WithSpec):
    about = "A claim of storage: so much of such a kind, for pods to use."
    returns_deleted = True
    counts = False
    columns = (
        NAME,
        Column("Status", "Whether a volume was found."),
        Column("Volume", "The volume that was found."),
        Column("Capacity", "How much the volume holds."),
        Column("Access Modes", "How the volume can be mounted."),
        Column("StorageClass", "The kind of storage."),
        Column("VolumeAttributesClass", "The class of what can be changed of the volume."),
        AGE,
        wide("VolumeMode", "Whether it is mounted as a file system or used as a block device."),
    )
    selectable = {}

    def cells(self, obj: PersistentVolumeClaim, now_ns: int) -> list[Any]:
        spec, status, meta = obj.spec, obj.status, obj.metadata
        phase = "Terminating" if meta.deletion_timestamp else status.phase
        bound = bool(spec.volume_name)
        attributes = status.current_volume_attributes_class_name or spec.volume_attributes_class_name or "<unset>"
        return [
            meta.name,
            phase,
            spec.volume_name,
            str(status.capacity.get("storage", "")) if bound else "",
            shown_modes(status.access_modes) if bound else "",
            class_of(obj),
            attributes,
            age(meta.creation_timestamp, now_ns),
            spec.volume_mode or "<unset>",
        ]

    def default(self, obj: PersistentVolumeClaim) -> PersistentVolumeClaim:
        return default_claim(obj)

    def create(self, kind: Kind, obj: PersistentVolumeClaim, ctx: Admission) -> PersistentVolumeClaim:
        """A new claim is pending, of the default class if it names none, and stays while a pod uses it."""
        made: PersistentVolumeClaim = super().create(kind, replace(obj, spec=with_sources(obj.spec)), ctx)
        if not names_class(made) and (found := default_class(ctx.view.list(StorageClass))) is not None:
            made = replace(made, spec=replace(made.spec, storage_class_name=found.metadata.name))
        held = made.metadata.finalizers
        meta = made.metadata if PROTECTION in held else replace(made.metadata, finalizers=(*held, PROTECTION))
        return replace(made, metadata=meta, status=replace(made.status, phase="Pending"))

    def update(
        self, kind: Kind, old: PersistentVolumeClaim, new: PersistentVolumeClaim, subresource: str, ctx: Admission
    ) -> PersistentVolumeClaim:
        """One that is bound grows where its class allows it. Errors: Forbidden."""
        made: PersistentVolumeClaim = super().update(kind, old, new, subresource, ctx)
        if _size(made) > _size(old) and old.status.phase == "Bound":
            found = ctx.view.get(StorageClass, class_of(old))
            if found is None or not found.allow_volume_expansion:
                raise forbidden(kind, old.metadata.name, NOT_TO_GROW)
        return made

    def check(self, faults: Faults, obj: PersistentVolumeClaim) -> None:
        check_claim_spec(faults, obj.spec, "spec")

    def check_change(self, faults: Faults, old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> None:
        check_claim_spec(faults, new.spec, "spec")
        _check_changed(faults, old, new)

    def check_status(self, faults: Faults, old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> None:
        if not new.spec.resources.requests and not new.status.capacity:
            return
        for name, amount in new.status.capacity.items():
            if quantity.milli(str(amount)) < 0:
                faults.invalid(f"status.capacity[{name}]", str(amount), "must be greater than or equal to 0")


def default_claim(claim: AnyClaim) -> AnyClaim:
    """Pending, and to be mounted as a file system."""
    spec = claim.spec if claim.spec.volume_mode is not None else replace(claim.spec, volume_mode="Filesystem")
    return replace(claim, spec=spec, status=replace(claim.status, phase=claim.status.phase or "Pending"))


def check_claim_spec(faults: Faults, spec: PersistentVolumeClaimSpec, path: str) -> None:
    check_access_modes(faults, spec.access_modes, f"{path}.accessModes")
    check_label_selector(faults, spec.selector, f"{path}.selector")
    storage = spec.resources.requests.get("storage")
    if storage is None:
        faults.required(f"{path}.resources[storage]")
    elif quantity.milli(str(storage)) <= 0:
        faults.invalid(f"{path}.resources[storage]", str(storage), "must be greater than zero")
    if spec.storage_class_name and (messages := names.subdomain(spec.storage_class_name)):
        faults.invalid_each(f"{path}.storageClassName", spec.storage_class_name, messages)
    if spec.volume_mode is not None and spec.volume_mode not in MODES:
        faults.not_supported(f"{path}.volumeMode", spec.volume_mode, MODES)
    _check_sources(faults, spec, path)
    attributes = spec.volume_attributes_class_name
    if attributes and (messages := names.subdomain(attributes)):
        faults.invalid_each(f"{path}.volumeAttributesClassName", attributes, messages)


def with_sources(spec: PersistentVolumeClaimSpec) -> PersistentVolumeClaimSpec:
    """The two fields that say from what a new claim is filled are one: `dataSource` knows claims and snapshots alone, and what
    else stands there is passed over, as old servers did."""
    old, ref = spec.data_source, spec.data_source_ref
    if ref is not None and ref.namespace:
        ref = None  # of another namespace: an alpha feature that is off
        spec = replace(spec, data_source_ref=None)
    if old is not None and ref is None and (old.kind, old.api_group or "") not in OF_OLD:
        return replace(spec, data_source=None)
    if old is not None and ref is None:
        return replace(spec, data_source_ref=TypedObjectReference(api_group=old.api_group, kind=old.kind, name=old.name))
    if ref is not None and old is None:
        same = TypedLocalObjectReference(api_group=ref.api_group, kind=ref.kind, name=ref.name)
        return replace(spec, data_source=same)
    return spec


def _check_sources(faults: Faults, spec: PersistentVolumeClaimSpec, path: str) -> None:
    old, ref = spec.data_source, spec.data_source_ref
    for name, source in (("dataSource", old), ("dataSourceRef", ref)):
        if source is None:
            continue
        for field, value in (("name", source.name), ("kind", source.kind)):
            if not value:
                faults.required(f"{path}.{name}.{field}")
        if not source.api_group and source.kind != "PersistentVolumeClaim":
            words = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
            faults.invalid(f"{path}.{name}", source.kind, words)
        elif source.api_group:
            faults.invalid_each(f"{path}.{name}.apiGroup", source.api_group, names.subdomain(source.api_group))
    parts = {(source.kind, source.name, source.api_group or "") for source in (old, ref) if source is not None}
    if len(parts) > 1:
        faults.invalid(path, f"{path}.dataSource", "must match dataSourceRef")


def _check_changed(faults: Faults, old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> None:
    """Once made, a claim can be given its volume, grow when it is bound, and change its class of attributes."""
    before, spec = old.spec, new.spec
    if not before.volume_name:  # the binder may set it
        before = replace(before, volume_name=spec.volume_name)
    same = replace(spec, resources=before.resources, volume_attributes_class_name=before.volume_attributes_class_name)
    if before.storage_class_name is None:  # the default one may be given to it later (KEP-3333)
        same = replace(same, storage_class_name=None)
    may_grow = old.status.phase == "Bound"
    if same != before or (spec.resources != before.resources and not may_grow):
        faults.forbidden("spec", CHANGE_WORDS)
    elif may_grow:
        _check_size(faults, old, new)
    if old.metadata.annotations.get(CLASS_ANNOTATION) != new.metadata.annotations.get(CLASS_ANNOTATION):
        value = new.metadata.annotations.get(CLASS_ANNOTATION, "")
        faults.invalid("metadata.annotations[volume.beta.kubernetes.io/storage-class]", value, IMMUTABLE)


def _size(claim: PersistentVolumeClaim) -> int:
    """What it asks for, in thousandths of a byte."""
    return quantity.milli(str(claim.spec.resources.requests.get("storage", "0")))


def _check_size(faults: Faults, old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> None:
    had, wants = _size(old), _size(new)
    holds = quantity.milli(str(old.status.capacity.get("storage", "0")))
    if wants < had and wants <= holds:
        faults.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


STRATEGY = PersistentVolumeClaimRules()
