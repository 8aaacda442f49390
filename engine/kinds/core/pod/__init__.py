"""Pods: what a creator may set and what the cluster adds, what may change, how they are bound, evicted and deleted.

What templates share with them is in `kinds/pod_spec/`.
"""

from .strategy import PodStrategy

STRATEGY = PodStrategy()
