"""/metrics: in Prometheus' words, under Kubernetes' names, for who may; and what it says is what happened."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shipslog.engine.api.connection.server import ApiServer
from shipslog.engine.api.server_info.documents import GIT_VERSION
from shipslog.engine.auth import certificates
from shipslog.engine.cluster import Cluster
from shipslog.engine.measures import Histogram
from shipslog.engine.past.replay import Recording
from shipslog.engine.past.views import view_at
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client
from tests.logs import capture_logs

Found = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[Client]:
    """The administrator of a cluster on disk, with all its rules at work."""
    pki = certificates.ensure(tmp_path / "pki")
    async with Cluster.open(tmp_path / "cluster.db", nodes=2) as cluster:
        server = ApiServer(cluster, pki=pki, data=tmp_path, port=0)
        await server.start()
        api = Api(cluster, server, pki, tmp_path)
        try:
            yield api.client(certificate=True)
        finally:
            await api.close()
            await server.stop()


async def scraped(client: Client) -> Found:
    code, text = await client.call("GET", "/metrics")
    assert code == 200, text
    found: Found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(found: Found, metric: str, **labels: str) -> float:
    """The one sample that has these labels, or 0."""
    (seen,) = [v for own, v in found.get(metric, []) if labels.items() <= own.items()] or [0.0]
    return seen


async def test_what_happened_is_counted_under_the_names_that_people_know(busy: Client) -> None:
    for number in range(3):
        await busy.config_map(f"c{number}")
    await busy.call("GET", f"{CONFIG_MAPS}/c0")
    await busy.call("GET", CONFIG_MAPS)
    await busy.call("GET", f"{CONFIG_MAPS}/nobody")
    watch = await busy.stream(f"{CONFIG_MAPS}?watch=1")
    found = await scraped(busy)
    of_maps = {"resource": "configmaps", "group": "", "version": "v1", "component": "apiserver"}
    assert value(found, "apiserver_request_total", verb="POST", code="201", scope="resource", **of_maps) == 3
    assert value(found, "apiserver_request_total", verb="GET", code="200", scope="resource", **of_maps) == 1
    assert value(found, "apiserver_request_total", verb="GET", code="404", scope="resource", **of_maps) == 1
    assert value(found, "apiserver_request_total", verb="LIST", code="200", scope="namespace", **of_maps) == 1
    assert value(found, "apiserver_request_duration_seconds_count", verb="GET", **of_maps) == 2
    assert value(found, "apiserver_request_duration_seconds_bucket", verb="POST", le="60.0", **of_maps) == 3
    assert value(found, "apiserver_longrunning_requests", verb="WATCH", **of_maps) == 1
    assert value(found, "apiserver_current_inflight_requests", request_kind="readOnly") == 1, "the one that asks"
    assert value(found, "apiserver_storage_objects", resource="nodes") == 2
    assert value(found, "etcd_db_total_size_in_bytes") > 4096 and value(found, "process_resident_memory_bytes") > 1 << 20
    assert value(found, "kubernetes_build_info", git_version=GIT_VERSION) == 1
    assert value(found, "workqueue_adds_total", name="node") > 0
    assert value(found, "workqueue_work_duration_seconds_count", name="node") > 0
    assert value(found, "workqueue_queue_duration_seconds_count", name="node") > 0
    assert value(found, "shipslog_decisions_total", rule="node") >= 2
    assert value(found, "shipslog_watchers") == 1
    revision = value(found, "shipslog_revision")
    assert revision == value(found, "shipslog_events_total"), "a new log: all of it was written since"
    assert value(found, "shipslog_append_duration_seconds_count") == value(found, "shipslog_batch_events_count") > 0
    watch.close()
    while value(found, "apiserver_longrunning_requests", verb="WATCH", **of_maps):
        await asyncio.sleep(0.01)
        found = await scraped(busy)
    assert value(found, "apiserver_request_total", verb="WATCH", code="200", **of_maps) == 1


async def test_only_who_may_reads_it(api: Api) -> None:
    assert (await api.client().call("GET", "/metrics"))[0] == 401
    admin = api.client(certificate=True)
    for group, code in (("system:monitoring", 200), ("system:authenticated", 403)):
        headers = {"Impersonate-User": "prometheus", "Impersonate-Group": group}
        found, text = await admin.call("GET", "/metrics", headers=headers)
        assert found == code, text
    assert (await admin.call("POST", "/metrics"))[0] in (404, 405)


async def test_the_newer_format_is_spoken_too(admin: Client) -> None:
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    _, text, headers = await admin.full("GET", "/metrics", headers=accept)
    assert headers["Content-Type"].startswith("application/openmetrics-text") and text.endswith("# EOF\n")


async def test_nobody_makes_it_grow_by_asking_for_what_there_is_not(api: Api, admin: Client) -> None:
    for number in range(50):
        await admin.call("GET", f"/apis/group{number}/v1/things{number}")
        await admin.call("GET", f"/nothing/{number}")
    names = {labels for labels, _, _ in api.server.handler.requests.series()}
    assert len(names) <= 4
    assert len(api.server.handler.requests.taken) <= 4


async def test_a_log_in_memory_has_no_size(admin: Client) -> None:
    found = await scraped(admin)
    assert "shipslog_revision" in found and "etcd_db_total_size_in_bytes" not in found


async def test_a_recording_has_those_that_make_sense(api: Api, admin: Client, tmp_path: Path) -> None:
    await admin.config_map("c")
    log = api.cluster.log
    recording = Recording(log, await view_at(log, log.revision))
    server = ApiServer(recording, pki=api.pki, data=tmp_path, port=0)
    await server.start()
    try:
        reader = Client(f"https://127.0.0.1:{server.port}", admin.session, admin.tls)
        found = await scraped(reader)
        assert value(found, "apiserver_storage_objects", resource="configmaps") >= 1
        assert value(found, "shipslog_revision") == log.revision and "workqueue_depth" not in found
        code, text = await reader.call("GET", "/readyz?verbose")
        assert code == 200 and "[+]informer-sync ok" in text
    finally:
        await server.stop()


async def test_a_slow_request_is_told_with_who_asked_for_what(api: Api, admin: Client) -> None:
    api.server.handler.requests.slow_s = 0.0
    with capture_logs() as lines:
        await admin.call("GET", f"{CONFIG_MAPS}?labelSelector=a%3Db", headers={"User-Agent": "curious/1"})
        watch = await admin.stream(f"{CONFIG_MAPS}?watch=1")
        watch.close()
    (line,) = [line for line in lines if line["event"] == "slow_request"]
    assert line["user"] == "system:admin" and line["user_agent"] == "curious/1" and line["code"] == 200
    assert line["path"].startswith(CONFIG_MAPS) and line["took_s"] >= 0 and line["method"] == "GET"


def test_it_costs_nothing_until_somebody_asks() -> None:
    code = (
        "import sys, shipslog.engine.daemon, shipslog.engine.api.connection.handler, shipslog.engine.cluster\n"
        "print('prometheus_client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_histogram_counts_what_is_at_most_each_bound() -> None:
    seen = Histogram((1.0, 2.0))
    for number in (0.5, 1.0, 1.5, 9.0):
        seen.observe(number)
    assert list(seen.cumulative()) == [("1.0", 2), ("2.0", 3), ("+Inf", 4)] and seen.sum == 12.0 and seen.count == 4
    other = seen.copy()
    other.add(seen)
    assert (other.count, seen.count) == (8, 4)


async def test_a_client_that_goes_counts_as_that(api: Api, admin: Client) -> None:
    started, let = asyncio.Event(), asyncio.Event()

    async def before(_: object) -> None:
        started.set()
        await let.wait()

    api.server.handler.before = before
    asking = asyncio.create_task(admin.call("GET", CONFIG_MAPS))
    await started.wait()
    assert api.server.handler.requests.inflight() == (1, 0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    async with asyncio.timeout(10):
        while not api.server.handler.requests.aborted:
            await asyncio.sleep(0.01)
    assert api.server.handler.requests.inflight() == (0, 0)
    assert not list(api.server.handler.requests.series())
