"""Mutating webhooks: who may change what is to be done.

Tests: tests/engine/kinds/admissionregistration/test_webhooks.py
"""

from .webhooks import WebhookConfigurationRules


class MutatingWebhookConfigurationRules(WebhookConfigurationRules):
    about = "Says who is asked, and may change it, before something is done."


STRATEGY = MutatingWebhookConfigurationRules()
