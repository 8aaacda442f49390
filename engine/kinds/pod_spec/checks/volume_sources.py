"""Volume sources of storage systems outside of the node: what each of them cannot do without.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

import re
from collections.abc import Callable
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults

PARTITION_WORDS = "must be between 1 and 255, inclusive"
LUN_WORDS = "must be between 0 and 255, inclusive"
REGISTRY_WORDS = "must be a host:port pair or multiple pairs separated by commas"
INITIATORS = {
    "iqn": r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$",
    "eui": r"^eui.[A-Za-z0-9]{16}$",
    "naa": r"^naa.[A-Za-z0-9]{32}$",
}
Check = Callable[[Faults, Any, str], None]


def check_no_backsteps(faults: Faults, target: str, path: str) -> None:
    if ".." in target and ".." in target.split("/"):
        faults.invalid(path, target, "must not contain '..'")


def needs(*fields: tuple[str, str]) -> Check:
    """A check that these (attribute, JSON name) are not empty."""

    def check(faults: Faults, source: Any, path: str) -> None:
        for attribute, name in fields:
            if not getattr(source, attribute):
                faults.required(f"{path}.{name}")

    return check


def _disk(attribute: str, name: str) -> Check:
    def check(faults: Faults, source: Any, path: str) -> None:
        if not getattr(source, attribute):
            faults.required(f"{path}.{name}")
        if source.partition is not None and not 0 <= source.partition <= 255:
            faults.invalid(f"{path}.partition", source.partition, PARTITION_WORDS)

    return check


def _nfs(faults: Faults, source: Any, path: str) -> None:
    if not source.server:
        faults.required(f"{path}.server")
    if not source.path:
        faults.required(f"{path}.path")
    if not source.path.startswith("/"):
        faults.invalid(f"{path}.path", source.path, "must be an absolute path")


def _iscsi(faults: Faults, source: Any, path: str) -> None:
    if not source.target_portal:
        faults.required(f"{path}.targetPortal")
    if not source.iqn:
        faults.required(f"{path}.iqn")
    else:
        _check_initiator(faults, source.iqn, f"{path}.iqn")
    if not 0 <= source.lun <= 255:
        faults.invalid(f"{path}.lun", source.lun, LUN_WORDS)
    if (source.chap_auth_discovery or source.chap_auth_session) and source.secret_ref is None:
        faults.required(f"{path}.secretRef")
    if source.initiator_name is not None:
        _check_initiator(faults, source.initiator_name, f"{path}.initiatorname")


def _check_initiator(faults: Faults, value: str, path: str) -> None:
    pattern = INITIATORS.get(value[:3])
    if pattern is None:
        faults.invalid(path, value, "must be valid format starting with iqn, eui, or naa")
    elif not re.search(pattern, value):
        faults.invalid(path, value, "must be valid format")


def _flocker(faults: Faults, source: Any, path: str) -> None:
    if not source.dataset_name and not source.dataset_uuid:
        faults.required(path, "one of datasetName and datasetUUID is required")
    if source.dataset_name and source.dataset_uuid:
        faults.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in source.dataset_name:
        faults.invalid(f"{path}.datasetName", source.dataset_name, "must not contain '/'")


def _quobyte(faults: Faults, source: Any, path: str) -> None:
    if not source.registry:
        faults.required(f"{path}.registry", REGISTRY_WORDS)
    elif len(source.tenant) >= 65:
        faults.required(f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters")
    else:
        for pair in source.registry.split(","):
            if pair.count(":") != 1:
                faults.invalid(f"{path}.registry", source.registry, REGISTRY_WORDS)
    if not source.volume:
        faults.required(f"{path}.volume")


def _fc(faults: Faults, source: Any, path: str) -> None:
    if not source.target_ww_ns and not source.wwids:
        faults.required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    if source.target_ww_ns and source.wwids:
        why = "targetWWNs and wwids can not be specified simultaneously"
        faults.invalid(f"{path}.targetWWNs", source.target_ww_ns, why)
    if source.target_ww_ns:
        if source.lun is None:
            faults.required(f"{path}.lun", "lun is required if targetWWNs is specified")
        elif not 0 <= source.lun <= 255:
            faults.invalid(f"{path}.lun", source.lun, LUN_WORDS)


def _flex(faults: Faults, source: Any, path: str) -> None:
    if not source.driver:
        faults.required(f"{path}.driver")
    for key in source.options:
        space = "." + key.partition("/")[0].lower()
        if space.endswith((".kubernetes.io", ".k8s.io")):
            faults.invalid(f"{path}.options[{key}]", key, "kubernetes.io and k8s.io namespaces are reserved")


def _azure_disk(faults: Faults, source: Any, path: str) -> None:
    needs(("disk_name", "diskName"), ("disk_uri", "diskURI"))(faults, source, path)
    for field, value, known in (
        ("cachingMode", source.caching_mode, ("None", "ReadOnly", "ReadWrite")),
        ("kind", source.kind, ("Dedicated", "Managed", "Shared")),
    ):
        if value is not None and value not in known:
            faults.not_supported(f"{path}.{field}", value, known)
    if source.kind == "Managed" and not source.disk_uri.startswith("/subscriptions/"):
        form = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        faults.not_supported(f"{path}.diskURI", source.disk_uri, (form,))
    if source.kind not in (None, "Managed") and not source.disk_uri.startswith("https://"):
        form = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        faults.not_supported(f"{path}.diskURI", source.disk_uri, (form,))


def _cinder(faults: Faults, source: Any, path: str) -> None:
    needs(("volume_id", "volumeID"))(faults, source, path)
    _check_secret_ref(faults, source.secret_ref, path)


def _storage_os(faults: Faults, source: Any, path: str) -> None:
    if not source.volume_name:
        faults.required(f"{path}.volumeName")
    else:
        faults.invalid_each(f"{path}.volumeName", source.volume_name, names.label(source.volume_name))
    if source.volume_namespace:
        faults.invalid_each(f"{path}.volumeNamespace", source.volume_namespace, names.label(source.volume_namespace))
    _check_secret_ref(faults, source.secret_ref, path)


def _check_secret_ref(faults: Faults, ref: Any, path: str) -> None:
    if ref is not None and not ref.name:
        faults.required(f"{path}.secretRef.name")


def check_driver_name(faults: Faults, driver: str, path: str) -> None:
    """Of a CSI driver."""
    if not driver:
        faults.required(path)
    if len(driver) > 63:
        faults.too_long(path, 63)
    faults.invalid_each(path, driver, names.subdomain(driver.lower()))


def _csi(faults: Faults, source: Any, path: str) -> None:
    check_driver_name(faults, source.driver, f"{path}.driver")
    ref = source.node_publish_secret_ref
    if ref is None:
        return
    if not ref.name:
        faults.required(f"{path}.nodePublishSecretRef.name")
    else:
        faults.invalid_each(f"{path}.name", ref.name, names.subdomain(ref.name))


SOURCE_CHECKS: dict[str, Check] = {
    "gce_persistent_disk": _disk("pd_name", "pdName"),
    "aws_elastic_block_store": _disk("volume_id", "volumeID"),
    "nfs": _nfs,
    "iscsi": _iscsi,
    "flocker": _flocker,
    "cinder": _cinder,
    "quobyte": _quobyte,
    "fc": _fc,
    "flex_volume": _flex,
    "azure_disk": _azure_disk,
    "storageos": _storage_os,
    "csi": _csi,
    "glusterfs": needs(("endpoints", "endpoints"), ("path", "path")),
    "rbd": needs(("monitors", "monitors"), ("image", "image")),
    "cephfs": needs(("monitors", "monitors")),
    "azure_file": needs(("secret_name", "secretName"), ("share_name", "shareName")),
    "vsphere_volume": needs(("volume_path", "volumePath")),
    "photon_persistent_disk": needs(("pd_id", "pdID")),
    "portworx_volume": needs(("volume_id", "volumeID")),
    "scale_io": needs(("gateway", "gateway"), ("system", "system"), ("volume_name", "volumeName")),
}
