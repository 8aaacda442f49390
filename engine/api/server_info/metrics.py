"""/metrics: what was counted, in Prometheus' words and under Kubernetes' names where it has them.

Nothing of this costs anything until somebody asks. Then the numbers are taken in one turn of the loop, and put into words in a
thread; `prometheus-client` is imported by the first who asks.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import shipslog
from shipslog.engine.api.connection.tracking import Labels, Requests
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.measures import Family, Histogram, gauge
from shipslog.engine.served import Served

BY = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
COMPONENT = "apiserver"


async def answer(call: Call, requests: Requests) -> Reply:
    """All that there is, in the format that is asked for: text, or OpenMetrics."""
    families = [copied(family) for family in (*of_requests(requests), *of_state(call.cluster), *call.cluster.measured())]
    body, media = await asyncio.to_thread(rendered, families, call.request.headers.get("Accept", ""))
    return Reply(body, 200, media)


def copied(family: Family) -> Family:
    """As it is now, whatever is counted meanwhile."""
    rows = [(labels, value.copy() if isinstance(value, Histogram) else value) for labels, value in family.rows]
    return Family(family.name, family.help, family.kind, family.labels, rows)


def of_requests(requests: Requests) -> Iterator[Family]:
    """What Kubernetes' API server says of requests."""
    totals: dict[tuple[str, ...], float] = {}
    took: dict[Labels, Histogram] = {}
    for labels, code, seen in requests.series():
        key = (*_values(labels), str(code))
        totals[key] = totals.get(key, 0) + seen.count
        took.setdefault(labels, Histogram(seen.bounds)).add(seen)
    help = "Requests that were answered, by verb, kind and code."
    yield Family("apiserver_request", help, "counter", (*BY, "code"), list(totals.items()))
    help = "Seconds until a request was answered; of a watch, how long it was followed."
    yield Family("apiserver_request_duration_seconds", help, "histogram", BY, [(_values(k), v) for k, v in took.items()])
    reading, changing = requests.inflight()
    help = "Requests that are being answered; streams do not count."
    rows: list[tuple[tuple[str, ...], float]] = [(("readOnly",), reading), (("mutating",), changing)]
    yield Family("apiserver_current_inflight_requests", help, "gauge", ("request_kind",), rows)
    streams: dict[tuple[str, ...], float] = {}
    for labels in requests.long_running():
        key = tuple(value for name, value in zip(BY, _values(labels), strict=True) if name != "dry_run")
        streams[key] = streams.get(key, 0) + 1
    names = tuple(name for name in BY if name != "dry_run")
    yield Family("apiserver_longrunning_requests", "Watches and streams that go on.", "gauge", names, list(streams.items()))
    help = "Requests whose client went before the answer."
    yield Family("apiserver_request_aborts", help, "counter", (), [((), requests.aborted)])


def _values(labels: Labels) -> tuple[str, ...]:
    return tuple(COMPONENT if name == "component" else getattr(labels, name) for name in BY)


def of_state(cluster: Served) -> Iterator[Family]:
    """What a reader of the state can say."""
    from .documents import version

    view, build = cluster.view, version()
    names = {"git_version": "gitVersion", "major": "major", "minor": "minor", "platform": "platform"}
    row = tuple(str(build[member]) for member in names.values())
    yield Family("kubernetes_build_info", "The Kubernetes whose API this is.", "gauge", tuple(names), [(row, 1)])
    yield Family("shipslog_build_info", "The version of Shipslog.", "gauge", ("version",), [((shipslog.__version__,), 1)])
    yield gauge("shipslog_revision", "The newest revision that is durable.", view.revision)
    counts = [((resource,), view.count(resource)) for resource in sorted(view.resources())]
    yield Family("apiserver_storage_objects", "Objects by kind.", "gauge", ("resource",), counts)
    size = _size_bytes(cluster)
    if size:
        help = "Bytes of the log's files: what etcd's database is elsewhere."
        yield Family("etcd_db_total_size_in_bytes", help, "gauge", ("endpoint",), [(("shipslog",), size)])
        yield Family("apiserver_storage_size_bytes", help, "gauge", ("storage_cluster_id",), [(("shipslog",), size)])
    yield gauge("shipslog_log_trouble", "1 while the log takes no writes.", 1 if cluster.log.trouble else 0)


def _size_bytes(cluster: Served) -> int:
    """Of the log's file with what has not been moved into it yet; 0 for a log in memory."""
    path: object = getattr(cluster.log, "path", None)
    size = 0
    files = (path, path.with_name(path.name + "-wal")) if isinstance(path, Path) else ()
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def rendered(families: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """-> (text, media type); with what the process itself and the interpreter say."""
    from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, CollectorRegistry, ProcessCollector, exposition

    registry = CollectorRegistry()
    registry.register(_Families(families))
    ProcessCollector(registry=registry)
    registry.register(PLATFORM_COLLECTOR)
    registry.register(GC_COLLECTOR)
    encode, media = exposition.choose_encoder(accept)
    return encode(registry), media


class _Families:
    """A Collector of prometheus-client."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = list(families)

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
        for family in self._families:
            made: Any = kinds[family.kind](family.name, family.help, labels=family.labels)
            for labels, value in family.rows:
                if isinstance(value, Histogram):
                    made.add_metric(labels, buckets=list(value.cumulative()), sum_value=value.sum)
                else:
                    made.add_metric(labels, value)
            yield made
