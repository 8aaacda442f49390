"""Keeps the pods of a StatefulSet, each with its name and its claims of storage, in their order.

Here: which pod and which claim is made, changed and deleted next, and the status. Not here: volumes for the claims.
"""

from .controller import RECONCILER

__all__ = ["RECONCILER"]
