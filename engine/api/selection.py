"""Which objects a request means: label selectors and field selectors."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from shipslog.engine.state.view import MemoryView
from shipslog.store.objects import core_v1, registry, selector
from shipslog.store.refusals import BadRequest
from shipslog.store.state import Entry

from .routes import Params, first

Reader = Callable[[Any], str]

EVERY: dict[str, Reader] = {"metadata.name": lambda o: o.metadata.name}
NAMESPACED: dict[str, Reader] = EVERY | {"metadata.namespace": lambda o: o.metadata.namespace}


def _flag(value: bool | None) -> str:
    return "true" if value else "false"


def _source(event: core_v1.Event) -> str:
    return event.source.component or event.reporting_component


# Source: the conversion functions of Kubernetes 1.32 (pkg/apis/*/v1/conversion.go), which name the supported labels.
FIELDS: dict[str, Mapping[str, Reader]] = {
    "pods": {
        "spec.nodeName": lambda o: o.spec.node_name, "spec.restartPolicy": lambda o: o.spec.restart_policy,
        "spec.schedulerName": lambda o: o.spec.scheduler_name, "spec.serviceAccountName": lambda o: o.spec.service_account_name,
        "spec.hostNetwork": lambda o: _flag(o.spec.host_network), "status.phase": lambda o: o.status.phase,
        "status.podIP": lambda o: o.status.pod_ip, "status.podIPs": lambda o: ",".join(i.ip for i in o.status.pod_ips),
        "status.nominatedNodeName": lambda o: o.status.nominated_node_name,
    },
    "events": {
        "involvedObject.kind": lambda o: o.involved_object.kind,
        "involvedObject.namespace": lambda o: o.involved_object.namespace,
        "involvedObject.name": lambda o: o.involved_object.name, "involvedObject.uid": lambda o: o.involved_object.uid,
        "involvedObject.apiVersion": lambda o: o.involved_object.api_version,
        "involvedObject.resourceVersion": lambda o: o.involved_object.resource_version,
        "involvedObject.fieldPath": lambda o: o.involved_object.field_path, "reason": lambda o: o.reason,
        "reportingComponent": lambda o: o.reporting_component, "source": _source, "type": lambda o: o.type,
    },
    "secrets": {"type": lambda o: o.type},
    "namespaces": {"status.phase": lambda o: o.status.phase, "name": lambda o: o.metadata.name},
    "nodes": {"spec.unschedulable": lambda o: _flag(o.spec.unschedulable)},
    "replicationcontrollers": {"status.replicas": lambda o: str(o.status.replicas)},
    "services": {"spec.clusterIP": lambda o: o.spec.cluster_ip, "spec.type": lambda o: o.spec.type},
}  # fmt: skip


class Selection(Struct, frozen=True):
    """What a request selects. `fields` are (reader, negated, wanted value)."""

    labels: selector.Selector | None = None
    fields: tuple[tuple[Reader, bool, str], ...] = ()
    exact: Mapping[str, str] = {}  # field path -> wanted value, for the indexes

    def __bool__(self) -> bool:
        return self.labels is not None or bool(self.fields)

    def matches(self, obj: Any) -> bool:
        if self.labels is not None and not self.labels.matches(obj.metadata.labels):
            return False
        return all((read(obj) == value) is not negate for read, negate, value in self.fields)

    def entries(self, view: MemoryView, kind: registry.Kind, namespace: str | None) -> list[Entry]:
        """The selected objects, by namespace and name."""
        found = self._candidates(view, kind, namespace)
        return [e for e in found if self.matches(e.object)] if self else found

    def _candidates(self, view: MemoryView, kind: registry.Kind, namespace: str | None) -> list[Entry]:
        """As few as the indexes allow."""
        resource = kind.resource
        if namespace is None and kind.namespaced and "metadata.namespace" in self.exact:
            namespace = self.exact["metadata.namespace"]
        if "metadata.name" in self.exact and (namespace is not None or not kind.namespaced):
            entry = view.entry(resource, self.exact["metadata.name"], namespace or "")
            return [entry] if entry is not None else []
        if resource == "pods" and self.exact.get("spec.nodeName"):
            pods = [p.metadata for p in view.pods_on(self.exact["spec.nodeName"])]
            entries = [view.entry(resource, m.name, m.namespace) for m in pods if namespace in (None, m.namespace)]
            return [e for e in entries if e is not None]
        if self.labels is not None and self.labels.exact:
            return view.entries_labelled(resource, namespace, self.labels.exact)
        return view.entries(resource, namespace)


EVERYTHING = Selection()


def of_params(kind: registry.Kind, params: Params, name: str = "") -> Selection:
    """The selection of a LIST, WATCH or deletion. `name` restricts it to one object. Errors: BadRequest."""
    if not params and not name:
        return EVERYTHING
    return _selection(kind, first(params, "labelSelector"), first(params, "fieldSelector"), name)


@lru_cache(maxsize=1024)
def _selection(kind: registry.Kind, labels: str, fields: str, name: str) -> Selection:
    selected = selector.parse_labels(labels) if labels.strip() else None
    known: Mapping[str, Reader] = {**(NAMESPACED if kind.namespaced else EVERY), **FIELDS.get(kind.resource, {})}
    readers: list[tuple[Reader, bool, str]] = []
    exact: dict[str, str] = {}
    for requirement in selector.parse_fields(fields) if fields.strip() else ():
        if requirement.path not in known:
            full = f"{kind.group}/{kind.version}"
            raise BadRequest(
                f'Unable to find "{full}, Resource={kind.plural}" that match label selector "{labels}", field '
                f'selector "{fields}": '
                f"field label not supported: {requirement.path}"
            )
        readers.append((known[requirement.path], requirement.negate, requirement.value))
        if not requirement.negate:
            exact[requirement.path] = requirement.value
    if name:
        readers.append((known["metadata.name"], False, name))
        exact["metadata.name"] = name
    return Selection(selected, tuple(readers), exact) if selected or readers else EVERYTHING
