"""What the log of a data directory says of its cluster, where nobody has kept it beside the log."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from shipslog.store.facts import ClusterConfig
from shipslog.store.log.sqlite_connection import connect_to_read

STARTED = b'{"type":"EngineStarted",'
RUNTIMES = {"shipslog": "oci", "process": "process", "simulated": "simulated", "": None}  # of others the nodes are `cri`


class _Started(msgspec.Struct):
    config: ClusterConfig


class _Meta(msgspec.Struct):
    name: str


class _Info(msgspec.Struct, rename="camel"):
    container_runtime_version: str = ""


class _Status(msgspec.Struct, rename="camel"):
    node_info: _Info = msgspec.field(default_factory=_Info)


class _Node(msgspec.Struct):
    metadata: _Meta
    status: _Status = msgspec.field(default_factory=_Status)


class _OfNode(msgspec.Struct):
    type: str
    object: _Node


def known_of(path: Path) -> dict[str, Any]:
    """Settings by name, as far as the log at `path` tells; {} where there is none, or it cannot be read.

    Ranges and the API's port are those of the engine that started last; names and runtime those of the nodes that are there."""
    wal = path.with_name(path.name + "-wal")
    try:
        still = not wal.exists() or not wal.stat().st_size
        if not path.exists():
            return {}
        with closing(connect_to_read(path, still=still)) as db:
            started = db.execute(
                "SELECT fact FROM events WHERE object IS NULL AND substr(fact, 1, ?) = ? ORDER BY revision DESC LIMIT 1",
                (len(STARTED), STARTED),
            ).fetchone()
            nodes = db.execute(
                "SELECT fact, max(revision) FROM events WHERE object >= 'nodes//' AND object < 'nodes/0' AND fact IS NOT NULL "
                "GROUP BY object"
            ).fetchall()
        return {**_of_config(started[0] if started else None), **_of_nodes([fact for fact, _ in nodes])}
    except (OSError, sqlite3.Error, msgspec.DecodeError):
        return {}


def _of_config(fact: bytes | None) -> dict[str, Any]:
    if fact is None:
        return {}
    config = msgspec.json.decode(fact, type=_Started).config
    return {
        "service_cidr": config.service_cidr,
        "pod_cidr": config.pod_cidr,
        "port": config.api_port,
        "node_port_range": f"{config.node_port_first}-{config.node_port_last}",
    }


def _of_nodes(facts: list[bytes]) -> dict[str, Any]:
    decoded = [msgspec.json.decode(fact, type=_OfNode) for fact in facts]
    there = sorted((one.object for one in decoded if one.type != "ObjectDeleted"), key=lambda node: node.metadata.name)
    if not there:
        return {}
    names = [node.metadata.name for node in there]
    base = names[0].rpartition("-")[0] if len(names) > 1 else names[0]
    found: dict[str, Any] = {"nodes": len(names)}
    if len(names) == 1 or set(names) == {f"{base}-{i}" for i in range(len(names))}:
        found["node_name"] = base
    runtime = RUNTIMES.get(there[0].status.node_info.container_runtime_version.partition(":")[0], "cri")
    return found if runtime is None else {**found, "runtime": runtime}
