"""Validating webhooks: who may refuse what is to be done.

Tests: tests/engine/kinds/admissionregistration/test_webhooks.py
"""

from .webhooks import WebhookConfigurationRules


class ValidatingWebhookConfigurationRules(WebhookConfigurationRules):
    about = "Says who is asked, and may refuse it, before something is done."


STRATEGY = ValidatingWebhookConfigurationRules()
