"""An operator in kopf on a kind that a definition makes: its handlers, its timer and its finalizer."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shipslog.store.objects.custom import holds as holding

from .ships import DEFINITION, ship

pytest.importorskip("kopf")
SHIPS = "ships.fleet.example.com"


@contextmanager
def running(said: Path, kubeconfig: Path, *options: str) -> "Iterator[subprocess.Popen[bytes]]":
    """The operator, which says what it does in a file."""
    program = str(Path(__file__).with_name("operator.py"))
    command = [sys.executable, "-m", "kopf", "run", *options, "-n", "default", program]
    with said.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, cwd=said.parent
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def operator(served: Any, kubeconfig: Path, tmp_path: Path) -> "Iterator[Path]":
    """-> what it prints. It runs while the test does."""
    served.run(define)
    with running(tmp_path / "said", kubeconfig, "--standalone"):
        yield tmp_path / "said"


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


PEERINGS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "kopfpeerings.kopf.dev"},
    "spec": {
        "group": "kopf.dev",
        "scope": "Namespaced",
        "names": {"kind": "KopfPeering", "plural": "kopfpeerings", "singular": "kopfpeering"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def test_one_pauses_while_another_is_more_important(served: Any, kubeconfig: Path, tmp_path: Path) -> None:
    served.run(define)
    served.run(define_peering)
    peering = ("--peering=fleet", "--verbose")

    def says(said: Path, words: str) -> None:
        until(lambda: words in said.read_text(), f"{words}: {said.read_text()[-3000:]}")

    with running(tmp_path / "mate", kubeconfig, *peering, "--priority=1"):
        says(tmp_path / "mate", "Keep-alive in 'fleet' in 'default': ok")
        with running(tmp_path / "master", kubeconfig, *peering, "--priority=2"):
            says(tmp_path / "mate", "Pausing operations in favour of")
        says(tmp_path / "mate", "Resuming operations after the pause")


async def define_peering(cluster: Any) -> None:
    await cluster.create(PEERINGS)
    await cluster.wait("crd", "kopfpeerings.kopf.dev", until=lambda crd: holding(crd, "Established"))
    await cluster.create({"apiVersion": "kopf.dev/v1", "kind": "KopfPeering", "metadata": {"name": "fleet"}})


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"not within a minute: {what}"
        time.sleep(0.05)


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
