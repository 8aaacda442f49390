"""The consultant for policies while there may be none: what asks them is loaded with the first binding."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from shipslog.engine.admission.matching import Asked
from shipslog.engine.commit.outside import Asking
from shipslog.engine.commit.transitions import Evaluation, Wanted
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.objects.scheme import Kind
from shipslog.store.state import Entry

if TYPE_CHECKING:
    from .consultant import AdmissionPolicies

BINDINGS = (
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
)


class Policies:
    """A Consultant: see `commit.outside`. `authorize`: (who, what is asked, a view) -> whether they may, and why."""

    def __init__(
        self, authorize: Callable[[Any, Any, Any], tuple[bool, str]], convert: Callable[[MemoryView, Any], Awaitable[Any]]
    ) -> None:
        self._authorize, self._convert = authorize, convert
        self._asks: AdmissionPolicies | None = None

    def asks(self, view: MemoryView) -> "AdmissionPolicies | None":
        """Who asks them; None while there are none."""
        if self._asks is None and view.has_any(*BINDINGS):
            from .consultant import AdmissionPolicies

            self._asks = AdmissionPolicies(self._authorize, self._convert)
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

    async def mutate(self, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """What is sent with a request that is no command (a connection, a token), perhaps changed. Errors: Refusal."""
        asks = self.asks(asking.view)
        return await asks.mutate(asked, kind, asking) if asks is not None else asked.object

    async def validate(self, asked: Asked, kind: Kind, asking: Asking) -> None:
        """Errors: Refusal."""
        if (asks := self.asks(asking.view)) is not None:
            await asks.validate(asked, kind, asking)

    async def close(self) -> None:
        if self._asks is not None:
            await self._asks.close()
