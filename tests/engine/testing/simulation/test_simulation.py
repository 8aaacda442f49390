"""Two hundred worlds, each under its own seed. That the checkers would notice: `checkers/test_checkers.py`."""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from shipslog.engine.testing.simulation.world import simulate

SEEDS = 200


def _quietly(seed: int) -> str:
    """ "" when the world came out well, else what broke and how to see it again."""
    try:
        simulate(seed)
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:500]}\n  see it again:  shipslog simulate --seed {seed}"
    return ""


@pytest.mark.slow
def test_every_seed_comes_out_well() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        broken = [said for said in pool.map(_quietly, range(1, SEEDS + 1), chunksize=10) if said]
    assert not broken, "\n".join(broken)


def test_the_same_seed_is_the_same_world() -> None:
    one: list[str] = []
    other: list[str] = []
    assert simulate(7, one.append) == simulate(7, other.append)
    assert one == other and any("crash" in line for line in one)


def test_the_power_may_go_while_the_first_batch_is_written() -> None:
    assert simulate(12).events > 0
