"""Completion indexes as text: `1,3-5,7`. Source: the JobStatus of Kubernetes' API; three or more in a row are a span."""

from collections.abc import Iterable

from shipslog.store.objects.types import core_v1

INDEX = "batch.kubernetes.io/job-completion-index"


def parse(text: str | None, below: int | None = None) -> frozenset[int]:
    """The indexes that the text names, those under `below` only; what is no number is left out."""
    found: set[int] = set()
    for part in (text or "").split(","):
        first, dash, last = part.partition("-")
        if first.isdecimal() and (last.isdecimal() or not dash):
            end = int(last or first) + 1
            found.update(range(int(first), end if below is None else min(end, below)))
    return frozenset(found)


def text_of(indexes: Iterable[int]) -> str:
    parts: list[str] = []
    run: list[int] = []
    for index in sorted(indexes):
        if run and index != run[-1] + 1:
            parts += _run(run)
            run = []
        run.append(index)
    return ",".join(parts + _run(run))


def _run(run: list[int]) -> list[str]:
    return [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(i) for i in run]


def index_of(pod: core_v1.Pod, completions: int) -> int | None:
    """The pod's completion index; None if it has none, or one that is not wanted any more."""
    text = pod.metadata.annotations.get(INDEX, "")
    return int(text) if text.isascii() and text.isdecimal() and int(text) < completions else None
