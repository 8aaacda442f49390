"""Mutating webhooks: who may change what is to be done.

Tests: tests/engine/kinds/admissionregistration/test_webhooks.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.store.objects.admissionregistration_v1 import MutatingWebhookConfiguration
from shipslog.store.objects.scheme import Kind

from .webhooks import check_webhooks, default_webhook


class MutatingWebhookConfigurationRules(Strategy):
    about = "Says who is asked, and may change it, before something is done."
    unconditional_update = False
    columns = (NAME, Column("Webhooks", "How many webhooks it has.", "integer"), AGE)

    def cells(self, obj: MutatingWebhookConfiguration, now_ns: int) -> list[Any]:
        return [obj.metadata.name, len(obj.webhooks), age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: MutatingWebhookConfiguration) -> MutatingWebhookConfiguration:
        hooks = tuple(default_webhook(hook) for hook in obj.webhooks)
        hooks = tuple(replace(hook, reinvocation_policy=hook.reinvocation_policy or "Never") for hook in hooks)
        return replace(obj, webhooks=hooks)

    def create(self, kind: Kind, obj: MutatingWebhookConfiguration, ctx: Admission) -> MutatingWebhookConfiguration:
        return replace(obj, metadata=replace(obj.metadata, generation=1))

    def update(
        self, kind: Kind, old: MutatingWebhookConfiguration, new: MutatingWebhookConfiguration, subresource: str, ctx: Admission
    ) -> MutatingWebhookConfiguration:
        generation = generation_after(old, old.webhooks != new.webhooks)
        return replace(new, metadata=replace(new.metadata, generation=generation))

    def check(self, faults: Faults, obj: MutatingWebhookConfiguration) -> None:
        check_webhooks(faults, obj.webhooks)


STRATEGY = MutatingWebhookConfigurationRules()
