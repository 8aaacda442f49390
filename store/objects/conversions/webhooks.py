"""Webhook configurations of admissionregistration.k8s.io/v1beta1: with other defaults. Source: those of Kubernetes 1.21.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types.admissionregistration_v1 import MutatingWebhook, ValidatingWebhook

FIELDS: dict[str, str] = {}
TIMEOUT_S = 30


def to_hub(configuration: Any) -> Any:
    """As it is stored."""
    return replace(configuration, webhooks=tuple(_completed(hook) for hook in configuration.webhooks))


def from_hub(configuration: Any) -> Any:
    return configuration


def _completed(hook: MutatingWebhook | ValidatingWebhook) -> MutatingWebhook | ValidatingWebhook:
    """Who does not answer is passed over, and only what is named is meant. What it does besides is unknown there; v1 knows no
    such webhooks, so it is asked as one that does nothing else when nothing is to be done."""
    return replace(
        hook,
        failure_policy=hook.failure_policy or "Ignore",
        match_policy=hook.match_policy or "Exact",
        side_effects=hook.side_effects or "NoneOnDryRun",
        timeout_seconds=TIMEOUT_S if hook.timeout_seconds is None else hook.timeout_seconds,
        admission_review_versions=hook.admission_review_versions or ("v1beta1",),
    )
