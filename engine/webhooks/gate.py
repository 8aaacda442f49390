"""The consultant for webhooks while there may be none: what asks them is loaded with the first configuration.

Tests: tests/engine/webhooks/test_admission.py
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shipslog.engine.commit.lazy_consultant import Latent
from shipslog.engine.measures import Family
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand, Apply, Patch, Update
from shipslog.store.objects.scheme import NotServed, Unconverted

if TYPE_CHECKING:
    from .admission import AdmissionWebhooks
    from .conversion import Converter

CONFIGURATIONS = (
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)


class Webhooks(Latent["AdmissionWebhooks"]):
    """`authorize`: (who, what is asked, a view) -> whether they may, and why."""

    named_by = CONFIGURATIONS

    def __init__(self, authorize: Callable[[Any, Any, Any], tuple[bool, str]]) -> None:
        super().__init__()
        self._authorize = authorize
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

    def load(self) -> "AdmissionWebhooks":
        from .admission import AdmissionWebhooks
        from .calling import Caller

        return AdmissionWebhooks(Caller(), self._authorize, self.convert)

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        return super().concerns(command, view, actor) or _needs_versions(command, view)

    def measured(self) -> tuple[Family, ...]:
        return tuple(self._asks.measured()) if self._asks is not None else ()

    async def close(self) -> None:
        if self._converter is not None:
            await self._converter.close()
        await super().close()


def _needs_versions(command: AnyObjectCommand, view: MemoryView) -> bool:
    """Whether a command may need its object in other versions, which another server makes."""
    if not view.scheme.has_foreign or not isinstance(command, Update | Patch | Apply):
        return False
    try:
        resource = command.resource if not isinstance(command, Update) else view.scheme.of(command.object).resource
        return view.scheme.by_resource(resource).is_foreign
    except NotServed:
        return False
