"""`python -m tests.simulation --seed N`: one seed with all that goes wrong in it; `--seeds M` for many, in parallel."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from .world import Outcome, simulate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at the same time")
    options = parser.parse_args()
    if options.seeds == 1:
        print(told(simulate(options.seed, print)))
        return
    began, broken = time.monotonic(), 0
    with ProcessPoolExecutor(options.processes) as pool:
        seeds = range(options.seed, options.seed + options.seeds)
        for number, (seed, line, failure) in enumerate(pool.map(attempt, seeds), 1):
            if failure:
                broken += 1
                sys.stderr.write(f"\r\x1b[Kseed {seed}: {failure}\n")
            sys.stderr.write(f"\r[{number}/{options.seeds}] {time.monotonic() - began:5.1f} s  {line}\x1b[K")
    sys.stderr.write(f"\n{broken} of {options.seeds} seeds broke a promise\n")
    sys.exit(1 if broken else 0)


def attempt(seed: int) -> tuple[int, str, str]:
    """-> the seed, what it came to, what broke"""
    try:
        return seed, told(simulate(seed)), ""
    except Exception as error:
        return seed, "", f"{type(error).__name__}: {str(error)[:400]}"


def told(outcome: Outcome) -> str:
    """An outcome in a line."""
    return (
        f"seed {outcome.seed}: {outcome.events} events, {outcome.lives} engines, {outcome.acknowledged} acknowledged, "
        f"{outcome.refused} refused, {outcome.decisions} decisions taken again the same, {outcome.snapshots} snapshots, "
        f"{outcome.virtual_s:.0f} virtual seconds"
    )


if __name__ == "__main__":
    main()
