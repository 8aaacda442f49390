"""Conditions in CEL by which a webhook is not asked.

Tests: tests/engine/webhooks/test_admission.py
"""

from shipslog.engine.admission.matching import Asked, Place
from shipslog.engine.commit.outside import Asking
from shipslog.store.objects.admissionregistration_v1 import MutatingWebhook, ValidatingWebhook
from shipslog.store.refusals import Forbidden


class Conditions:
    """What each of a webhook's conditions says of a request."""

    def hold(self, webhook: MutatingWebhook | ValidatingWebhook, asked: Asked, place: Place, asking: Asking) -> bool:
        """Whether all of them hold. Errors: Forbidden where one of them cannot be told."""
        raise Forbidden(f'webhook "{webhook.name}" has matchConditions, which cannot be evaluated yet')
