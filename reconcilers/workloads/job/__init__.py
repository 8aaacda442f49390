"""Runs the pods of a Job until so many of them have ended well, or it is to be given up.

Here: what a Job's pods come to, what its policies make of them, which pods it makes, and its status.
Not here: when jobs are made (cron jobs), what a pod does.
"""

from .controller import RECONCILER

__all__ = ["RECONCILER"]
