"""Rules of this room that keep addresses of Services and load balancers, and which traffic of pods is let through.

Tests: tests/reconcilers/rule/test_wakes.py
"""

from shipslog.reconcilers.rule.decision import Reconciler

from . import addresses, load_balancers, network_policy, service_cidrs

RULES: tuple[Reconciler, ...] = (
    service_cidrs.RECONCILER,
    addresses.RECONCILER,
    network_policy.RECONCILER,
    load_balancers.RECONCILER,
)
