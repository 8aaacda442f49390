"""Server-side apply beside plain updates, in turns on one daemon: what it costs to know who owns which field."""

import asyncio
import time

from tests.e2e.conftest import Cluster

from . import Row, daemon

CLIENTS, OBJECTS, ROUNDS, EACH = 16, 20, 6, 60
MAPS = "/api/v1/namespaces/default/configmaps"
APPLY = "application/apply-patch+yaml"
PADDING = "x" * 400


def measure() -> list[Row]:
    with daemon.cluster("--runtime", "simulated") as (one, _):
        found: list[Row] = daemon.loop_run(_measure(one, daemon.admin_context(one)))
        return found


async def _measure(one: Cluster, context: object) -> list[Row]:
    connections = [await daemon.Connection.open(one.port, context) for _ in range(CLIENTS)]  # type: ignore[arg-type]
    said = 0

    async def write(client: int, connection: daemon.Connection, count: int, *, apply: bool) -> None:
        nonlocal said
        for i in range(count):
            said += 1
            name = f"{'applied' if apply else 'updated'}-{client}-{i % OBJECTS}"
            value = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name},
                "data": {"k": PADDING, "n": str(said)},
            }
            if apply:
                connection.send("PATCH", f"{MAPS}/{name}?fieldManager=bench", daemon.encoded(value), APPLY)
                code, answer = await connection.answer()
            else:
                code, answer = await connection.call("PUT", f"{MAPS}/{name}", daemon.encoded(value))
            assert code in (200, 201), answer

    async def fill(client: int, connection: daemon.Connection) -> None:
        for i in range(OBJECTS):
            body = daemon.encoded({"metadata": {"name": f"updated-{client}-{i}"}, "data": {"k": PADDING}})
            assert (await connection.call("POST", MAPS, body))[0] == 201
        await write(client, connection, OBJECTS, apply=True)

    await asyncio.gather(*(fill(i, c) for i, c in enumerate(connections)))
    took, spent_us, where = {False: 0.0, True: 0.0}, {False: 0.0, True: 0.0}, ""
    for turn in range(2 * ROUNDS):
        apply, spent, begun = bool(turn % 2), daemon.Spent(one), time.perf_counter()
        await asyncio.gather(*(write(i, c, EACH, apply=apply) for i, c in enumerate(connections)))
        took[apply] += time.perf_counter() - begun
        spent_us[apply] += spent.each_us(CLIENTS * EACH) / ROUNDS
        where = spent.where(CLIENTS * EACH) if apply else where
    count = ROUNDS * CLIENTS * EACH
    return [
        Row("update (PUT) of 512 bytes, 16 clients", count / took[False], "/s", None, None, cpu=1e6 / spent_us[False]),
        Row(
            "server-side apply of the same, of its rate",
            took[False] / took[True] * 100,
            "%",
            60,
            None,
            cpu=spent_us[False] / spent_us[True] * 100,
            where=where,
        ),
    ]
