"""The consultant for webhooks while there may be none: what asks them is loaded with the first configuration.

Tests: tests/engine/webhooks/test_admission.py
"""

from typing import TYPE_CHECKING

from shipslog.engine.commit.outside import Asking
from shipslog.engine.commit.transitions import Evaluation, Wanted
from shipslog.engine.measures import Family
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.state import Entry

if TYPE_CHECKING:
    from .admission import AdmissionWebhooks

CONFIGURATIONS = (
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)


class Webhooks:
    """A Consultant: see `commit.outside`."""

    def __init__(self) -> None:
        self._asks: AdmissionWebhooks | None = None

    def asks(self, view: MemoryView) -> "AdmissionWebhooks | None":
        """Who asks them; None while there are none."""
        if self._asks is None and any(view.count(resource) for resource in CONFIGURATIONS):
            from .admission import AdmissionWebhooks
            from .calling import Caller

            self._asks = AdmissionWebhooks(Caller())
        return self._asks

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable."""
        if self._asks is not None:
            self._asks.on_event(event, entry, previous)

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        asks = self.asks(view)
        return asks is not None and asks.concerns(command, view, actor)

    async def change(self, wanted: Wanted, asking: Asking) -> Wanted:
        asks = self.asks(asking.view)
        return await asks.change(wanted, asking) if asks is not None else wanted

    async def check(self, wanted: Wanted, change: Evaluation, asking: Asking) -> None:
        if (asks := self.asks(asking.view)) is not None:
            await asks.check(wanted, change, asking)

    def measured(self) -> tuple[Family, ...]:
        return tuple(self._asks.measured()) if self._asks is not None else ()

    async def close(self) -> None:
        if self._asks is not None:
            await self._asks.close()
