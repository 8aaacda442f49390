"""Names, labels, annotations, owners and finalizers: what holds for the metadata of every kind.

Tests: tests/engine/kinds/test_small_kinds.py
"""

from collections.abc import Mapping

from shipslog.store.objects.types.meta_v1 import LabelSelector, ObjectMeta, OwnerReference

from . import names
from .faults import IMMUTABLE, Faults

ANNOTATIONS_LIMIT_BYTES = 256 * 1024
STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
KUBE_FINALIZER_WORDS = "name is neither a standard finalizer name nor is it fully qualified"


def check_metadata(faults: Faults, meta: ObjectMeta, *, namespaced: bool, name: names.Check, strict: bool = True) -> None:
    """Metadata of a new object. `strict` adds the check of finalizers that core kinds have."""
    if meta.generate_name:
        faults.invalid_each("metadata.generateName", meta.generate_name, name(names.as_prefix(meta.generate_name)))
    if not meta.name:
        faults.required("metadata.name", "name or generateName is required")
    elif messages := name(meta.name):
        faults.invalid_each("metadata.name", meta.name, messages)
    if namespaced:
        if not meta.namespace:
            faults.required("metadata.namespace")
        elif messages := names.label(meta.namespace):
            faults.invalid_each("metadata.namespace", meta.namespace, messages)
    elif meta.namespace:
        faults.forbidden("metadata.namespace", "not allowed on this type")
    _check_common(faults, meta, strict)


def check_metadata_update(faults: Faults, meta: ObjectMeta, old: ObjectMeta, *, strict: bool = True) -> None:
    """Metadata of a changed object against what it was."""
    if old.deletion_timestamp:
        extra = sorted(set(meta.finalizers) - set(old.finalizers))
        if extra:
            listed = ", ".join(f'"{f}"' for f in extra)
            faults.forbidden(
                "metadata.finalizers",
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{" + listed + "}",
            )
    for field, new_value, old_value in (
        ("name", meta.name, old.name),
        ("namespace", meta.namespace, old.namespace),
        ("uid", meta.uid, old.uid),
        ("creationTimestamp", meta.creation_timestamp, old.creation_timestamp),
        ("deletionTimestamp", meta.deletion_timestamp, old.deletion_timestamp),
        ("deletionGracePeriodSeconds", meta.deletion_grace_period_seconds, old.deletion_grace_period_seconds),
    ):
        if new_value != old_value:
            faults.invalid(f"metadata.{field}", new_value or None, IMMUTABLE)
    if meta.generation < old.generation:
        faults.invalid("metadata.generation", meta.generation, "must not be decremented")
    _check_common(faults, meta, strict)


def _check_common(faults: Faults, meta: ObjectMeta, strict: bool) -> None:
    faults.not_negative("metadata.generation", meta.generation)
    if meta.labels:
        check_labels(faults, meta.labels, "metadata.labels")
    if meta.annotations:
        check_annotations(faults, meta.annotations, "metadata.annotations")
    if meta.owner_references:
        _check_owners(faults, meta.owner_references)
    if meta.finalizers:
        _check_finalizers(faults, meta.finalizers, strict)


def check_labels(faults: Faults, labels: Mapping[str, str], path: str) -> None:
    """A set of labels, or an equality selector of them."""
    for key, value in labels.items():
        if messages := names.qualified(key):
            faults.invalid_each(path, key, messages)
        if messages := names.label_value(value):
            faults.invalid_each(path, value, messages)


def check_annotations(faults: Faults, annotations: Mapping[str, str], path: str) -> None:
    size = 0
    for key, value in annotations.items():
        if messages := names.qualified(key.lower()):
            faults.invalid_each(path, key, messages)
        size += len(key) + (len(value) if value.isascii() else len(value.encode()))
    if size > ANNOTATIONS_LIMIT_BYTES:
        faults.too_long(path, ANNOTATIONS_LIMIT_BYTES)


def _check_owners(faults: Faults, owners: tuple[OwnerReference, ...]) -> None:
    path, controller = "metadata.ownerReferences", ""
    for owner in owners:
        group, _, version = owner.api_version.rpartition("/")
        if not version or "/" in group:
            faults.invalid(f"{path}.apiVersion", owner.api_version, "version must not be empty")
        for field, value in (("kind", owner.kind), ("name", owner.name), ("uid", owner.uid)):
            if not value:
                faults.invalid(f"{path}.{field}", value, "must not be empty")
        if owner.api_version == "v1" and owner.kind == "Event":
            faults.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")
        if not owner.controller:
            continue
        current = f"{owner.kind}/{owner.name}"
        if controller:
            why = 'Only one reference can have Controller set to true. Found "true" in references for '
            faults.invalid(path, owners, f"{why}{controller} and {current}")
        else:
            controller = current


def _check_finalizers(faults: Faults, finalizers: tuple[str, ...], strict: bool) -> None:
    path = "metadata.finalizers"
    for finalizer in finalizers:
        faults.invalid_each(path, finalizer, names.qualified(finalizer))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        faults.invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set")
    if not strict:
        return
    for i, finalizer in enumerate(finalizers):
        if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
            faults.invalid(f"{path}[{i}]", finalizer, KUBE_FINALIZER_WORDS)


def check_namespace_finalizer(faults: Faults, finalizer: str, path: str) -> None:
    """One of a Namespace's own finalizers, in its spec."""
    faults.invalid_each(path, finalizer, names.qualified(finalizer))
    if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
        faults.invalid(path, finalizer, KUBE_FINALIZER_WORDS)


def check_label_selector(faults: Faults, selector: LabelSelector | None, path: str) -> None:
    if selector is None:
        return
    check_labels(faults, selector.match_labels, f"{path}.matchLabels")
    for i, requirement in enumerate(selector.match_expressions):
        at = f"{path}.matchExpressions[{i}]"
        if requirement.operator in ("In", "NotIn"):
            if not requirement.values:
                faults.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif requirement.operator in ("Exists", "DoesNotExist"):
            if requirement.values:
                faults.forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        else:
            faults.invalid(f"{at}.operator", requirement.operator, "not a valid selector operator")
        faults.invalid_each(f"{at}.key", requirement.key, names.qualified(requirement.key))
        for j, value in enumerate(requirement.values):
            if messages := names.label_value(value):
                faults.invalid_each(f"{at}.values[{j}]", value, messages)
