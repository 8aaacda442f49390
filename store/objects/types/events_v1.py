"""The types of the API group-version events.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, MicroTime, NullMicroTime, NullTime, Object, Time, null_text, to_nulls

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class EventSeries(Object, frozen=True, kw_only=True):
    count: Int32 = field(default_factory=int)
    last_observed_time: NullMicroTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_observed_time",))

    __proto__: ClassVar[dict[str, int]] = {"count": 1, "last_observed_time": 2}
    __required__: ClassVar[tuple[str, ...]] = ('count', 'lastObservedTime')


class Event(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Event")
    api_version: str = field(default_factory=lambda: "events.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    event_time: NullMicroTime = field(default_factory=null_text)
    series: EventSeries | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    action: str = ""
    reason: str = ""
    regarding: core_v1.ObjectReference = field(default_factory=core_v1.ObjectReference)
    related: core_v1.ObjectReference | None = None
    note: str = ""
    type: str = ""
    deprecated_source: core_v1.EventSource = field(default_factory=core_v1.EventSource)
    deprecated_first_timestamp: NullTime = field(default_factory=null_text)
    deprecated_last_timestamp: NullTime = field(default_factory=null_text)
    deprecated_count: Int32 = 0

    def __post_init__(self) -> None:
        to_nulls(self, texts=("event_time", "deprecated_first_timestamp", "deprecated_last_timestamp",))

    __proto__: ClassVar[dict[str, int]] = {"action": 6, "deprecated_count": 15, "deprecated_first_timestamp": 13, "deprecated_last_timestamp": 14, "deprecated_source": 12, "event_time": 2, "metadata": 1, "note": 10, "reason": 7, "regarding": 8, "related": 9, "reporting_controller": 4, "reporting_instance": 5, "series": 3, "type": 11}
    __required__: ClassVar[tuple[str, ...]] = ('eventTime',)

