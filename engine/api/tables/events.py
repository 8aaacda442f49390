"""The table of Events."""

from typing import Any

from shipslog.store.objects import core_v1

from .columns import Column, age, wide

COLUMNS = (
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


def cells(event: core_v1.Event, now_ns: int) -> list[Any]:
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
        last, event.type, event.reason, target, event.involved_object.field_path, source, event.message.strip(), first, count,
        event.metadata.name,
    ]  # fmt: skip
