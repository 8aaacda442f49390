"""Volumes: storage that is there, for claims to take.

Tests: tests/engine/kinds/storage/test_storage.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, UNSET, Column, age, wide
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.core.access_modes import check_access_modes, shown_modes
from shipslog.engine.kinds.core.persistent_volume_claim import MODES
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.pod_spec.checks.placement import check_node_selector
from shipslog.engine.kinds.pod_spec.checks.volume_sources import SOURCE_CHECKS, check_driver_name, check_no_backsteps
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.fields.shapes import fields_of
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import CSIPersistentVolumeSource, PersistentVolume, PersistentVolumeSpec
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.times import api_time
from shipslog.store.objects.volume_claims import class_of_volume

PROTECTION = "kubernetes.io/pv-protection"
RECLAIMS = ("Delete", "Recycle", "Retain")
# What a source must say, by the source and the field.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "hostPath": ("path",),
    "glusterfs": ("endpoints", "path"),
    "nfs": ("server", "path"),
    "rbd": ("monitors", "image"),
    "iscsi": ("targetPortal", "iqn"),
    "cinder": ("volumeID",),
    "cephfs": ("monitors",),
    "flexVolume": ("driver",),
    "azureFile": ("secretName", "shareName"),
    "vsphereVolume": ("volumePath",),
    "quobyte": ("registry", "volume"),
    "azureDisk": ("diskName", "diskURI"),
    "photonPersistentDisk": ("pdID",),
    "portworxVolume": ("volumeID",),
    "scaleIO": ("gateway", "system", "volumeName"),
    "local": ("path",),
}
# Whose form is another one in a volume than in a pod.
OF_VOLUMES = frozenset(
    {"azureFile", "cephfs", "csi", "flexVolume", "glusterfs", "hostPath", "iscsi", "local", "rbd", "scaleIO"}
)
NOT_SOURCES = frozenset({"claimRef", "nodeAffinity"})
MAY_NOT_CHANGE = "spec.persistentvolumesource is immutable after creation"


class PersistentVolumeRules(WithSpec):
    about = "Storage that is there, for claims to take."
    returns_deleted = True
    counts = False
    columns = (
        NAME,
        Column("Capacity", "How much it holds."),
        Column("Access Modes", "How it can be mounted."),
        Column("Reclaim Policy", "What becomes of it when its claim goes."),
        Column("Status", "Whether a claim has taken it."),
        Column("Claim", "The claim that has taken it."),
        Column("StorageClass", "The kind of storage."),
        Column("VolumeAttributesClass", "The class of what can be changed of it."),
        Column("Reason", "Why it failed."),
        AGE,
        wide("VolumeMode", "Whether it is mounted as a file system or used as a block device."),
    )

    def cells(self, obj: PersistentVolume, now_ns: int) -> list[Any]:
        spec, status, meta = obj.spec, obj.status, obj.metadata
        claim = f"{spec.claim_ref.namespace}/{spec.claim_ref.name}" if spec.claim_ref is not None else ""
        return [
            meta.name,
            str(spec.capacity.get("storage", "0")),
            shown_modes(spec.access_modes),
            spec.persistent_volume_reclaim_policy,
            "Terminating" if meta.deletion_timestamp else status.phase,
            claim,
            class_of_volume(obj),
            spec.volume_attributes_class_name or UNSET,
            status.reason,
            age(meta.creation_timestamp, now_ns),
            spec.volume_mode or UNSET,
        ]

    def default(self, obj: PersistentVolume) -> PersistentVolume:
        spec, host = obj.spec, obj.spec.host_path
        spec = replace(
            spec,
            persistent_volume_reclaim_policy=spec.persistent_volume_reclaim_policy or "Retain",
            volume_mode=spec.volume_mode or "Filesystem",
            host_path=replace(host, type="") if host is not None and host.type is None else host,
        )
        for attribute, field, value in SOURCE_DEFAULTS:
            source = getattr(spec, attribute)
            if source is not None and not getattr(source, field):
                spec = replace(spec, **{attribute: replace(source, **{field: value})})
        return replace(obj, spec=spec, status=replace(obj.status, phase=obj.status.phase or "Pending"))

    def create(self, kind: Kind, obj: PersistentVolume, ctx: Admission) -> PersistentVolume:
        """A new volume is not yet looked at, and stays while a claim has it."""
        made: PersistentVolume = super().create(kind, obj, ctx)
        held = made.metadata.finalizers
        meta = made.metadata if PROTECTION in held else replace(made.metadata, finalizers=(*held, PROTECTION))
        return replace(
            made, metadata=meta, status=replace(made.status, phase="Pending", last_phase_transition_time=api_time(ctx.now_ns))
        )

    def update(
        self, kind: Kind, old: PersistentVolume, new: PersistentVolume, subresource: str, ctx: Admission
    ) -> PersistentVolume:
        """A phase says since when it is."""
        made: PersistentVolume = super().update(kind, old, new, subresource, ctx)
        status = made.status
        if status.phase != old.status.phase and status.last_phase_transition_time in (
            "",
            old.status.last_phase_transition_time,
        ):
            made = replace(made, status=replace(status, last_phase_transition_time=api_time(ctx.now_ns)))
        return made

    def check(self, faults: Faults, obj: PersistentVolume) -> None:
        check_volume_spec(faults, obj.spec)

    def check_change(self, faults: Faults, old: PersistentVolume, new: PersistentVolume) -> None:
        check_volume_spec(faults, new.spec)
        for name, attribute in _sources():
            if name != "csi" and getattr(old.spec, attribute) != getattr(new.spec, attribute):
                faults.forbidden("spec.persistentvolumesource", MAY_NOT_CHANGE)
                break
        if old.spec.csi != new.spec.csi:  # but for the secrets for what comes later
            was, now = (s if s is None else replace(s, controller_expand_secret_ref=None) for s in (old.spec.csi, new.spec.csi))
            if was != now:
                faults.forbidden("spec.persistentvolumesource", MAY_NOT_CHANGE)
        if old.spec.volume_mode != new.spec.volume_mode:
            faults.invalid("spec.volumeMode", new.spec.volume_mode, IMMUTABLE)
        if old.spec.node_affinity is not None and old.spec.node_affinity != new.spec.node_affinity:
            faults.invalid("spec.nodeAffinity", new.spec.node_affinity, IMMUTABLE)


SOURCE_DEFAULTS = (
    ("iscsi", "iscsi_interface", "default"),
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("scale_io", "storage_mode", "ThinProvisioned"),
    ("scale_io", "fs_type", "xfs"),
    ("azure_disk", "caching_mode", "ReadWrite"),
    ("azure_disk", "kind", "Shared"),
    ("azure_disk", "fs_type", "ext4"),
)


def _sources() -> list[tuple[str, str]]:
    """(name, attribute) of the fields that are sources of storage."""
    found = fields_of(PersistentVolumeSpec).values()
    return [(f.name, f.attribute) for f in found if f.shape.form == "struct" and f.name not in NOT_SOURCES]


def check_volume_spec(faults: Faults, spec: PersistentVolumeSpec) -> None:
    check_access_modes(faults, spec.access_modes, "spec.accessModes")
    if not spec.capacity:
        faults.required("spec.capacity")
    if set(spec.capacity) != {"storage"}:
        faults.not_supported("spec.capacity", sorted(spec.capacity), ("storage",))
    for name, amount in spec.capacity.items():
        if quantity.milli(str(amount)) <= 0:
            faults.invalid(f"spec.capacity[{name}]", str(amount), "must be greater than zero")
    policy = spec.persistent_volume_reclaim_policy
    if policy not in RECLAIMS:
        faults.not_supported("spec.persistentVolumeReclaimPolicy", policy, RECLAIMS)
    if spec.node_affinity is not None:
        if spec.node_affinity.required is None:
            faults.required("spec.nodeAffinity.required", "must specify required node constraints")
        else:
            check_node_selector(faults, spec.node_affinity.required, "spec.nodeAffinity.required")
    _check_source(faults, spec)
    host = spec.host_path
    if host is not None and host.path == "/" and policy == "Recycle":
        words = "may not be 'recycle' for a hostPath mount of '/'"
        faults.forbidden("spec.persistentVolumeReclaimPolicy", words)
    if spec.storage_class_name:
        name = spec.storage_class_name
        faults.invalid_each("spec.storageClassName", name, names.subdomain(name))
    if spec.volume_mode not in MODES:
        faults.not_supported("spec.volumeMode", spec.volume_mode or "", MODES)
    if spec.volume_attributes_class_name == "":
        faults.required("spec.volumeAttributesClassName", "an empty string is disallowed")
    elif (attributes := spec.volume_attributes_class_name) is not None:
        faults.invalid_each("spec.volumeAttributesClassName", attributes, names.subdomain(attributes))
        if spec.csi is None:
            faults.required("spec.csi", "has to be specified when using volumeAttributesClassName")


def _check_source(faults: Faults, spec: PersistentVolumeSpec) -> None:
    """There is one, and it says what it must."""
    given = [(name, source) for name, attribute in _sources() if (source := getattr(spec, attribute)) is not None]
    if not given:
        faults.required("spec", "must specify a volume type")
    for name, _ in given[1:]:
        faults.forbidden(f"spec.{name}", "may not specify more than 1 volume type")
    for name, source in given[:1]:
        path, check = f"spec.{name}", SOURCE_CHECKS.get(_attribute(PersistentVolumeSpec, name))
        if name in OF_VOLUMES or check is None:
            for field in NEEDED.get(name, ()):
                if not getattr(source, _attribute(type(source), field)):
                    faults.required(f"{path}.{field}")
        else:  # what a pod's volume of this sort must say
            check(faults, source, path)
        if name == "csi":
            _check_csi(faults, source, path)
        if name in ("hostPath", "local") and source.path:
            check_no_backsteps(faults, source.path, f"spec.{name}.path")
        if name == "local" and spec.node_affinity is None:
            faults.required("spec.nodeAffinity", "Local volume requires node affinity")


def _attribute(struct: type[Any], field: str) -> str:
    return fields_of(struct)[field].attribute


def _check_csi(faults: Faults, source: CSIPersistentVolumeSource, path: str) -> None:
    check_driver_name(faults, source.driver, f"{path}.driver")
    if not source.volume_handle:
        faults.required(f"{path}.volumeHandle")
    for field, ref in (
        ("controllerPublishSecretRef", source.controller_publish_secret_ref),
        ("controllerExpandSecretRef", source.controller_expand_secret_ref),
        ("nodePublishSecretRef", source.node_publish_secret_ref),
        ("nodeExpandSecretRef", source.node_expand_secret_ref),
    ):
        if ref is None:
            continue
        for part, value, form in (("name", ref.name, names.subdomain), ("namespace", ref.namespace, names.label)):
            if not value:
                faults.required(f"{path}.{field}.{part}")
            else:
                faults.invalid_each(f"{path}.{part}", value, form(value))


STRATEGY = PersistentVolumeRules()
