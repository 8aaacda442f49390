"""Which objects a request means: label selectors and field selectors.

Tests: tests/engine/api/verbs/test_reads.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.kinds.strategy import Reader
from shipslog.engine.state.view import MemoryView
from shipslog.store.objects import selector
from shipslog.store.objects.memo import remembered
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest
from shipslog.store.state import Entry

from .routes import Params, first

EVERY: dict[str, Reader] = {"metadata.name": lambda o: o.metadata.name}
NAMESPACED: dict[str, Reader] = EVERY | {"metadata.namespace": lambda o: o.metadata.namespace}


class Selection(Struct, frozen=True):
    """What a request selects. `fields` are (reader, allowed values or None for any, denied values), one for each field."""

    labels: selector.Selector | None = None
    fields: tuple[tuple[Reader, frozenset[str] | None, frozenset[str]], ...] = ()
    exact: Mapping[str, str] = {}  # field path -> wanted value, for the indexes

    def __bool__(self) -> bool:
        return self.labels is not None or bool(self.fields)

    def matches(self, obj: Any) -> bool:
        if self.labels is not None and not self.labels.matches(obj.metadata.labels):
            return False
        for read, allowed, denied in self.fields:
            value = read(obj)
            if value in denied or (allowed is not None and value not in allowed):
                return False
        return True

    def entries(self, view: MemoryView, kind: Kind, namespace: str | None) -> list[Entry]:
        """The selected objects, by namespace and name."""
        found = self.candidates(view, kind, namespace)
        return [e for e in found if self.matches(e.object)] if self else found

    def candidates(self, view: MemoryView, kind: Kind, namespace: str | None) -> list[Entry]:
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


def of_params(kind: Kind, params: Params, name: str = "") -> Selection:
    """The selection of a LIST, WATCH or deletion. `name` restricts it to one object. Errors: BadRequest."""
    if not params and not name:
        return EVERYTHING
    return _selection(first(params, "labelSelector"), first(params, "fieldSelector"), name, kind=kind)


@remembered(entries=1024)
def _selection(labels: str, fields: str, name: str, *, kind: Kind) -> Selection:
    selected = selector.parse_labels(labels) if labels.strip() else None
    known: Mapping[str, Reader] = {**(NAMESPACED if kind.namespaced else EVERY), **rules_of(kind).selectable}
    allowed: dict[str, set[str]] = {}
    denied: dict[str, set[str]] = {}
    for requirement in selector.parse_fields(fields) if fields.strip() else ():
        path = kind.field_of_hub(requirement.path)
        if path not in known:
            full = f"{kind.group}/{kind.version}"
            raise BadRequest(
                f'Unable to find "{full}, Resource={kind.plural}" that match label selector "{labels}", field '
                f'selector "{fields}": '
                f"field label not supported: {requirement.path}"
            )
        (denied if requirement.negate else allowed).setdefault(path, set()).add(requirement.value)
    if name:
        allowed.setdefault("metadata.name", set()).add(name)
    tests = tuple((known[p], _one(allowed.get(p)), frozenset(denied.get(p, ()))) for p in {**allowed, **denied})
    exact = {path: next(iter(values)) for path, values in allowed.items()}
    return Selection(selected, tests, exact) if selected or tests else EVERYTHING


def _one(wanted: set[str] | None) -> frozenset[str] | None:
    """The values that a field may have: one, or none at all if it should be two at once."""
    return None if wanted is None else frozenset(wanted if len(wanted) == 1 else ())
