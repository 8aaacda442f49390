"""All the rules that a cluster keeps, each of them loaded: who takes decisions again, or looks at every rule, needs them so. A
cluster begins with `roster.py`.

Tests: tests/reconcilers/rule/test_wakes.py, tests/goldens/test_logs.py
"""

from .roster import ROSTER
from .rule.decision import Reconciler
from .rule.dormant import awake

ALL: tuple[Reconciler, ...] = tuple(awake(rule) for rule in ROSTER)
