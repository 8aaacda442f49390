"""Makes the jobs of a CronJob at the times of its schedule.

Here: which moments a schedule means, which job is made or let go of, and the status. Not here: what a job does.
"""

from .controller import RECONCILER

__all__ = ["RECONCILER"]
