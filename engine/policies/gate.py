"""The consultant for policies while there may be none: what asks them is loaded with the first binding."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from shipslog.engine.commit.lazy_consultant import Latent
from shipslog.engine.state.view import MemoryView

if TYPE_CHECKING:
    from .consultant import AdmissionPolicies

BINDINGS = (
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
)


class Policies(Latent["AdmissionPolicies"]):
    """`authorize`: (who, what is asked, a view) -> whether they may, and why."""

    named_by = BINDINGS

    def __init__(
        self, authorize: Callable[[Any, Any, Any], tuple[bool, str]], convert: Callable[[MemoryView, Any], Awaitable[Any]]
    ) -> None:
        super().__init__()
        self._authorize, self._convert = authorize, convert

    def load(self) -> "AdmissionPolicies":
        from .consultant import AdmissionPolicies

        return AdmissionPolicies(self._authorize, self._convert)
