"""events.k8s.io/v1 Event: the core Event under other names. Source: the API reference of both; Kubernetes converts likewise.

Tests: tests/engine/api/request/test_versions.py
"""

from shipslog.store.objects.types import core_v1, events_v1

_OBJECT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
FIELDS = {f"regarding.{name}": f"involvedObject.{name}" for name in _OBJECT}
FIELDS |= {"reason": "reason", "reportingController": "reportingComponent", "type": "type"}


def to_hub(event: events_v1.Event) -> core_v1.Event:
    """As it is stored."""
    series = event.series
    return core_v1.Event(
        metadata=event.metadata,
        involved_object=event.regarding,
        reason=event.reason,
        message=event.note,
        source=event.deprecated_source,
        first_timestamp=event.deprecated_first_timestamp,
        last_timestamp=event.deprecated_last_timestamp,
        count=event.deprecated_count,
        type=event.type,
        event_time=event.event_time,
        series=core_v1.EventSeries(count=series.count, last_observed_time=series.last_observed_time) if series else None,
        action=event.action,
        related=event.related,
        reporting_component=event.reporting_controller,
        reporting_instance=event.reporting_instance,
    )


def from_hub(event: core_v1.Event) -> events_v1.Event:
    """As events.k8s.io shows it."""
    series = event.series
    return events_v1.Event(
        metadata=event.metadata,
        regarding=event.involved_object,
        reason=event.reason,
        note=event.message,
        deprecated_source=event.source,
        deprecated_first_timestamp=event.first_timestamp,
        deprecated_last_timestamp=event.last_timestamp,
        deprecated_count=event.count,
        type=event.type,
        event_time=event.event_time,
        series=events_v1.EventSeries(count=series.count, last_observed_time=series.last_observed_time) if series else None,
        action=event.action,
        related=event.related,
        reporting_controller=event.reporting_component,
        reporting_instance=event.reporting_instance,
    )
