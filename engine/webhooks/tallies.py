"""What is counted of webhooks, under Kubernetes' names. Source: k8s.io/apiserver/pkg/admission/metrics.

Tests: tests/engine/webhooks/test_admission.py
"""

from collections.abc import Iterator

from shipslog.engine.measures import Family, Histogram

SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0)
SERIES = 4096  # of each name: configurations come and go
BY = ("name", "type", "operation", "rejected")
Key = tuple[str, ...]


class Tallies:
    """By webhook, whether it may change (admit) or refuse (validating), and operation."""

    def __init__(self) -> None:
        self._took: dict[Key, Histogram] = {}
        self._requests: dict[Key, float] = {}
        self._rejections: dict[Key, float] = {}
        self._opened: dict[Key, float] = {}

    def called(self, name: str, sort: str, operation: str, code: int, took_s: float, error: str) -> None:
        """`error`: what the rejection was; "" for none."""
        rejected = "true" if error else "false"
        took = self._took.get(key := (name, sort, operation, rejected))
        if took is None and len(self._took) < SERIES:
            took = self._took[key] = Histogram(SECONDS)
        if took is not None:
            took.observe(took_s)
        _count(self._requests, (name, sort, operation, str(code), rejected))
        if error:
            _count(self._rejections, (name, sort, operation, error, str(code)))

    def failed_open(self, name: str, sort: str) -> None:
        _count(self._opened, (name, sort))

    def families(self) -> Iterator[Family]:
        prefix = "apiserver_admission_webhook"
        help_text = "Seconds until a webhook had answered."
        yield Family(f"{prefix}_admission_duration_seconds", help_text, "histogram", BY, list(self._took.items()))
        help_text, by = (
            "Requests that webhooks were asked about, by the code of the answer.",
            ("name", "type", "operation", "code"),
        )
        yield Family(f"{prefix}_request", help_text, "counter", (*by, "rejected"), list(self._requests.items()))
        help_text, by = "Requests that were refused because of webhooks.", ("name", "type", "operation", "error_type")
        rows = list(self._rejections.items())
        yield Family(f"{prefix}_rejection_count", help_text, "gauge", (*by, "rejection_code"), rows)
        help_text = "Webhooks that could not be asked, which did not matter."
        yield Family(f"{prefix}_fail_open_count", help_text, "gauge", ("name", "type"), list(self._opened.items()))


def _count(counts: dict[Key, float], key: Key) -> None:
    if key in counts or len(counts) < SERIES:
        counts[key] = counts.get(key, 0) + 1
