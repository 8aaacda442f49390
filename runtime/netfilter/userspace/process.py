"""The proxy process: `python -m shipslog.runtime.netfilter.userspace.process DESCRIPTOR` with a socket that daemons connect to.

It stays while daemons come and go, and forgets nothing when one goes: connections through it outlive a restart.

Tests: tests/runtime/netfilter/test_userspace.py
"""

import contextlib
import ipaddress
import os
import resource
import signal
import socket
import sys
import time

import msgspec

from .balance import Balance
from .bounds import Clients, Pipes
from .datagrams import DatagramListener
from .loop import READ, Loop
from .streams import Listener
from .words import VERSION, Reply, Request, Spec, framed, unframed

LOCAL_FOR_S = 1.0  # how long an answer of the kernel holds, whether an address is the machine's


class Places:
    """Whether a client is inside the cluster: a pod, or the node itself."""

    def __init__(self) -> None:
        self.pods: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
        self._known: dict[str, tuple[bool, float]] = {}

    def outside(self, client: str) -> bool:
        address = ipaddress.ip_address(client)
        return not any(address in network for network in self.pods) and not self._is_ours(client)

    def _is_ours(self, client: str) -> bool:
        now = time.monotonic()
        known = self._known.get(client)
        if known is not None and now - known[1] < LOCAL_FOR_S:
            return known[0]
        with socket.socket(socket.AF_INET6 if ":" in client else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((client, 0))
                ours = True
            except OSError:
                ours = False
        if len(self._known) > 4096:
            self._known.clear()
        self._known[client] = ours, now
        return ours


class Process:
    """All listeners, and the daemon that speaks at the moment."""

    def __init__(self, control: socket.socket) -> None:
        self._loop, self._pipes, self._places = Loop(), Pipes(), Places()
        self._clients = Clients(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._listeners: dict[str, Listener | DatagramListener] = {}
        self._leaving: list[Listener] = []  # nobody comes any more, and somebody is still there
        self._retired = False
        control.setblocking(False)
        self._control = control
        self._loop.watch(control.fileno(), READ, self._accept)

    def run(self) -> None:
        self._loop.run()

    def _accept(self, events: int) -> None:
        try:
            daemon, _ = self._control.accept()
        except OSError:
            return
        daemon.settimeout(10.0)  # for what we say; a daemon that does not listen is let go
        buffer = bytearray()
        self._loop.watch(daemon.fileno(), READ, lambda _: self._hear(daemon, buffer))

    def _hear(self, daemon: socket.socket, buffer: bytearray) -> None:
        try:
            data = daemon.recv(1 << 20)
            buffer += data
            while (request := unframed(buffer, Request)) is not None:
                daemon.sendall(framed(self._answer(request)))
        except (OSError, ValueError, msgspec.DecodeError):
            data = b""
        if not data:
            self._loop.forget(daemon.fileno())
            daemon.close()

    def _answer(self, request: Request) -> Reply:
        if request.pods:
            self._places.pods = tuple(ipaddress.ip_network(cidr) for cidr in request.pods)
        failed: dict[str, str] = {}
        for name, spec in request.specs.items():
            try:
                self._put(name, spec)
            except OSError as error:
                failed[name] = str(error)
        gone = request.drop
        if request.retire or request.end:
            gone = tuple(self._listeners)
        elif request.whole:
            gone = tuple(name for name in self._listeners if name not in request.specs)
        for name in gone:
            self._drop(name)
        if request.retire:
            self._retired = True
            self._loop.forget(self._control.fileno())
            self._control.close()
        if request.end:
            self._loop.running = False
        self._ended()
        ports = (
            {name: listener.port for name, listener in self._listeners.items()}
            if request.whole or not request.specs
            else {name: self._listeners[name].port for name in request.specs if name in self._listeners}
        )
        return Reply(version=VERSION, pid=os.getpid(), ports=ports, failed=failed)

    def _put(self, name: str, spec: Spec) -> None:
        held = self._listeners.get(name)
        if held is not None:
            balance = held.balance
            balance.renew(spec)
            held.renew(balance)
            return
        if spec.protocol == "tcp":
            self._listeners[name] = Listener(
                self._loop, self._pipes, self._clients, Balance(spec), self._places.outside, self._ended
            )
        else:
            self._listeners[name] = DatagramListener(self._loop, Balance(spec), self._places.outside)

    def _drop(self, name: str) -> None:
        listener = self._listeners.pop(name, None)
        if listener is None:
            return
        listener.close()
        if isinstance(listener, Listener) and listener.relays:
            self._leaving.append(listener)

    def _ended(self) -> None:
        """A connection ended: of those that are let run out, the last one may have."""
        if self._leaving:
            self._leaving = [listener for listener in self._leaving if listener.relays]
        if self._retired and not self._leaving:
            self._loop.running = False


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGHUP):  # those are for the daemon
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Process(control).run()


if __name__ == "__main__":
    main()
