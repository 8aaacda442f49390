"""A data directory without cluster.json is the cluster that its log tells of."""

from pathlib import Path

import pytest

from shipslog.engine.begun import known_of
from shipslog.engine.cluster import Cluster
from shipslog.engine.settings import KEPT_IN, BadSettings, kept_in, resolve
from shipslog.store.facts import ClusterConfig
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1

CONFIG = ClusterConfig(
    pod_cidr="10.8.0.0/16", service_cidr="10.9.0.0/16", node_port_first=31000, node_port_last=31999, api_port=7001
)


async def lived(data: Path, nodes: int = 1, config: ClusterConfig = CONFIG) -> None:
    """A cluster of an older version: a log, and nothing beside it that says what it is."""
    async with Cluster.open(data / "cluster.db", config=config, nodes=nodes) as cluster:
        for node in ("node",) if nodes == 1 else [f"node-{i}" for i in range(nodes)]:
            await cluster.wait(core_v1.Node, node, "", until=lambda n: bool(n.status.node_info.container_runtime_version))


async def test_what_the_log_tells_is_taken_and_kept(tmp_path: Path) -> None:
    await lived(tmp_path, config=ClusterConfig())
    await lived(tmp_path)  # the last start counts
    settings = resolve({"data": tmp_path, "bind": "127.0.0.1"})
    assert (settings.node_name, settings.runtime, settings.nodes) == ("node", "simulated", 1)
    assert (settings.pod_cidr, settings.service_cidr) == ("10.8.0.0/16", "10.9.0.0/16")
    assert (settings.node_port_range, settings.port, settings.bind) == ("31000-31999", 7001, "127.0.0.1")
    kept = kept_in(tmp_path)
    assert kept is not None and all(getattr(kept, name) == getattr(settings, name) for name in kept.__struct_fields__)


@pytest.mark.parametrize(
    ("name", "value", "how"),
    [("pod_cidr", "10.7.0.0/16", "cannot change"), ("node_name", "two", "cannot change"), ("port", 7002, "--reconfigure")],
)
async def test_options_that_differ_are_refused(name: str, value: object, how: str, tmp_path: Path) -> None:
    await lived(tmp_path)
    for _ in range(2):
        with pytest.raises(BadSettings, match=rf"--{name.replace('_', '-')} {value}: this cluster has .*{how}"):
            resolve({"data": tmp_path, name: value})
    if how == "--reconfigure":
        assert resolve({"data": tmp_path, name: value}, reconfigure=True).port == value


async def test_several_simulated_nodes(tmp_path: Path) -> None:
    await lived(tmp_path, nodes=3)
    settings = resolve({"data": tmp_path})
    assert (settings.node_name, settings.nodes, settings.runtime) == ("node", 3, "simulated")


async def test_where_nothing_was_begun_nothing_is_known_nor_made(tmp_path: Path) -> None:
    assert resolve({"data": tmp_path / "none", "node_name": "n"}).node_name == "n"
    assert not list(tmp_path.iterdir())
    (tmp_path / "cluster.db").write_text("no log " * 100)
    assert known_of(tmp_path / "cluster.db") == {}
    resolve({"data": tmp_path, "node_name": "n"})
    assert not (tmp_path / KEPT_IN).exists()
    (tmp_path / "cluster.db").unlink()
    async with await SqliteLog.open(tmp_path / "cluster.db"):
        assert known_of(tmp_path / "cluster.db") == {}
