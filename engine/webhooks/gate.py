"""The consultant for webhooks while there may be none: what asks them is loaded with the first configuration.

Tests: tests/engine/webhooks/test_admission.py
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shipslog.engine.admission.matching import Asked
from shipslog.engine.commit.outside import Asking
from shipslog.engine.commit.transitions import Evaluation, Wanted
from shipslog.engine.measures import Family
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand, Apply, Patch, Update
from shipslog.store.events import Event
from shipslog.store.objects.scheme import Kind, NotServed, Unconverted
from shipslog.store.state import Entry

if TYPE_CHECKING:
    from .admission import AdmissionWebhooks
    from .conversion import Converter

CONFIGURATIONS = (
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)


class Webhooks:
    """A Consultant: see `commit.outside`."""

    def __init__(self, authorize: Callable[[Any, Any, Any], tuple[bool, str]]) -> None:
        """`authorize`: (who, what is asked, a view) -> whether they may, and why."""
        self._authorize = authorize
        self._asks: AdmissionWebhooks | None = None
        self._converter: Converter | None = None

    @property
    def converter(self) -> "Converter":
        """Who has objects made in other versions of kinds whose definitions name a webhook for that."""
        if self._converter is None:
            from .calling import Caller
            from .conversion import Converter

            self._converter = Converter(Caller())
        return self._converter

    async def convert(self, view: MemoryView, missing: Unconverted) -> Any:
        """An object in a version that only another server can make of it. Errors: Unexpected."""
        return (await self.converter.objects(view, missing.to, [missing.object]))[0]

    def asks(self, view: MemoryView) -> "AdmissionWebhooks | None":
        """Who asks them; None while there are none."""
        if self._asks is None and view.has_any(*CONFIGURATIONS):
            from .admission import AdmissionWebhooks
            from .calling import Caller

            self._asks = AdmissionWebhooks(Caller(), self._authorize, self.convert)
        return self._asks

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable."""
        if self._asks is not None:
            self._asks.on_event(event, entry, previous)

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        asks = self.asks(view)
        return (asks is not None and asks.concerns(command, view, actor)) or _needs_versions(command, view)

    async def change(self, wanted: Wanted, asking: Asking) -> Wanted:
        asks = self.asks(asking.view)
        return await asks.change(wanted, asking) if asks is not None else wanted

    async def check(self, wanted: Wanted, change: Evaluation, asking: Asking) -> None:
        if (asks := self.asks(asking.view)) is not None:
            await asks.check(wanted, change, asking)

    async def mutate(self, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """What is sent with a request that is no command, perhaps changed. Errors: Refusal."""
        asks = self.asks(asking.view)
        return await asks.mutate(asked, kind, asking) if asks is not None else asked.object

    async def validate(self, asked: Asked, kind: Kind, asking: Asking) -> None:
        """Errors: Refusal."""
        if (asks := self.asks(asking.view)) is not None:
            await asks.validate(asked, kind, asking)

    def measured(self) -> tuple[Family, ...]:
        return tuple(self._asks.measured()) if self._asks is not None else ()

    async def close(self) -> None:
        if self._converter is not None:
            await self._converter.close()
        if self._asks is not None:
            await self._asks.close()


def _needs_versions(command: AnyObjectCommand, view: MemoryView) -> bool:
    """Whether a command may need its object in other versions, which another server makes."""
    if not view.scheme.has_foreign or not isinstance(command, Update | Patch | Apply):
        return False
    try:
        resource = command.resource if not isinstance(command, Update) else view.scheme.of(command.object).resource
        return view.scheme.by_resource(resource).is_foreign
    except NotServed:
        return False
