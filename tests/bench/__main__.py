"""`make bench`: every benchmark, printed as a table and kept in docs/performance.md between its marks."""

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

from . import Row

MODULES = ("api", "pods", "log")
PERFORMANCE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, help="api, pods, log")
    parser.add_argument("--keep", action="store_true", help="write the figures to docs/performance.md")
    options = parser.parse_args()
    rows: list[Row] = []
    for module in options.modules:
        sys.stderr.write(f"measuring {module} ...\n")
        rows += importlib.import_module(f"tests.bench.bench_{module}").measure()
    table = [
        ("what", "figure", "target", "reached", "compared"),
        *(
            (
                r.name,
                f"{number(r.figure)} {r.unit}",
                f"{number(r.target)} {r.unit}" if r.target else "",
                r.reached,
                (f"{number(r.other)} {r.unit}" if r.other else "")
                + (f" ({r.note.removeprefix('compared: ')})" if r.note else ""),
            )
            for r in rows
        ),
    ]
    widths = [max(len(line[i]) for line in table) for i in range(5)]
    lines = ["| " + " | ".join(cell.ljust(widths[i]) for i, cell in enumerate(line)) + " |" for line in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines))
    if options.keep:
        machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
        text = PERFORMANCE.read_text()
        head, tail = text.split(BEGIN)[0], text.split(END)[-1]
        PERFORMANCE.write_text(f"{head}{BEGIN}\nMeasured on: {machine}.\n\n" + "\n".join(lines) + f"\n{END}{tail}")


main()
