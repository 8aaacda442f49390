"""Change, send, look; for as long as asked."""

import argparse
import asyncio
import gc
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.logs import capture_logs

from .case import CORPUS, Case, corpus
from .mutate import changed
from .seeds import first, seeds
from .world import TOKEN, world

ROUND = 400  # changed requests to one server and one log; what is gone is made again four times
GROWTH = 40_000  # Python objects more than after the second round, at most: what is kept for good grows with every round
TRIES = 1000  # to make a failing case smaller


class Found(AssertionError):
    def __init__(self, case: Case, wrong: str) -> None:
        super().__init__(wrong)
        self.case = case


async def play(cases: list[Case], until: float = float("inf")) -> int:
    """-> how many were sent. Errors: Found; AssertionError for a log that is not what it was."""
    sent = 0
    with capture_logs() as logged, tempfile.TemporaryDirectory(prefix="shipslog-fuzz-") as directory:
        async with world(Path(directory), logged) as served:
            for case in cases:
                if time.monotonic() > until:
                    break
                if wrong := await served.wrong_with(case):
                    raise Found(case, wrong)
                sent += 1
    return sent


async def smallest(case: Case, before: list[Case]) -> Case:
    """The smallest case found that still fails, after those that went before it where it does not fail alone."""
    with capture_logs() as logged, tempfile.TemporaryDirectory(prefix="shipslog-fuzz-") as directory:
        async with world(Path(directory), logged) as served:
            for earlier in before:
                await served.wrong_with(earlier)
            parts, tries = 2, 0
            while parts <= max(len(case.body), len(case.target), 2) and tries < TRIES:
                for smaller in case.smaller(parts):
                    tries += 1
                    if await served.wrong_with(smaller):
                        case = smaller
                        break
                    if tries >= TRIES:
                        break
                else:
                    parts *= 2
    return case


async def fuzz(seed: int, seconds: float) -> str:
    """-> what was done. Errors: Found, AssertionError."""
    rng, began = random.Random(seed), time.monotonic()
    until = began + seconds
    named = corpus()
    good = seeds(TOKEN.encode()) + list(named.values())
    sent, rounds, count = await play([*first(), *named.values()]), 0, 0
    while time.monotonic() < until:
        cases = [
            case for _ in range(4) for case in (*first(), *(changed(rng.choice(good), good, rng) for _ in range(ROUND // 4)))
        ]
        try:
            sent += await play(cases, until)
        except Found as found:
            at = next(i for i, case in enumerate(cases) if case is found.case)
            raise Found(await smallest(found.case, cases[:at]), str(found)) from found
        rounds += 1
        gc.collect()
        alive = len(gc.get_objects())
        if rounds <= 2:
            count = alive
        elif alive > count + GROWTH:
            raise AssertionError(f"{alive - count} more Python objects are alive than after the second round")
        print(f"{time.monotonic() - began:.0f} s: round {rounds}, {sent} requests, {alive} objects alive", flush=True)
    return f"{sent} requests in {rounds} rounds, nothing was wrong ({time.monotonic() - began:.1f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    try:
        print(asyncio.run(fuzz(asked.seed, asked.seconds)))
    except AssertionError as error:
        print(f"BROKEN  {error}\n  see it again:  python -m tests.fuzz --seed {asked.seed} --seconds {asked.seconds:g}")
        if isinstance(error, Found):
            path = CORPUS.parent / "found"
            path.write_bytes(error.case.text())
            print(f"  the smallest case, in {path.name}; name it and keep it in corpus/:\n{error.case.text()!r}")
        sys.exit(1)


if __name__ == "__main__":
    main()
