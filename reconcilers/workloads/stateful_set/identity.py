"""Who a pod of a StatefulSet is: its name, its labels and its claims follow from its ordinal.

Source: Kubernetes' stateful set utilities: newStatefulSetPod, updateIdentity, updateStorage, getPersistentVolumeClaims.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import owner_reference, pod_from_template
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import StatefulSet

REVISION = "controller-revision-hash"
POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


def first_of(stateful: StatefulSet) -> int:
    return stateful.spec.ordinals.start if stateful.spec.ordinals is not None else 0


def replicas_of(stateful: StatefulSet) -> int:
    return 1 if stateful.spec.replicas is None else stateful.spec.replicas


def ordinal_of(stateful: StatefulSet, pod: core_v1.Pod) -> int | None:
    """The number after the set's name; None for a pod that is called otherwise."""
    parent, _, number = pod.metadata.name.rpartition("-")
    if parent != stateful.metadata.name or not number.isascii() or not number.isdecimal():
        return None
    return int(number)


def labels_of(name: str) -> dict[str, str]:
    return {POD_NAME: name, POD_INDEX: name.rpartition("-")[2]}


def make(stateful: StatefulSet, ordinal: int, template: core_v1.PodTemplateSpec, revision: str) -> core_v1.Pod:
    """The pod of an ordinal, of the revision of that name."""
    pod = pod_from_template(stateful, template, owner_reference(stateful))
    name = f"{stateful.metadata.name}-{ordinal}"
    labels = {**pod.metadata.labels, REVISION: revision, **labels_of(name)}
    claims = {template.metadata.name: claim.metadata.name for template, claim in _claims(stateful, name)}
    volumes = tuple(_volume(volume, claim) for volume, claim in claims.items())
    volumes += tuple(volume for volume in pod.spec.volumes if volume.name not in claims)
    return replace(
        pod, metadata=replace(pod.metadata, name=name, labels=labels),
        spec=replace(pod.spec, hostname=name, subdomain=stateful.spec.service_name, volumes=volumes),
    )  # fmt: skip


def _volume(name: str, claim: str) -> core_v1.Volume:
    source = core_v1.PersistentVolumeClaimVolumeSource(claim_name=claim, read_only=False)
    return core_v1.Volume(name=name, persistent_volume_claim=source)


# --- claims ---


def claims_of(stateful: StatefulSet, pod_name: str) -> list[core_v1.PersistentVolumeClaim]:
    """The claims of storage that a pod of this name has."""
    return [claim for _, claim in _claims(stateful, pod_name)]


def _claims(stateful: StatefulSet, pod_name: str) -> list[tuple[core_v1.PersistentVolumeClaim, core_v1.PersistentVolumeClaim]]:
    """Templates, each with the claim that is made of it."""
    chosen: Mapping[str, str] = stateful.spec.selector.match_labels if stateful.spec.selector is not None else {}
    made: list[tuple[core_v1.PersistentVolumeClaim, core_v1.PersistentVolumeClaim]] = []
    for template in stateful.spec.volume_claim_templates:
        meta = meta_v1.ObjectMeta(
            name=f"{template.metadata.name}-{pod_name}", namespace=stateful.metadata.namespace,
            labels={**template.metadata.labels, **chosen}, annotations=template.metadata.annotations,
        )  # fmt: skip
        made.append((template, core_v1.PersistentVolumeClaim(metadata=meta, spec=template.spec)))
    return made


def owners_of(
    stateful: StatefulSet, claim: core_v1.PersistentVolumeClaim, pod: core_v1.Pod | None, *, surplus: bool
) -> tuple[meta_v1.OwnerReference, ...]:
    """Whom the claim goes with, by the retention policy: the set, or a pod that is too many, or neither.

    Owners besides these stay; a claim that somebody else controls is left as it is."""
    keeps, meta = stateful.spec.persistent_volume_claim_retention_policy, stateful.metadata
    with_set = keeps is not None and keeps.when_deleted == "Delete"
    with_pod = keeps is not None and keeps.when_scaled == "Delete" and surplus
    held = claim.metadata.owner_references
    own = {("StatefulSet", meta.name), ("Pod", claim_pod(stateful, claim))}
    others = tuple(owner for owner in held if (owner.kind, owner.name) not in own)
    if any(owner.controller for owner in others):
        return held
    if with_pod:
        return (*others, owner_reference(pod)) if pod is not None else held
    return (*others, owner_reference(stateful)) if with_set else others


def claim_pod(stateful: StatefulSet, claim: core_v1.PersistentVolumeClaim) -> str:
    """The name of the pod whose claim it is."""
    return f"{stateful.metadata.name}-{claim.metadata.name.rpartition('-')[2]}"
