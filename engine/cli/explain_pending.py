"""`shipslog explain-pending POD`: per node, every filter and score, and the smallest changes that would let the pod run.

Tests: tests/engine/cli/test_explain_pending.py
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from shipslog.engine.cli.shared.paint import DIM, Paper, Piece, json_line
from shipslog.engine.cli.shared.source import choose, run, source_options
from shipslog.store.wording import counted

GOOD, BAD, MARK = "green", "red", "bold"
SHOWN_NODES, SHOWN_CHANGES = 50, 3
HEADS = {
    "NodeUnschedulable": "CORDON",
    "TaintToleration": "TAINTS",
    "NodeAffinity": "LABELS",
    "NodePorts": "PORTS",
    "NodeResourcesFit": "RESOURCES",
    "NodeResourcesBalancedAllocation": "BALANCE",
    "VolumeRestrictions": "DISKS",
    "NodeVolumeLimits": "ATTACHABLE",
    "VolumeBinding": "VOLUMES",
    "VolumeZone": "ZONES",
    "DynamicResources": "DEVICES",
    "PodTopologySpread": "SPREAD",
    "InterPodAffinity": "PODS",
    "ImageLocality": "IMAGES",
    "SelectorSpread": "SERVICES",
    "NodeLabel": "LIKED LABELS",
    "CheckNodeLabelPresence": "NEEDED LABELS",
    "CheckServiceAffinity": "SERVICE",
}


@click.command()
@click.argument("pod", metavar="POD")
@click.option("-n", "--namespace", help="Namespace of the pod [default: whatever it is in]")
@click.option("--at", default="", metavar="MOMENT", help="As it was then [default: at the log's end]")
@click.option("--all", "whole", is_flag=True, help=f"All nodes, not only {SHOWN_NODES}.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@source_options
def command(
    pod: str,
    namespace: str | None,
    at: str,
    whole: bool,
    output: str,
    log_file: Path | None,
    kubeconfig: Path | None,
    data: Path,
) -> None:
    """Why a pod waits, or why it runs where it does: what each filter and score of the scheduler made of each node, and the
    smallest changes that would let it run. Of a pod that has a node: as it was when the scheduler chose."""
    from shipslog.engine.chronicle.questions import Placing

    source = choose(log_file, kubeconfig, data)
    paper = Paper()
    name = pod.partition("/")[2] or pod

    async def work() -> None:
        async for found in source.ask(Placing(of=f"pod/{name}", namespace=namespace, at=at)):
            if output == "json":
                click.echo(json_line(found))
            else:
                _print(paper, found, SHOWN_NODES if not whole else len(found.nodes))

    run(work)


def _print(paper: Paper, found: Any, most: int) -> None:
    verdict: Piece = (f"was given {found.node}", GOOD) if found.node else ("waits", BAD)
    if not found.node and found.best:
        verdict = (f"would go to {found.best}", GOOD)
    paper.line([(f"pod {found.namespace}/{found.name} ", MARK), verdict, (f"  (revision {found.revision})", DIM)])
    if found.why:
        paper.line([(found.why, "")])
    fitting = sorted((n for n in found.nodes if not n.filters), key=lambda n: (-n.total, n.name))
    others = sorted((n for n in found.nodes if n.filters), key=lambda n: (len(n.changes), len(n.filters), n.name))
    if fitting:
        paper.line([])
        _scores(paper, found, fitting[:most])
    if others:
        paper.line([])
        _filters(paper, found, others[: max(most - len(fitting), 0)])
    left = len(found.nodes) - min(most, len(found.nodes))
    if left:
        paper.line([(f"{counted(left, 'node more: --all shows it', 'nodes more: --all shows them')}", DIM)])
    if not fitting and others:
        _changes(paper, others)


def _scores(paper: Paper, found: Any, nodes: Sequence[Any]) -> None:
    """The nodes that the pod fits, the best first."""
    names = list(dict.fromkeys(n for node in nodes for n in node.scores))
    head = ["NODE", *(_short(name) for name in names), "TOTAL"]
    rows = [[node.name, *(str(node.scores.get(name, 0)) for name in names), str(node.total)] for node in nodes]
    chosen = found.best or found.node
    _table(paper, head, rows, lambda row, column: GOOD if row[0] == chosen else "", right=True)


def _filters(paper: Paper, found: Any, nodes: Sequence[Any]) -> None:
    """The nodes that the pod does not fit: a mark for each filter, and what those that fail say."""
    names = [name for name in found.filters if any(name in node.filters for node in nodes)]
    head = ["NODE", *(_short(name) for name in names), "WHY"]
    rows = [
        [node.name, *("-" if name in node.filters else "ok" for name in names), "; ".join(node.filters.values())]
        for node in nodes
    ]
    _table(paper, head, rows, lambda row, column: {"ok": GOOD, "-": BAD}.get(row[column], ""))
    rest = [name for name in found.filters if name not in names]
    if rest:
        paper.line([(f"all nodes pass {', '.join(rest)}", DIM)])


def _table(paper: Paper, head: list[str], rows: list[list[str]], style: Any, *, right: bool = False) -> None:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for number, row in enumerate((head, *rows)):
        pieces: list[Piece] = []
        for i, cell in enumerate(row):
            last = i == len(row) - 1
            text = cell.rjust(widths[i]) if right and i else cell if last else cell.ljust(widths[i])
            pieces.append((text + ("" if last else "   "), MARK if not number else style(row, i)))
        paper.line(pieces)


def _changes(paper: Paper, nodes: Sequence[Any]) -> None:
    """What would let it run, the nodes that take the least first."""
    paper.line([])
    paper.line([("it would run if you", MARK)])
    for node in nodes[:SHOWN_CHANGES]:
        for i, change in enumerate(node.changes):
            paper.line([("  - " if not i else "    and ", DIM), (change, "")])


def _short(name: str) -> str:
    """As a column's head."""
    return HEADS.get(name, name.upper())
