"""What `decide` gathers on its way: commands, why containers wait, when to look again, and why.

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from msgspec import Struct, field

from shipslog.reconcilers.rule.decision import Decision, Say, reference
from shipslog.runtime.commands import AnyRuntimeCommand, StartContainer, StopContainer
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.objects.types import core_v1

from .events import killing

FULL_BYTES = 4 * 1024 * 1024  # of environments and arguments in one decision


class PodPlan(Struct):
    """Gathered for one decision; the only thing here that changes."""

    pod: core_v1.Pod
    commands: list[AnyObjectCommand | AnyRuntimeCommand] = field(default_factory=list)
    waiting: dict[str, core_v1.ContainerStateWaiting] = field(default_factory=dict)  # by container
    reasons: list[str] = field(default_factory=list)
    says: list[Say] = field(default_factory=list)
    requeue_after: float | None = None
    started_bytes: int = 0

    def do(self, command: AnyObjectCommand | AnyRuntimeCommand, reason: str) -> None:
        """Issue a command."""
        self.commands.append(command)
        if isinstance(command, StopContainer):
            self.says.append(killing(self.pod, command))
        self.because(reason)

    def start(self, command: StartContainer, size_bytes: int, reason: str) -> None:
        """Issue the start of a container whose environment and arguments take so much."""
        self.started_bytes += size_bytes
        self.do(command, reason)

    @property
    def full(self) -> bool:
        """Whether its starts hold so much that others wait until these have come to something."""
        return self.started_bytes >= FULL_BYTES

    def because(self, reason: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)

    def warn(self, reason: str, message: str) -> None:
        """Tell people what is in the way."""
        node = self.pod.spec.node_name
        self.says.append(Say(about=reference(self.pod), type="Warning", reason=reason, message=message, host=node))
        self.because(f"{reason}: {message}")

    def wait(self, container: str, reason: str, message: str, again_s: float | None = None) -> None:
        """A container waits; look again in so many seconds."""
        self.waiting[container] = core_v1.ContainerStateWaiting(reason=reason, message=message)
        self.because(reason)
        if again_s is not None:
            self.again(again_s)

    def again(self, seconds: float) -> None:
        """Look again in so many seconds, or sooner."""
        self.requeue_after = seconds if self.requeue_after is None else min(self.requeue_after, seconds)

    def starts(self) -> bool:
        """Whether a first start of a container is under way: its outcome will change the status soon."""
        return any(isinstance(c, StartContainer) and c.attempt == 0 for c in self.commands)

    def decision(self, otherwise: str) -> Decision:
        """The decision; `otherwise` is the reason when nothing gave one."""
        return Decision(
            reason="; ".join(self.reasons) or otherwise, commands=tuple(self.commands), requeue_after=self.requeue_after,
            says=tuple(self.says),
        )  # fmt: skip
