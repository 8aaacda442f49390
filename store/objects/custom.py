"""Objects of kinds that CustomResourceDefinitions define: one Struct for them all, and the kinds that a definition makes.

Kind, apiVersion and metadata are typed; what else there is, is JSON that is kept as it is. What a definition says of it
is checked by the engine (`kinds/custom/`).

Tests: tests/engine/api/test_custom.py, tests/reconcilers/cluster/test_custom_resource_definition.py
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from shipslog.store.objects.fields.structural import defaulted, defaults_of, pruned
from shipslog.store.objects.values.scalars import NO_ITEMS, Object, RawObject, freeze_maps

from .scheme import Kind
from .types import apiextensions_v1, meta_v1

HEAD = frozenset({"kind", "apiVersion", "metadata"})
TRUE = "True"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"  # of a definition: its objects go first


class CustomObject(Object, frozen=True, kw_only=True):
    """An object of any defined kind."""

    kind: str = ""
    api_version: str = field(default="", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    rest: RawObject = NO_ITEMS  # by its names on the wire: {"spec": {...}}; the codec writes it beside the others

    def __post_init__(self) -> None:
        freeze_maps(self, free=("rest",))

    __raw__: ClassVar[bool] = True

    def get(self, name: str) -> Any:
        """A member by its name on the wire; None for what is not there."""
        return self.rest.get(name)

    def with_member(self, name: str, value: Any) -> Mapping[str, Any]:
        """What stands beside the metadata, with one member other than it was; without it for None."""
        others = {key: held for key, held in self.rest.items() if key != name}
        return others if value is None else {**others, name: value}


class Definition(Struct, frozen=True):
    """What a definition says of one version of its kind."""

    schema: apiextensions_v1.JSONSchemaProps
    version: apiextensions_v1.CustomResourceDefinitionVersion
    terminating: bool = False  # it is being deleted, and its objects with it
    webhook: apiextensions_v1.WebhookConversion | None = None  # who turns one version into another; None: only names differ
    defaults: apiextensions_v1.JSONSchemaProps | None = None  # the part of the schema that has any

    @property
    def is_foreign(self) -> bool:
        """Whether another server is asked to turn one version into another."""
        return self.webhook is not None

    def shown(self, obj: CustomObject) -> CustomObject:
        """An object as this version has it: without the fields that it does not have, and with its defaults."""
        rest = self.completed(obj.rest)
        return obj if rest is obj.rest or rest == obj.rest else replace(obj, rest=rest)

    def completed(self, rest: Mapping[str, Any]) -> Mapping[str, Any]:
        """What stands beside the metadata, without what the schema does not have and with its defaults; the same object where
        there is nothing to do."""
        kept: Mapping[str, Any] = pruned(self.schema, rest, [], whole=True)
        return kept if self.defaults is None else cast(Mapping[str, Any], defaulted(self.defaults, kept))

    @property
    def scale(self) -> apiextensions_v1.CustomResourceSubresourceScale | None:
        return self.version.subresources.scale if self.version.subresources is not None else None

    @property
    def has_status(self) -> bool:
        return self.version.subresources is not None and self.version.subresources.status is not None


def holds(crd: apiextensions_v1.CustomResourceDefinition, condition: str) -> bool:
    """Whether a condition of a definition is true."""
    return any(c.type == condition and c.status == TRUE for c in crd.status.conditions)


def kinds_of(crd: apiextensions_v1.CustomResourceDefinition) -> tuple[Kind, ...]:
    """The kinds that a definition makes, the stored version first; none before it is established."""
    if not holds(crd, "Established"):
        return ()
    return _kinds(crd.spec, crd.status.accepted_names, holds(crd, "Terminating"))


def _kinds(
    spec: apiextensions_v1.CustomResourceDefinitionSpec,
    names: apiextensions_v1.CustomResourceDefinitionNames,
    terminating: bool,
) -> tuple[Kind, ...]:
    hub = next((_kind(spec, names, v, terminating, None) for v in spec.versions if v.storage), None)
    if hub is None:
        return ()
    foreign = hub.definition.is_foreign  # then a version that is not served is of use all the same: others are made of it
    others = (_kind(spec, names, v, terminating, hub) for v in spec.versions if (v.served or foreign) and not v.storage)
    return (hub, *others)


def _kind(
    spec: apiextensions_v1.CustomResourceDefinitionSpec,
    names: apiextensions_v1.CustomResourceDefinitionNames,
    version: apiextensions_v1.CustomResourceDefinitionVersion,
    terminating: bool,
    hub: Kind | None,
) -> Kind:
    schema = version.schema.open_apiv3_schema if version.schema is not None else None
    conversion = spec.conversion
    webhook = conversion.webhook if conversion is not None and conversion.strategy == "Webhook" else None
    schema = schema or apiextensions_v1.JSONSchemaProps(type="object")
    definition = Definition(schema, version, terminating, webhook, defaults_of(schema))
    subresources = (("scale",) if definition.scale is not None else ()) + (("status",) if definition.has_status else ())
    return Kind(
        group=spec.group,
        version=version.name,
        kind=names.kind,
        plural=names.plural,
        singular=names.singular,
        list_kind=names.list_kind,
        namespaced=spec.scope == "Namespaced",
        type=CustomObject,
        short_names=tuple(names.short_names),
        categories=tuple(names.categories),
        subresources=subresources,
        hub=hub,
        definition=definition,
        is_served=version.served,
    )
