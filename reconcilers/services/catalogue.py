"""Rules of this room that keep addresses of Services.

Tests: tests/reconcilers/rule/test_wakes.py
"""

from shipslog.reconcilers.rule.decision import Reconciler

from . import addresses, service_cidrs

RULES: tuple[Reconciler, ...] = (service_cidrs.RECONCILER, addresses.RECONCILER)
