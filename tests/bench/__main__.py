"""`make bench`: benchmarks, a table each, printed and kept in docs/performance.md between its marks.

    python -m tests.bench [--keep] [api writes lists watches custom pods log scheduler nodes workloads services scale]

Without names those that take a few minutes together. `scale` takes some more, and 2 GB of memory."""

import argparse
import compileall
import importlib
import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import Row

MODULES = ("api", "writes", "lists", "watches", "custom", "pods", "log", "scheduler", "nodes", "workloads", "services")
ROOT = Path(__file__).parents[2]
PERFORMANCE = ROOT / "docs" / "performance.md"
ROOMS = ("engine", "reconcilers", "store", "runtime", "shipslog")
CALLS = 1_000_000
HEADS = ("what", "figure", "in CPU time", "target", "reached", "compared")


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(row: Row) -> tuple[str, ...]:
    compared = f"{number(row.other)} {row.unit}" if row.other else ""
    return (
        row.name,
        f"{number(row.figure)} {row.unit}",
        f"{number(row.cpu)} {row.unit}" if row.cpu is not None else "",
        f"{number(row.target)} {row.unit}" if row.target else "",
        row.reached,
        f"{compared} ({row.note.removeprefix('compared: ')})".strip() if row.note else compared,
    )


def table(rows: Sequence[Row]) -> str:
    """Without the columns in which nothing stands."""
    full = [HEADS, *map(cells, rows)]
    kept = [i for i in range(len(HEADS)) if any(line[i] for line in full[1:])]
    widths = {i: max(len(line[i]) for line in full) for i in kept}
    lines = ["| " + " | ".join(line[i].ljust(widths[i]) for i in kept) + " |" for line in full]
    lines.insert(1, "|" + "|".join("-" * (widths[i] + 2) for i in kept) + "|")
    return "\n".join(lines)


def short(rows: Sequence[Row]) -> str:
    """Where the time goes in what is not reached."""
    lines = [f"- {row.name}: {row.where}" for row in rows if row.reached == "no" and row.where]
    return "\n\nWhere the daemon's time goes in what is not reached:\n\n" + "\n".join(lines) if lines else ""


def load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


def speed() -> str:
    """How fast the interpreter is on this machine at the moment: by that figures of two machines are set against each other."""

    def nothing() -> None:
        return None

    def took_s() -> float:
        began_s = time.thread_time()
        for _ in range(CALLS):
            nothing()
        return time.thread_time() - began_s

    return f"{CALLS / min(took_s() for _ in range(5)) / 1e6:.1f} million calls of a function a second"


def keep(name: str, text: str) -> None:
    """Write it between the marks of its name. Errors: ValueError where there are none."""
    begin, end = f"<!-- figures: {name} -->", f"<!-- end of figures: {name} -->"
    page = PERFORMANCE.read_text()
    if begin not in page or end not in page:
        raise ValueError(f"docs/performance.md has no place for {name}: {begin} and {end}")
    place = re.escape(begin) + ".*?" + re.escape(end)
    PERFORMANCE.write_text(re.sub(place, lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "modules", nargs="*", default=MODULES, metavar="NAME", help=f"{', '.join(MODULES)}, node, proxy, scale, dns, floor"
    )
    parser.add_argument("--keep", action="store_true", help="write the figures to docs/performance.md")
    options = parser.parse_args()
    machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    for room in ROOMS:  # as an installed one is, also where the environment says that nobody shall write it
        compileall.compile_dir(ROOT / room, quiet=1)
    for module in options.modules:
        sys.stderr.write(f"measuring {module} ...\n")
        before, fast = load(), speed()
        rows = importlib.import_module(f"tests.bench.bench_{module}").measure()
        state = f"{machine}, {fast}; load (1, 5, 15 minutes) {before} before, {load()} after"
        text = f"Measured on: {state}.\n\n{table(rows)}{short(rows)}"
        print(f"\n{module}. {text}", flush=True)
        if options.keep:
            keep(module, text)


main()
