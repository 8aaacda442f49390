"""`python -m tests.simulation --seed N`: one seed with all that goes wrong in it; `--seeds M` for many."""

import argparse
import sys
import time

import structlog

from .world import simulate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    started = time.monotonic()
    for number, seed in enumerate(range(options.seed, options.seed + options.seeds), 1):
        outcome = simulate(seed, print if options.seeds == 1 else lambda _: None)
        line = f"seed {seed}: {outcome.events} events, {outcome.lives} engines, {outcome.acknowledged} acknowledged, "
        line += f"{outcome.decisions} decisions taken again the same, {outcome.virtual_s:.0f} virtual seconds"
        if options.seeds == 1:
            print(line)
        else:
            sys.stderr.write(f"\r[{number}/{options.seeds}] {time.monotonic() - started:5.1f} s  {line}\x1b[K")
    if options.seeds > 1:
        sys.stderr.write("\n")


main()
