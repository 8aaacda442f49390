"""A consultant that is loaded with the first thing that there is to be asked: a cluster that has none does not hold it.

Tests: tests/engine/webhooks/test_admission.py, tests/engine/policies/test_policies.py
"""

from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar

from shipslog.engine.admission.matching import Asked
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.objects.scheme import Kind
from shipslog.store.state import Entry

from .outside import Asking, Consultant
from .transitions import Evaluation, Wanted


class Loaded(Consultant, Protocol):
    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable."""

    async def close(self) -> None: ...


One = TypeVar("One", bound=Loaded)


class Latent(ABC, Generic[One]):
    """A Consultant: see `outside`. `named_by`: the kinds whose objects say what is asked."""

    named_by: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._asks: One | None = None

    @abstractmethod
    def load(self) -> One:
        """Who asks."""

    def asks(self, view: MemoryView) -> One | None:
        """Who asks; None while there is nothing to be asked."""
        if self._asks is None and view.has_any(*self.named_by):
            self._asks = self.load()
        return self._asks

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
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
        asks = self.asks(asking.view)
        return await asks.mutate(asked, kind, asking) if asks is not None else asked.object

    async def validate(self, asked: Asked, kind: Kind, asking: Asking) -> None:
        if (asks := self.asks(asking.view)) is not None:
            await asks.validate(asked, kind, asking)

    async def close(self) -> None:
        if self._asks is not None:
            await self._asks.close()
