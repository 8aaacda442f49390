"""More rules of the cluster itself."""

from shipslog.reconcilers.rule.decision import Reconciler

from . import certificate_requests

RULES: tuple[Reconciler, ...] = (
    certificate_requests.APPROVER,
    certificate_requests.CLEANER,
)
