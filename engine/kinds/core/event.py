"""API events: they live in the namespace of what they tell of.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import Column, age, wide
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Event

LENGTHS = (("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024))

OF_OLD = ("firstTimestamp", "lastTimestamp", "count", "source")  # what Events had before there were series
LASTING = {
    "involvedObject": "involved_object",
    "reason": "reason",
    "message": "message",
    "source": "source",
    "firstTimestamp": "first_timestamp",
    "lastTimestamp": "last_timestamp",
    "count": "count",
    "type": "type",
    "eventTime": "event_time",
    "action": "action",
    "related": "related",
    "reportingController": "reporting_component",
    "reportingInstance": "reporting_instance",
}


class EventStrategy(Strategy):
    about = "Something that happened to an object, for people to read."
    strict_finalizers = False
    create_on_update = True
    columns = (
        Column("Last Seen", "When it happened last."),
        Column("Type", "Normal or Warning."),
        Column("Reason", "Why, in one word for programs."),
        Column("Object", "What it happened to."),
        wide("Subobject", "Which part of the object it happened to."),
        wide("Source", "Who reported it."),
        Column("Message", "What happened, for people."),
        wide("First Seen", "When it happened first."),
        wide("Count", "How often it happened."),
        Column("Name", "The name of the Event object.", format="name", priority=1),
    )
    selectable = {
        "involvedObject.kind": lambda o: o.involved_object.kind,
        "involvedObject.namespace": lambda o: o.involved_object.namespace,
        "involvedObject.name": lambda o: o.involved_object.name,
        "involvedObject.uid": lambda o: o.involved_object.uid,
        "involvedObject.apiVersion": lambda o: o.involved_object.api_version,
        "involvedObject.resourceVersion": lambda o: o.involved_object.resource_version,
        "involvedObject.fieldPath": lambda o: o.involved_object.field_path,
        "reason": lambda o: o.reason,
        "reportingComponent": lambda o: o.reporting_component,
        "type": lambda o: o.type,
        "source": lambda o: o.source.component or o.reporting_component,
    }

    def cells(self, obj: Event, now_ns: int) -> list[Any]:
        return cells(obj, now_ns)

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def check(self, faults: Faults, obj: Event) -> None:
        check_event(faults, obj)

    def of_version(self, version: Kind) -> Strategy:
        return STRICT if (version.group, version.version) == ("events.k8s.io", "v1") else self


class StrictEventStrategy(EventStrategy):
    """Events as they come in events.k8s.io/v1."""

    def name(self, value: str) -> names.Messages:
        return names.subdomain(value)

    def check(self, faults: Faults, obj: Event) -> None:
        check_event(faults, obj)
        _check_series(faults, obj)
        if not obj.event_time:
            faults.required("eventTime")
        if obj.type not in ("Normal", "Warning"):
            faults.invalid("type", "", f"has invalid value: {obj.type}")
        of_old = (obj.first_timestamp, obj.last_timestamp, obj.count, obj.source.component or obj.source.host)
        for field, value in zip(OF_OLD, of_old, strict=True):
            if value:
                faults.invalid(field, "", "needs to be unset")

    def check_update(self, faults: Faults, old: Event, new: Event, subresource: str) -> None:
        """Of one that is there the series goes on, and nothing else changes."""
        check_event(faults, new)
        if new.series != old.series:
            _check_series(faults, new)
        for field, attribute in LASTING.items():
            if getattr(old, attribute) != (value := getattr(new, attribute)):
                faults.invalid(field, value, IMMUTABLE)


def _check_series(faults: Faults, event: Event) -> None:
    if event.series is not None:
        if event.series.count < 2:
            faults.invalid("series.count", "", "should be at least 2")
        if not event.series.last_observed_time:
            faults.required("series.lastObservedTime")


def check_event(faults: Faults, event: Event) -> None:
    """Of the core group: lenient where no eventTime is set, as old clients write them."""
    namespace, involved = event.metadata.namespace, event.involved_object.namespace
    if not event.event_time:
        if namespace != (involved or "default"):
            faults.invalid("involvedObject.namespace", involved, "does not match event.namespace")
        return
    if not involved and namespace not in ("default", "kube-system"):
        faults.invalid("involvedObject.namespace", involved, "does not match event.namespace")
    controller = event.reporting_component
    if not controller:
        faults.required("reportingController")
    faults.invalid_each("reportingController", controller, names.qualified(controller))
    values = (event.reporting_instance, event.action, event.reason, event.message)
    for (field, limit), value in zip(LENGTHS, values, strict=True):
        if not value and field != "message":
            faults.required(field)
        if len(value) > limit:
            faults.invalid(field, "", f"can have at most {limit} characters")


def cells(event: Event, now_ns: int) -> list[Any]:
    first = age(event.first_timestamp or event.event_time, now_ns)
    last = age(event.last_timestamp, now_ns) if event.last_timestamp else first
    count = event.count
    if event.series is not None:
        last, count = age(event.series.last_observed_time, now_ns), event.series.count
    elif not count:
        count = 1
    target = event.involved_object.kind.lower()
    if event.involved_object.name:
        target += f"/{event.involved_object.name}"
    source = ", ".join(
        s for s in (event.source.component or event.reporting_component, event.source.host or event.reporting_instance) if s
    )
    return [
        last,
        event.type,
        event.reason,
        target,
        event.involved_object.field_path,
        source,
        event.message.strip(),
        first,
        count,
        event.metadata.name,
    ]


STRATEGY, STRICT = EventStrategy(), StrictEventStrategy()
