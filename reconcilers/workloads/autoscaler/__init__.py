"""How many replicas something has, by what is measured of its pods.

What was measured is no object: the engine's reader (engine/host/metrics_reader.py) records an observation when it would change
what is decided or shown (MetricsObserved), and `decide` works on what was recorded. Source: Kubernetes' autoscaler.
"""

from .controller import RECONCILER

__all__ = ["RECONCILER"]
