"""Three hundred worlds, each under its own seed. That the checkers would notice: `checkers/test_checkers.py`."""

import re
from collections import Counter
from typing import Any

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.testing.simulation.world import simulate
from shipslog.reconcilers.kubelet import node_lease
from shipslog.store.commands import Delete, Evict
from shipslog.store.refusals import Conflict, Refusal, TooManyRequests

SEEDS = range(1, 301)
AT_ONCE = 8  # in one test: no worker shall wait long for another


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS[::AT_ONCE], ids="{}-".format)
def test_every_seed_comes_out_well(first: int) -> None:
    broken = [said for seed in range(first, first + AT_ONCE) if (said := _broken(seed))]
    assert not broken, "\n".join(broken)


def _broken(seed: int) -> str:
    """ "" when the world came out well, else what broke and how to see it again."""
    try:
        simulate(seed)
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:500]}\n  see it again:  shipslog simulate --seed {seed}"
    return ""


def test_the_same_seed_is_the_same_world() -> None:
    one: list[str] = []
    other: list[str] = []
    assert simulate(3, one.append) == simulate(3, other.append)
    assert one == other and any("crash" in line for line in one)


def test_nodes_whose_leases_are_renewed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the other worlds hardly two nodes have one turn. What retention lets go of here are decisions about several."""
    told, words = list[int](), node_lease._leases

    def noted(count: int) -> str:
        told.append(count)
        return words(count)

    monkeypatch.setattr(node_lease, "TURNS", 1)
    monkeypatch.setattr(node_lease, "_leases", noted)
    for seed in (2, 5, 7):
        simulate(seed)
    assert max(told) > 1


def test_the_power_may_go_while_the_first_batch_is_written() -> None:
    assert simulate(12).events > 0


def test_all_that_can_go_wrong_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that no world has any more would leave its checkers green for ever."""
    happened, submit = Counter[str](), Cluster.submit

    async def noted(self: Cluster, command: Any, **how: Any) -> Any:
        try:
            done = await submit(self, command, **how)
        except Refusal as refusal:
            happened["a budget holds an eviction back"] += isinstance(command, Evict) and isinstance(refusal, TooManyRequests)
            happened[f"{type(command).__name__} of what another client has written"] += isinstance(refusal, Conflict)
            raise
        if isinstance(command, Delete):
            happened["a namespace ends"] += command.resource == "namespaces"
            happened[f"deleted {command.propagation}"] += 1
        return done

    monkeypatch.setattr(Cluster, "submit", noted)
    told: list[str] = []
    snapshots = sum(simulate(seed, told.append).snapshots for seed in (9, 16))
    words = {
        "a node stays away": r" without n\d",
        "a machine reboots": " reboots",
        "a container dies": " of .* dies",
        "a probe fails": "probe of .* says ill",
        "an engine dies": "crash (before|after) ",
        "a write is torn": "the power goes during _",
        "the disk is full": "the disk is full",
        "a command is lost": " lost .*Start",
    }
    happened.update({what: sum(bool(re.search(word, line)) for line in told) for what, word in words.items()})
    overtaken = {f"{command} of what another client has written" for command in ("Update", "Patch")}
    wanted = {*words, *overtaken, "a budget holds an eviction back", "a namespace ends"}
    assert not [what for what in (*wanted, "deleted Foreground", "deleted Orphan") if not happened[what]]
    assert snapshots
