"""A log of any release opens, is served, goes on, and decides as it did; what one fact is called is fixed for ever."""

import gzip
import ssl
from pathlib import Path
from typing import get_args

import aiohttp
import msgspec
import pytest

from shipslog.engine import replay
from shipslog.engine.api.server import ApiServer
from shipslog.engine.auth import certificates
from shipslog.engine.cluster import Cluster
from shipslog.engine.pasts import load, past
from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.catalogue import ALL
from shipslog.store.events import decode_fact, encode_fact
from shipslog.store.facts import AnyFact
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects import core_v1, meta_v1

HERE = Path(__file__).parent
FACTS = sorted(HERE.glob("facts-*.jsonl"))


@pytest.fixture(params=sorted((HERE / "logs").glob("*.db.gz")), ids=lambda path: path.name.partition(".")[0])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    unpacked = tmp_path / "log.db"
    unpacked.write_bytes(gzip.decompress(request.param.read_bytes()))
    return unpacked


async def test_every_decision_comes_out_as_it_did(path: Path) -> None:
    async with await SqliteLog.open(path, read_only=True) as log:
        verified = await replay.verify(log, ALL)
    assert verified.difference is None, str(verified.difference)
    assert verified.events > 1000


async def test_its_snapshot_is_what_its_events_come_to(path: Path) -> None:
    async with await SqliteLog.open(path, read_only=True) as log:
        saved = await log.load_snapshot()
        assert saved is not None
        view = MemoryView()
        async for events in log.read(0, saved.revision):
            for event in events:
                view.evolve(event)
        restored = snapshots.restore(saved)
        assert {e.object.metadata.name for e in restored.entries("pods")} == {
            e.object.metadata.name for e in view.entries("pods")
        }
        assert (await load(log)).revision == log.revision > saved.revision


async def test_it_is_served(path: Path, tmp_path: Path) -> None:
    pki = certificates.ensure(tmp_path / "pki")
    async with await SqliteLog.open(path, read_only=True) as log:
        server = ApiServer(replay.Recording(log, await past(log, log.revision)), pki=pki, data=tmp_path, port=0)
        await server.start()
        context = ssl.create_default_context(cafile=pki.directory / "ca.crt")
        context.load_cert_chain(pki.directory / "admin.crt", pki.directory / "admin.key")
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
                for where in ("", "/at/rev/400"):
                    async with session.get(f"https://127.0.0.1:{server.port}{where}/api/v1/pods") as response:
                        pods = (await response.json())["items"]
                        assert response.status == 200 and pods and all(pod["metadata"]["uid"] for pod in pods)
        finally:
            await server.stop()


async def test_it_goes_on(path: Path) -> None:
    async with Cluster.open(path) as cluster:
        before = cluster.view.revision
        await cluster.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="new", namespace="default")))
        assert cluster.view.revision > before
    async with await SqliteLog.open(path) as log:
        await log.verify()


@pytest.mark.parametrize("frozen", FACTS, ids=lambda path: path.stem)
def test_tags_and_fields_of_facts_are_as_they_were(frozen: Path) -> None:
    """A renamed type or field leaves logs unreadable: give the new name a new type, and an upcaster for the old one."""
    for line in frozen.read_bytes().splitlines():
        fact = decode_fact(line)
        assert msgspec.json.decode(line).items() <= msgspec.json.decode(encode_fact(fact)).items(), f"read otherwise: {line!r}"


def test_every_fact_is_frozen_with_all_its_fields() -> None:
    """A new fact, a new field: add its line to the newest list, so that it is kept from then on."""
    told = [msgspec.json.decode(line) for line in FACTS[-1].read_bytes().splitlines()]
    assert {fact.pop("type"): set(fact) for fact in told} == {t.__name__: set(t.__struct_fields__) for t in get_args(AnyFact)}
