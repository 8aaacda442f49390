"""An operator in kopf on a kind that a definition makes: its handlers, its timer and its finalizer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipslog.store.objects.custom import holds as holding

from .ships import DEFINITION, ship

pytest.importorskip("kopf")
SHIPS = "ships.fleet.example.com"


@pytest.fixture
def operator(served: Any, kubeconfig: Path, tmp_path: Path) -> "Iterator[Path]":
    """-> what it prints. It runs while the test does."""
    served.run(define)
    said = tmp_path / "said"
    command = [
        sys.executable,
        "-m",
        "kopf",
        "run",
        "--standalone",
        "-n",
        "default",
        str(Path(__file__).with_name("operator.py")),
    ]
    with said.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, cwd=tmp_path
        )
        try:
            yield said
        finally:
            process.terminate()
            process.wait(20)


def test_it_keeps_what_it_is_told_of(operator: Path, served: Any) -> None:
    try:
        made = served.run(
            lambda cluster: when(cluster, lambda s: s.get("phase") == "launched with 1" and s.get("ticks", 0) > 1)
        )
        assert made.get("status")["created"] == {"name": "Hansa"}
        assert made.metadata.finalizers, "kopf holds what it has a handler for the end of"
        served.run(resize)
        served.run(lambda cluster: when(cluster, lambda s: s.get("phase") == "from 1 to 3"))
        served.run(sink)
    except TimeoutError:
        raise AssertionError(operator.read_text()) from None
    assert "sunk one" in operator.read_text()


async def define(cluster: Any) -> None:
    await cluster.create(DEFINITION)
    await cluster.wait("crd", "ships.fleet.example.com", until=lambda crd: holding(crd, "Established"))
    await cluster.create(ship("one"))


async def when(cluster: Any, holds: Any) -> Any:
    return await cluster.wait(SHIPS, "one", until=lambda ship: holds(ship.get("status") or {}))


async def resize(cluster: Any) -> None:
    await cluster.patch(SHIPS, "one", {"spec": {"replicas": 3}}, how="merge")


async def sink(cluster: Any) -> None:
    await cluster.delete(SHIPS, "one")
    await cluster.gone(SHIPS, "one")
