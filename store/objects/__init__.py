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
        admission_v1 as admission_v1,
    )
    from .types import (
        admissionregistration_v1 as admissionregistration_v1,
    )
    from .types import (
        admissionregistration_v1beta1 as admissionregistration_v1beta1,
    )
    from .types import (
        apidiscovery_v2 as apidiscovery_v2,
    )
    from .types import (
        apiextensions_v1 as apiextensions_v1,
    )
    from .types import (
        apiextensions_v1beta1 as apiextensions_v1beta1,
    )
    from .types import (
        apiregistration_v1 as apiregistration_v1,
    )
    from .types import (
        apps_v1 as apps_v1,
    )
    from .types import (
        apps_v1beta1 as apps_v1beta1,
    )
    from .types import (
        authentication_v1 as authentication_v1,
    )
    from .types import (
        authorization_v1 as authorization_v1,
    )
    from .types import (
        authorization_v1beta1 as authorization_v1beta1,
    )
    from .types import (
        autoscaling_v1 as autoscaling_v1,
    )
    from .types import (
        autoscaling_v2 as autoscaling_v2,
    )
    from .types import (
        autoscaling_v2beta1 as autoscaling_v2beta1,
    )
    from .types import (
        batch_v1 as batch_v1,
    )
    from .types import (
        certificates_v1 as certificates_v1,
    )
    from .types import (
        certificates_v1beta1 as certificates_v1beta1,
    )
    from .types import (
        coordination_v1 as coordination_v1,
    )
    from .types import (
        coordination_v1beta1 as coordination_v1beta1,
    )
    from .types import (
        core_v1 as core_v1,
    )
    from .types import (
        discovery_v1 as discovery_v1,
    )
    from .types import (
        discovery_v1beta1 as discovery_v1beta1,
    )
    from .types import (
        events_v1 as events_v1,
    )
    from .types import (
        extensions_v1beta1 as extensions_v1beta1,
    )
    from .types import (
        flowcontrol_v1 as flowcontrol_v1,
    )
    from .types import (
        flowcontrol_v1beta2 as flowcontrol_v1beta2,
    )
    from .types import (
        meta_v1 as meta_v1,
    )
    from .types import (
        metrics_v1beta1 as metrics_v1beta1,
    )
    from .types import (
        networking_v1 as networking_v1,
    )
    from .types import (
        networking_v1beta1 as networking_v1beta1,
    )
    from .types import (
        node_v1 as node_v1,
    )
    from .types import (
        policy_v1 as policy_v1,
    )
    from .types import (
        rbac_v1 as rbac_v1,
    )
    from .types import (
        rbac_v1alpha1 as rbac_v1alpha1,
    )
    from .types import (
        resource_v1 as resource_v1,
    )
    from .types import (
        resource_v1beta1 as resource_v1beta1,
    )
    from .types import (
        resource_v1beta2 as resource_v1beta2,
    )
    from .types import (
        scheduling_v1 as scheduling_v1,
    )
    from .types import (
        scheduling_v1alpha3 as scheduling_v1alpha3,
    )
    from .types import (
        scheduling_v1beta1 as scheduling_v1beta1,
    )
    from .types import (
        storage_v1 as storage_v1,
    )
    from .types import (
        storagemigration_v1 as storagemigration_v1,
    )
    from .types import (
        storagemigration_v1beta1 as storagemigration_v1beta1,
    )


def __getattr__(name: str) -> Any:
    """A module of types, loaded when it is asked for."""
    if "_v" in name:
        import importlib

        try:
            return importlib.import_module(f"{__name__}.types.{name}")
        except ModuleNotFoundError:
            pass
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
