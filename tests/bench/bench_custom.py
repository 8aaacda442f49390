"""Custom resources: ten thousand are created, each pruned, defaulted and held to its schema."""

import asyncio
import time
from typing import Any

from tests.e2e.conftest import Cluster

from . import Row, daemon

CLIENTS, OBJECTS = 16, 10_000
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SHIPS = "/apis/bench.example.com/v1/namespaces/default/ships"
TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9-]+$"}
SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["name", "masts", "crew"],
    "properties": {
        "name": TEXT,
        "masts": {"type": "integer", "minimum": 1, "maximum": 7},
        "rig": {"type": "string", "enum": ["barque", "brig", "ship"], "default": "ship"},
        "crew": {
            "type": "array",
            "maxItems": 50,
            "items": {"type": "object", "required": ["name"], "properties": {"name": TEXT, "watch": {"type": "integer"}}},
        },
        "cargo": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    },
}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ships.bench.example.com"},
    "spec": {
        "group": "bench.example.com",
        "scope": "Namespaced",
        "names": {"plural": "ships", "singular": "ship", "kind": "Ship"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC}}},
            }
        ],
    },
}


def measure() -> list[Row]:
    with daemon.cluster("--runtime", "simulated") as (one, _):
        found: list[Row] = daemon.loop_run(_measure(one, daemon.admin_context(one)))
        return found


async def _measure(one: Cluster, context: object) -> list[Row]:
    connections = [await daemon.Connection.open(one.port, context) for _ in range(CLIENTS)]  # type: ignore[arg-type]
    code, said = await connections[0].call("POST", DEFINITIONS, daemon.encoded(DEFINITION))
    assert code == 201, said
    while (await connections[0].call("GET", SHIPS))[0] != 200:
        await asyncio.sleep(0.05)
    crew = [{"name": f"hand-{i}", "watch": i % 2} for i in range(8)]

    async def create(client: int, connection: daemon.Connection) -> None:
        for i in range(client, OBJECTS, CLIENTS):
            spec = {"name": f"ship-{i}", "masts": 3, "crew": crew, "cargo": {"tea": i, "rum": 2}}
            ship = {"apiVersion": "bench.example.com/v1", "kind": "Ship", "metadata": {"name": f"s{i}"}, "spec": spec}
            code, said = await connection.call("POST", SHIPS, daemon.encoded(ship))
            assert code == 201, said

    wrong = {"apiVersion": "bench.example.com/v1", "kind": "Ship", "metadata": {"name": "w"}, "spec": {"name": "W", "masts": 9}}
    code, said = await connections[0].call("POST", SHIPS, daemon.encoded(wrong))
    assert code == 422 and all(f"spec.{field}".encode() in said for field in ("name", "masts", "crew")), said
    spent, begun = daemon.Spent(one), time.perf_counter()
    await asyncio.gather(*(create(i, c) for i, c in enumerate(connections)))
    rate, alone = OBJECTS / (time.perf_counter() - begun), 1e6 / spent.each_us(OBJECTS)
    name = "custom resources created and validated, 16 clients"
    return [Row(name, rate, "/s", 3000, None, cpu=alone, where=spent.where(OBJECTS))]
