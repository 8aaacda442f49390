"""Two hundred worlds, each under its own seed. That the checkers would notice: `checkers/test_checkers.py`."""

import pytest

from shipslog.engine.testing.simulation.world import simulate

SEEDS = range(1, 201)
AT_ONCE = 8  # in one test: `make test` has two workers, and none shall wait long for the other


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
    assert simulate(7, one.append) == simulate(7, other.append)
    assert one == other and any("crash" in line for line in one)


def test_the_power_may_go_while_the_first_batch_is_written() -> None:
    assert simulate(12).events > 0
