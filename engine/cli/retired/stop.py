"""`shipslog stop`: let an object come to rest, then delete it.

Tests: tests/engine/cli/retired/test_others.py
"""

import time
from pathlib import Path

import click

from shipslog.engine.cli.shared.options import fail
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind

from . import objects
from .objects import Objects, Value, named

POLL_S, SAID_S, TIMEOUT_S = 0.1, 10.0, 300.0
SCALED = ("ReplicationController", "ReplicaSet", "Deployment", "StatefulSet")


@click.command()
@click.argument("what", metavar="[KIND/NAME | KIND [NAME...]]", nargs=-1)
@click.option("-f", "--filename", default="", metavar="FILE", help="What is in a file; - for standard input.")
@click.option("-l", "--selector", default="", metavar="KEY=VALUE,...", help="All of the kind that bear these labels.")
@click.option("--all", "everything", is_flag=True, help="All of the kind.")
@click.option("--grace-period", type=int, default=None, metavar="SECONDS", help="That their pods have to end.")
@objects.options
def command(
    what: tuple[str, ...],
    filename: str,
    selector: str,
    everything: bool,
    grace_period: int | None,
    namespace: str,
    kubeconfig: Path | None,
) -> None:
    """Delete objects in peace: what makes pods is first scaled to none, and waited for."""
    if bool(filename) == bool(what):
        raise fail("name what to stop, as KIND/NAME or KIND NAME, or give -f FILE", 2)
    there = Objects.of(kubeconfig, namespace)

    def work() -> None:
        for kind, name in _meant(there, what, filename, selector, everything):
            stop(there, kind, name, grace_period)
            click.echo(f"{named(kind, name)} deleted")

    objects.reporting(work)


def stop(there: Objects, kind: Kind, name: str, grace_s: int | None) -> None:
    """Errors: Refused, OSError; ValueError when its pods do not go."""
    if kind.kind in SCALED:
        there.patch(kind, name, {"spec": {"replicas": 0}})
        deadline_s, said_s = time.monotonic() + TIMEOUT_S, time.monotonic()
        while (found := there.get(kind, name)) is not None and not _rests(found):
            if time.monotonic() > deadline_s:
                raise ValueError(
                    f"{named(kind, name)} still has pods after {TIMEOUT_S:g} s; it was scaled to 0, and not deleted"
                )
            if time.monotonic() - said_s > SAID_S:
                said_s = time.monotonic()
                click.echo(f"Waiting for {name}: {found.get('status', {}).get('replicas', 0)} pods are left", err=True)
            time.sleep(POLL_S)
    if not there.delete(kind, name, grace_s=grace_s):
        raise ValueError(f"{kind.plural} {name!r} not found in namespace {there.namespace}")


def _rests(controller: Value) -> bool:
    status, generation = controller.get("status", {}), controller["metadata"].get("generation", 0)
    return status.get("observedGeneration", 0) >= generation and not status.get("replicas", 0)


def _meant(there: Objects, what: tuple[str, ...], filename: str, selector: str, everything: bool) -> list[tuple[Kind, str]]:
    if filename:
        return [(kind, value["metadata"]["name"]) for kind, value in objects.read_manifest(filename)]
    if all("/" in word for word in what):
        return [(BUILTIN.named(word.partition("/")[0]), word.partition("/")[2]) for word in what]
    kind = BUILTIN.named(what[0])
    if len(what) > 1:
        return [(kind, name) for name in what[1:]]
    if not selector and not everything:
        raise ValueError(f"name the {kind.plural} to stop, or say which with -l KEY=VALUE or --all")
    pairs = dict(pair.partition("=")[::2] for pair in selector.split(",") if pair)
    return [(kind, value["metadata"]["name"]) for value in there.list(kind, pairs)]
