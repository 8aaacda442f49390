"""Volume attachments: which volume is, or shall be, attached to which node."""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.storage_v1 import VolumeAttachment, VolumeError

from .csi_driver import check_driver_name
from .storage_class import MOST_BYTES

LONGEST_MESSAGE = 1024


class VolumeAttachmentRules(WithSpec):
    about = "Which volume is, or shall be, attached to which node."
    unconditional_update = False
    counts = False
    columns = (
        NAME,
        Column("Attacher", "Who attaches it."),
        Column("PV", "The volume."),
        Column("Node", "The node."),
        Column("Attached", "Whether it is attached.", "boolean"),
        AGE,
    )

    def cells(self, obj: VolumeAttachment, now_ns: int) -> list[Any]:
        spec, created = obj.spec, age(obj.metadata.creation_timestamp, now_ns)
        volume = spec.source.persistent_volume_name or ""
        return [obj.metadata.name, spec.attacher, volume, spec.node_name, obj.status.attached, created]

    def check(self, faults: Faults, obj: VolumeAttachment) -> None:
        spec = obj.spec
        check_driver_name(faults, spec.attacher, "spec.attacher")
        inline, name = spec.source.inline_volume_spec, spec.source.persistent_volume_name
        if inline is None and not name:
            faults.required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
        elif inline is not None and name:
            words = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
            faults.forbidden("spec.source", words)
        elif name:
            faults.invalid_each("spec.source.persistentVolumeName", name, names.subdomain(name))
        elif inline is not None and inline.csi is None:
            faults.required("spec.source.inlineVolumeSpec", "may only be used for CSI volumes")
        faults.invalid_each("spec.nodeName", spec.node_name, names.subdomain(spec.node_name))

    def check_change(self, faults: Faults, old: VolumeAttachment, new: VolumeAttachment) -> None:
        self.check(faults, new)
        if old.spec != new.spec:
            faults.invalid("spec", new.spec, IMMUTABLE)

    def check_status(self, faults: Faults, old: VolumeAttachment, new: VolumeAttachment) -> None:
        status = new.status
        size = sum(len(key) + len(value) for key, value in status.attachment_metadata.items())
        if size > MOST_BYTES:
            faults.too_long("status.attachmentMetadata", MOST_BYTES)
        for field, error in (("attachError", status.attach_error), ("detachError", status.detach_error)):
            _check_error(faults, error, f"status.{field}")


def _check_error(faults: Faults, error: VolumeError | None, path: str) -> None:
    if error is not None and len(error.message) > LONGEST_MESSAGE:
        faults.too_long(f"{path}.message", LONGEST_MESSAGE)


STRATEGY = VolumeAttachmentRules()
