"""The kinds of metrics.k8s.io: what the API measures when it is asked and never stores. Source: k8s.io/metrics, v1beta1.

Tests: tests/engine/api/unstored/test_pod_and_node_metrics.py
"""

from .scheme import Kind

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
MEASURED = tuple(
    Kind(
        group=GROUP,
        version=VERSION,
        kind=f"{of}Metrics",
        plural=plural,
        singular="",
        namespaced=namespaced,
        type=f"metrics_v1beta1:{of}Metrics",
        verbs=("get", "list"),
    )
    for of, plural, namespaced in (("Node", "nodes", False), ("Pod", "pods", True))
)
_BY_PLURAL = {kind.plural: kind for kind in MEASURED}


def find(group: str, version: str, plural: str) -> Kind | None:
    """The kind of a path."""
    return _BY_PLURAL.get(plural) if (group, version) == (GROUP, VERSION) else None
