"""A pod's volumes: one source each, and what each source needs.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from collections.abc import Mapping
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_annotations, check_label_selector, check_labels
from shipslog.store.objects.types.core_v1 import (
    DownwardAPIVolumeFile,
    DownwardAPIVolumeSource,
    EphemeralVolumeSource,
    KeyToPath,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    Volume,
)
from shipslog.store.objects.values import quantity

from ..defaults.volumes import API_ACCESS
from .references import VOLUME_FIELDS, check_field_ref, check_resource_ref
from .volume_sources import SOURCE_CHECKS, check_no_backsteps

MODE_WORDS = "must be a number between 0 and 0777 (octal), both inclusive"
ISCSI_NAME_WORDS = (
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."
)
ONE_SOURCE = "may not specify more than 1 volume type"
HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
# In the order in which Kubernetes looks at them: the first source counts, the others are refused. The names of two paths
# are Kubernetes' own: (attribute, path of a second source, path of what is wrong in it).
ORDER = (
    ("empty_dir", "emptyDir", "emptyDir"),
    ("host_path", "hostPath", "hostPath"),
    ("git_repo", "gitRepo", "gitRepo"),
    ("gce_persistent_disk", "gcePersistentDisk", "persistentDisk"),
    ("aws_elastic_block_store", "awsElasticBlockStore", "awsElasticBlockStore"),
    ("secret", "secret", "secret"),
    ("nfs", "nfs", "nfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    ("persistent_volume_claim", "persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd", "rbd"),
    ("cinder", "cinder", "cinder"),
    ("cephfs", "cephFS", "cephfs"),
    ("quobyte", "quobyte", "quobyte"),
    ("downward_api", "downwarAPI", "downwardAPI"),
    ("fc", "fc", "fc"),
    ("flex_volume", "flexVolume", "flexVolume"),
    ("config_map", "configMap", "configMap"),
    ("azure_file", "azureFile", "azureFile"),
    ("vsphere_volume", "vsphereVolume", "vsphereVolume"),
    ("photon_persistent_disk", "photonPersistentDisk", "photonPersistentDisk"),
    ("portworx_volume", "portworxVolume", "portworxVolume"),
    ("azure_disk", "azureDisk", "azureDisk"),
    ("storageos", "storageos", "storageos"),
    ("projected", "projected", "projected"),
    ("scale_io", "scaleIO", "scaleIO"),
    ("csi", "csi", "csi"),
    ("ephemeral", "ephemeral", "ephemeral"),
    ("image", "image", "image"),
)


def check_volumes(faults: Faults, volumes: tuple[Volume, ...], path: str, pod_name: str = "") -> dict[str, Volume]:
    """The volumes that are right, by name: those that containers may mount. `pod_name` is "" in a template."""
    claims = {f"{pod_name}-{v.name}" for v in volumes if v.ephemeral is not None} if pod_name else set()
    good: dict[str, Volume] = {}
    for i, volume in enumerate(volumes):
        at = f"{path}[{i}]"
        before = len(faults.causes)
        _check_source(faults, volume, at, pod_name)
        if not volume.name:
            faults.required(f"{at}.name")
        elif messages := names.label(volume.name):
            faults.invalid_each(f"{at}.name", volume.name, messages)
        if volume.name in good:
            faults.duplicate(f"{at}.name", volume.name)
        if len(faults.causes) == before:
            good[volume.name] = volume
        claim = volume.persistent_volume_claim
        if claim is not None and claim.claim_name in claims:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            faults.invalid(f"{at}.persistentVolumeClaim.claimName", claim.claim_name, why)
    return good


def _check_source(faults: Faults, volume: Volume, path: str, pod_name: str) -> None:
    found = False
    for name, again, inner in ORDER:
        source = getattr(volume, name)
        if source is None:
            continue
        if found:
            faults.forbidden(f"{path}.{again}", ONE_SOURCE)
            continue
        found = True
        CHECKS[name](faults, source, f"{path}.{inner}")
    if not found:
        faults.required(path, "must specify a volume type")
    iscsi = volume.iscsi
    if iscsi is not None and iscsi.initiator_name is not None and len(f"{volume.name}:{iscsi.target_portal}") > 64:
        faults.invalid(f"{path}.name", volume.name, ISCSI_NAME_WORDS)
    if volume.ephemeral is not None and pod_name and volume.name:
        for message in names.subdomain(f"{pod_name}-{volume.name}"):
            faults.invalid(f"{path}.name", volume.name, f'PVC name "{pod_name}-{volume.name}": {message}')


def check_mode(faults: Faults, mode: int | None, path: str) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        faults.invalid(path, mode, MODE_WORDS)


def check_local_path(faults: Faults, target: str, path: str) -> None:
    """Relative, and never out of its directory."""
    if target.startswith("/"):
        faults.invalid(path, target, "must be a relative path")
    check_no_backsteps(faults, target, path)


def check_file_path(faults: Faults, target: str, path: str) -> None:
    """As a local path, and not one of the names that the kubelet keeps for itself."""
    check_local_path(faults, target, path)
    if target.startswith("..") and not target.startswith("../"):
        faults.invalid(path, target, "must not start with '..'")


def check_items(faults: Faults, items: tuple[KeyToPath, ...], path: str) -> None:
    for i, item in enumerate(items):
        at = f"{path}[{i}]"
        if not item.key:
            faults.required(f"{at}.key")
        if not item.path:
            faults.required(f"{at}.path")
        check_file_path(faults, item.path, f"{at}.path")
        check_mode(faults, item.mode, f"{at}.mode")


def _empty_dir(faults: Faults, source: Any, path: str) -> None:
    if source.size_limit is not None and quantity.milli(source.size_limit) < 0:
        faults.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(faults: Faults, source: Any, path: str) -> None:
    if not source.path:
        faults.required(f"{path}.path")
        return
    check_no_backsteps(faults, source.path, f"{path}.path")
    if source.type is not None and source.type not in HOST_PATH_TYPES:
        faults.not_supported(f"{path}.type", source.type, HOST_PATH_TYPES)


def _git_repo(faults: Faults, source: Any, path: str) -> None:
    if not source.repository:
        faults.required(f"{path}.repository")
    check_local_path(faults, source.directory, f"{path}.directory")


def _secret(faults: Faults, source: Any, path: str) -> None:
    if not source.secret_name:
        faults.required(f"{path}.secretName")
    check_mode(faults, source.default_mode, f"{path}.defaultMode")
    check_items(faults, source.items, f"{path}.items")


def _config_map(faults: Faults, source: Any, path: str) -> None:
    if not source.name:
        faults.required(f"{path}.name")
    check_mode(faults, source.default_mode, f"{path}.defaultMode")
    check_items(faults, source.items, f"{path}.items")


def _claim(faults: Faults, source: Any, path: str) -> None:
    if not source.claim_name:
        faults.required(f"{path}.claimName")


def _downward_api(faults: Faults, source: DownwardAPIVolumeSource, path: str) -> None:
    check_mode(faults, source.default_mode, f"{path}.defaultMode")
    for file in source.items:
        _check_file(faults, file, path)  # without an index: Kubernetes' own path


def _check_file(faults: Faults, file: DownwardAPIVolumeFile, path: str) -> None:
    if not file.path:
        faults.required(f"{path}.path")
    check_file_path(faults, file.path, f"{path}.path")
    if file.field_ref is not None:
        check_field_ref(faults, file.field_ref, VOLUME_FIELDS, f"{path}.fieldRef")
        if file.resource_field_ref is not None:
            faults.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif file.resource_field_ref is not None:
        check_resource_ref(faults, file.resource_field_ref, f"{path}.resourceFieldRef", volume=True)
    else:
        faults.required(path, "one of fieldRef and resourceFieldRef is required")
    check_mode(faults, file.mode, f"{path}.mode")


def _projected(faults: Faults, source: ProjectedVolumeSource, path: str) -> None:
    check_mode(faults, source.default_mode, f"{path}.defaultMode")
    if source.sources is API_ACCESS:
        return  # made by admission itself, for nearly every pod
    used: set[str] = set()

    def use(target: str, value: str) -> None:
        if target and target in used:
            faults.invalid(path, value, "conflicting duplicate paths")
        used.add(target)

    for i, part in enumerate(source.sources):
        at = f"{path}.sources[{i}]"
        kinds: Mapping[str, Any] = {"secret": part.secret, "configMap": part.config_map}
        for name, named in kinds.items():
            if named is None:
                continue
            if not named.name:
                faults.required(f"{at}.{name}.name")
            check_items(faults, named.items, f"{at}.{name}.items")
            for item in named.items:
                use(item.path, named.name)
        if part.downward_api is not None:
            for file in part.downward_api.items:
                _check_file(faults, file, f"{at}.downwardAPI")
                use(file.path, file.path)
        if part.service_account_token is not None:
            _check_token(faults, part.service_account_token, f"{at}.serviceAccountToken", path)
        if part.cluster_trust_bundle is not None:
            _check_bundle(faults, part.cluster_trust_bundle, f"{at}.clusterTrustBundle")
            use(part.cluster_trust_bundle.path, part.cluster_trust_bundle.path)
        sources = (part.secret, part.config_map, part.downward_api, part.service_account_token, part.cluster_trust_bundle)
        if sum(p is not None for p in sources) > 1:
            faults.forbidden(at, "may not specify more than 1 volume type per source")


def _check_token(faults: Faults, token: ServiceAccountTokenProjection, path: str, volume_path: str) -> None:
    life = token.expiration_seconds or 0
    if life < 600:
        faults.invalid(f"{path}.expirationSeconds", life, "may not specify a duration less than 10 minutes")
    if life > 1 << 32:
        faults.invalid(f"{path}.expirationSeconds", life, "may not specify a duration larger than 2^32 seconds")
    if not token.path:
        faults.required(f"{volume_path}.path")  # without the source: Kubernetes' own path
    else:
        check_file_path(faults, token.path, f"{volume_path}.path")


def _check_bundle(faults: Faults, bundle: Any, path: str) -> None:
    if bundle.name and bundle.signer_name:
        faults.invalid(path, bundle, "only one of name and signerName may be used")
    elif bundle.name:
        if bundle.label_selector is not None:
            faults.invalid(f"{path}.labelSelector", bundle.label_selector, "labelSelector must be unset if name is specified")
    elif bundle.signer_name:
        check_label_selector(faults, bundle.label_selector, f"{path}.labelSelector")
    else:
        faults.required(path, "either name or signerName must be specified")
    if not bundle.path:
        faults.required(f"{path}.path")
    check_file_path(faults, bundle.path, f"{path}.path")


def _ephemeral(faults: Faults, source: EphemeralVolumeSource, path: str) -> None:
    template = source.volume_claim_template
    at = f"{path}.volumeClaimTemplate"
    if template is None:
        faults.required(at)
        return
    meta, spec = template.metadata, template.spec
    check_annotations(faults, meta.annotations, f"{at}.metadata.annotations")
    check_labels(faults, meta.labels, f"{at}.metadata.labels")
    for field, value in (
        ("name", meta.name),
        ("namespace", meta.namespace),
        ("generateName", meta.generate_name),
        ("finalizers", meta.finalizers),
        ("ownerReferences", meta.owner_references),
    ):
        if value:
            faults.forbidden(f"{at}.metadata.{field}", "cannot be set")
    check_label_selector(faults, spec.selector, f"{at}.spec.selector")
    if not spec.access_modes:
        faults.required(f"{at}.spec.accessModes", "at least 1 access mode is required")
    for mode in spec.access_modes:
        if mode not in ACCESS_MODES:
            faults.not_supported(f"{at}.spec.accessModes", mode, ACCESS_MODES)
    if "storage" not in spec.resources.requests:
        faults.required(f"{at}.spec.resources[storage]")
    elif quantity.milli(spec.resources.requests["storage"]) <= 0:
        amount = spec.resources.requests["storage"]
        faults.invalid(f"{at}.spec.resources[storage]", amount, "must be greater than zero")
    if spec.volume_mode is not None and spec.volume_mode not in ("Block", "Filesystem"):
        faults.not_supported(f"{at}.spec.volumeMode", spec.volume_mode, ("Block", "Filesystem"))


def _image(faults: Faults, source: Any, path: str) -> None:
    if not source.reference:
        faults.required(f"{path}.reference")
    if source.pull_policy not in ("Always", "IfNotPresent", "Never"):
        faults.not_supported(f"{path}.pullPolicy", source.pull_policy, ("Always", "IfNotPresent", "Never"))


CHECKS = SOURCE_CHECKS | {
    "empty_dir": _empty_dir,
    "host_path": _host_path,
    "git_repo": _git_repo,
    "secret": _secret,
    "config_map": _config_map,
    "persistent_volume_claim": _claim,
    "downward_api": _downward_api,
    "projected": _projected,
    "ephemeral": _ephemeral,
    "image": _image,
}
