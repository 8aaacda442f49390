"""The API's objects, and which kinds of them there are.

    types/        the types, generated, a module each group and version
    values/       what fields hold: quantities, times, durations
    wire/         JSON, YAML, protobuf
    fields/       objects field by field: shapes, schemas, who owns what
    patch/        JSON patch, merge patch, strategic merge patch
    conversions/  one kind in several versions

`scheme` is the kinds as a value, `builtin` those that every cluster has, `custom` those that definitions make.

Who uses the library finds the types here too: `from shipslog.store.objects import core_v1`.

Tests: tests/store/objects/test_objects.py
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .types import (
        admission_v1,
        admissionregistration_v1,
        admissionregistration_v1beta1,
        apidiscovery_v2,
        apiextensions_v1,
        apiextensions_v1beta1,
        apiregistration_v1,
        apps_v1,
        apps_v1beta1,
        authentication_v1,
        authorization_v1,
        authorization_v1beta1,
        autoscaling_v1,
        autoscaling_v2,
        autoscaling_v2beta1,
        batch_v1,
        certificates_v1,
        certificates_v1beta1,
        coordination_v1,
        coordination_v1beta1,
        core_v1,
        discovery_v1,
        discovery_v1beta1,
        events_v1,
        extensions_v1beta1,
        flowcontrol_v1,
        flowcontrol_v1beta2,
        meta_v1,
        metrics_v1beta1,
        networking_v1,
        networking_v1beta1,
        node_v1,
        policy_v1,
        rbac_v1,
        rbac_v1alpha1,
        resource_v1,
        resource_v1beta1,
        resource_v1beta2,
        scheduling_v1,
        scheduling_v1alpha3,
        scheduling_v1beta1,
        storage_v1,
        storagemigration_v1,
        storagemigration_v1beta1,
    )

__all__ = [
    "admission_v1",
    "admissionregistration_v1",
    "admissionregistration_v1beta1",
    "apidiscovery_v2",
    "apiextensions_v1",
    "apiextensions_v1beta1",
    "apiregistration_v1",
    "apps_v1",
    "apps_v1beta1",
    "authentication_v1",
    "authorization_v1",
    "authorization_v1beta1",
    "autoscaling_v1",
    "autoscaling_v2",
    "autoscaling_v2beta1",
    "batch_v1",
    "certificates_v1",
    "certificates_v1beta1",
    "coordination_v1",
    "coordination_v1beta1",
    "core_v1",
    "discovery_v1",
    "discovery_v1beta1",
    "events_v1",
    "extensions_v1beta1",
    "flowcontrol_v1",
    "flowcontrol_v1beta2",
    "meta_v1",
    "metrics_v1beta1",
    "networking_v1",
    "networking_v1beta1",
    "node_v1",
    "policy_v1",
    "rbac_v1",
    "rbac_v1alpha1",
    "resource_v1",
    "resource_v1beta1",
    "resource_v1beta2",
    "scheduling_v1",
    "scheduling_v1alpha3",
    "scheduling_v1beta1",
    "storage_v1",
    "storagemigration_v1",
    "storagemigration_v1beta1",
]


def __getattr__(name: str) -> Any:
    """A module of types, loaded when it is asked for."""
    if name in __all__:
        import importlib

        return importlib.import_module(f"{__name__}.types.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
