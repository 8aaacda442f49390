"""Keeps a pod of a DaemonSet on each node that it is meant for.

Here: which nodes those are, which pods are made and deleted, how a new template comes to all of them, and the status. Not here:
binding, which the scheduler does: the pod's affinity names its node.
"""

from .controller import RECONCILER

__all__ = ["RECONCILER"]
