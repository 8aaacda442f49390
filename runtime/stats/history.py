"""Two minutes of each subject, in memory: the newest samples, and since when it is there.

Tests: tests/runtime/stats/test_sampler.py
"""

from collections import deque

from .usage import SECOND_NS, Measured, Usage

KEPT_NS = 120 * SECOND_NS


class History:
    """Samples by subject. What was not sampled in a round is forgotten with it: it is gone."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[Usage]] = {}
        self._began: dict[str, int] = {}

    def add(self, subject: str, usage: Usage, began_ns: int) -> None:
        """One more sample of a subject that began then; one that began anew has no past."""
        if self._began.get(subject) != began_ns:
            self._samples[subject], self._began[subject] = deque(), began_ns
        samples = self._samples[subject]
        samples.append(usage)
        while samples[0].at_ns < usage.at_ns - KEPT_NS:
            samples.popleft()

    def keep(self, subjects: set[str]) -> None:
        """Forget all others."""
        for gone in self._samples.keys() - subjects:
            del self._samples[gone], self._began[gone]

    def of(self, subject: str) -> Measured | None:
        samples = self._samples.get(subject)
        return Measured(began_ns=self._began[subject], samples=tuple(samples)) if samples else None
