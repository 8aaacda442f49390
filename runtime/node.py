"""The protocol of a node's runtime: commands in, facts out, and the streams that a person opens into a container.

Tests: tests/runtime/containers/test_contract.py
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from shipslog.store.facts import RuntimeFact
from shipslog.store.state import PodRuntime

from .commands import AnyRuntimeCommand, NetworkPolicyRules, Ruleset
from .network.dial import Ends
from .stats.usage import NodeStats

Report = Callable[[RuntimeFact], None]


class Timer(Protocol):
    """What happens later; it can still be called off."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], object]], Timer]  # so many seconds from now


class RuntimeUnavailable(Exception):
    """The adapter cannot work on this machine; the message says what is missing and how to get it."""


class StreamRefused(Exception):
    """No such container, or it does not run: `code` is the HTTP status to answer with."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class LogOptions(Struct, frozen=True, kw_only=True):
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_ns: int | None = None  # UTC
    until_ns: int | None = None  # UTC; what was written later is left out
    limit_bytes: int | None = None


class Written(NamedTuple):
    """What one start of a container has written: when last, and how many bytes are there of it. `gone`: its container is."""

    namespace: str
    pod: str
    pod_uid: str
    container: str
    attempt: int
    until_ns: int
    size: int
    gone: bool


class ProcessStreams(Protocol):
    """One process that someone talks to (exec or attach)."""

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1 stdout | 2 stderr, data) until the process ends."""

    async def write(self, data: bytes) -> None: ...
    async def close_stdin(self) -> None: ...
    async def resize(self, columns: int, rows: int) -> None: ...
    async def wait(self) -> int:
        """The exit code."""

    async def close(self) -> None:
        """Let go; an exec'd process that still runs is killed, an attached one is not."""


class ByteStream(Protocol):
    """A connection to a port inside a pod."""

    async def read(self, limit: int = 65536) -> bytes:
        """b"" at the end."""

    async def write(self, data: bytes) -> None: ...
    async def close_write(self) -> None: ...
    async def close(self) -> None: ...


class LeftBehind(Exception):
    """Pods were to end, and something of theirs is left on the machine. `left`: what it is and why, a line each."""

    def __init__(self, left: Sequence[str]) -> None:
        self.left = tuple(left)
        super().__init__(f"{len(self.left)} left on the machine: " + "; ".join(self.left))


@runtime_checkable
class LeadsToBridge(Protocol):
    """PacketRules with routes to the pods' bridge."""

    async def bridge_made(self) -> None:
        """The bridge was made anew: what led to it is to lead to it again."""


class PacketRules(Protocol):
    """The packet rules of a node's services: one of runtime.netfilter."""

    async def apply(self, ruleset: Ruleset) -> None: ...
    async def close(self, *, remove: bool) -> None: ...


class TrafficRules(Protocol):
    """The rules for the traffic of a node's pods: one of runtime.netfilter."""

    async def apply(self, policies: NetworkPolicyRules) -> None: ...
    async def close(self, *, remove: bool) -> None: ...


class NodeRuntime(Protocol):
    """One node's hands. `execute` returns the outcome facts of its command; what happens by itself goes to `report`."""

    node: str
    log_directory: str  # where the node's own logs are; "" for none

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        """`known`: all pods that the node may have, also those of which nothing has run yet.

        Prepare the machine, report NodeObserved, adopt what runs: report each difference from `known` (exits that
        happened meanwhile, containers that run and are not known, sandboxes that are gone), and each volume made there that
        holds nothing, then watch on. Errors: RuntimeUnavailable."""

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        """Carry it out, idempotently. Failures come back as facts; only a bug raises."""

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> ProcessStreams: ...

    async def attach(self, pod_uid: str, container: str, *, stdin: bool, tty: bool) -> ProcessStreams: ...

    async def port_forward(self, pod_uid: str, port: int) -> ByteStream: ...

    def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        """What a start of a container wrote, for a while also after its pod is gone. Errors: StreamRefused."""

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        """What there is to read of pods of a name, or of the one with a uid; those that are gone too, in the order of their
        ends."""

    async def connect(self, address: str, port: int, *, tls: bool = False) -> Ends:
        """A connection to what listens on the node or in its pods. `tls`: encrypted, nobody verified. Errors: Unreachable."""

    def stats(self, *, pods: bool = True) -> NodeStats:
        """What its pods and itself have used lately; without its pods for `pods` False. Nothing is measured for it: it may be
        asked often."""

    def troubles(self) -> Sequence[str]:
        """What goes on beside and failed lately, a line each, for anybody to see; () when all is well."""

    async def close(self, *, end_pods: bool = False) -> None:
        """Let go; pods go on running, unless `end_pods`: then nothing of ours is left on the machine.
        Errors: LeftBehind, after all else was let go of."""
