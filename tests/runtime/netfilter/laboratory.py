"""A small network of real namespaces: a client outside, a node, and pods on the node's bridge. Sockets are real.

A socket stays in the namespace where it was made, so a thread that enters a namespace only to make one is enough: the test
talks from anywhere without a process for each peer.
"""

import contextlib
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from shipslog.runtime.netfilter.libnftables import enter_namespace

T = TypeVar("T")
SERVICE_CIDR, POD_CIDR = "10.96.0.0/16", "10.244.0.0/16"
NODE, NODE_BRIDGE, CLIENT = "192.168.77.1", "10.244.0.1", "192.168.77.2"
SERVICE_CIDR_6, POD_CIDR_6 = "fd00:96::/112", "fd00:244::/64"
NODE_6, NODE_BRIDGE_6, CLIENT_6 = "fd77::1", "fd00:244::1", "fd77::2"


def run(*argv: str, stdin: str = "") -> str:
    """The output of a command. Errors: AssertionError with what it said."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def inside(namespace: str, call: Callable[[], T]) -> T:
    """What `call` returns in a thread that has entered the namespace."""
    result: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            enter_namespace(namespace)
            result.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


class Laboratory:
    """Namespaces `client`, `node`, `pod1`.. `podN`; pod N has the address 10.244.0.(N+1). `routed`: pods reach each other
    through the node only, as real ones do."""

    def __init__(self, pods: int = 3, *, routed: bool = False) -> None:
        self.routed = routed
        self.mark = secrets.token_hex(3)
        self.pods = pods
        self.open = contextlib.ExitStack()
        self.stop = threading.Event()

    def ns(self, name: str) -> str:
        return f"slt{self.mark}{name}"

    def pod(self, number: int) -> str:
        return f"10.244.0.{number + 1}"

    def pod_6(self, number: int) -> str:
        return f"fd00:244::{number + 1:x}"

    def add_ipv6(self) -> None:
        """Everybody has an address of the other family too. Once."""
        node = self.ns("node")
        lines = [
            f"addr add {NODE_6}/64 dev out nodad",
            f"addr add {NODE_BRIDGE_6}/64 dev br0 nodad",
            f"route add {SERVICE_CIDR_6} dev br0",
        ]
        run("ip", "-6", "-n", node, "-batch", "-", stdin="\n".join(lines))
        run("ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        pods = [(f"pod{n}", self.pod_6(n), NODE_BRIDGE_6) for n in range(1, self.pods + 1)]
        for name, address, gateway in [("client", CLIENT_6, NODE_6), *pods]:
            lines = [f"addr add {address}/64 dev eth0 nodad", f"route add default via {gateway} dev eth0"]
            run("ip", "-6", "-n", self.ns(name), "-batch", "-", stdin="\n".join(lines))

    def build(self) -> None:
        """Make it all; what is half made is removed by `remove`."""
        names = ["client", "node", *(f"pod{n}" for n in range(1, self.pods + 1))]
        for name in names:
            run("ip", "netns", "add", self.ns(name))
            run("ip", "-n", self.ns(name), "link", "set", "lo", "up")
        node = self.ns("node")
        run(
            "ip",
            "-n",
            node,
            "-batch",
            "-",
            stdin="\n".join(
                [
                    f"link add out type veth peer name eth0 netns {self.ns('client')}",
                    f"addr add {NODE}/24 dev out",
                    "link set out up",
                    "link add br0 type bridge",
                    f"addr add {NODE_BRIDGE}/24 dev br0",
                    "link set br0 up",
                    f"route add {SERVICE_CIDR} dev br0",
                    *(
                        line
                        for n in range(1, self.pods + 1)
                        for line in (
                            f"link add p{n} type veth peer name eth0 netns {self.ns(f'pod{n}')}",
                            f"link set p{n} master br0 up",
                            f"link set p{n} type bridge_slave hairpin on",
                        )
                    ),
                ]
            ),
        )
        run("ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv4.ip_forward=1", *(
            f"net.ipv4.conf.{device}.send_redirects=0" for device in ("all", "br0")))  # fmt: skip
        self._address("client", f"{CLIENT}/24", NODE)
        for n in range(1, self.pods + 1):
            self._address(f"pod{n}", f"{self.pod(n)}/{32 if self.routed else 24}", NODE_BRIDGE)

    def _address(self, name: str, address: str, gateway: str) -> None:
        lines = [f"addr add {address} dev eth0", "link set eth0 up", f"route add default via {gateway} dev eth0 onlink"]
        run("ip", "-n", self.ns(name), "-batch", "-", stdin="\n".join(lines))

    def remove(self) -> None:
        """Nothing of it is left."""
        self.stop.set()
        self.open.close()
        for name in ["client", *(f"pod{n}" for n in range(1, self.pods + 1)), "node"]:
            subprocess.run(["ip", "netns", "del", self.ns(name)], capture_output=True, check=False)

    def make(self, name: str, kind: int = socket.SOCK_STREAM, protocol: int = 0, host: str = "") -> socket.socket:
        """`host`: of the family of this address."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return inside(self.ns(name), lambda: socket.socket(family, kind, protocol))

    # --- servers: each answers with who it is and whom it sees ---

    def serve_tcp(self, name: str, port: int, host: str = "0.0.0.0") -> None:
        listener = self.make(name, host=host)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
        self.open.callback(listener.close)
        self.open.callback(lambda: _shut(listener))

        def talk(connection: socket.socket, peer: str) -> None:
            with connection, contextlib.suppress(OSError):
                while data := connection.recv(1024):
                    connection.sendall(f"{name} {peer} {data.decode()}\n".encode())

        def accept() -> None:
            while not self.stop.is_set():
                try:
                    connection, peer = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection, peer[0]), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def serve_udp(self, name: str, port: int, host: str = "0.0.0.0") -> None:
        server = self.make(name, socket.SOCK_DGRAM, host=host)
        server.bind((host, port))
        self.open.callback(server.close)
        self.open.callback(lambda: _shut(server))

        def answer() -> None:
            while not self.stop.is_set():
                try:
                    data, peer = server.recvfrom(1024)
                    if not data:  # shut down
                        return
                    server.sendto(f"{name} {peer[0]} {data.decode()}\n".encode(), peer)
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()

    # --- clients ---

    def connect(self, name: str, host: str, port: int, *, source: str = "", timeout_s: float = 3.0) -> socket.socket:
        client = self.make(name, host=host)
        client.settimeout(timeout_s)
        try:
            if source:
                client.bind((source, 0))
            client.connect((host, port))
        except BaseException:
            client.close()
            raise
        return client

    def ask(self, name: str, host: str, port: int, *, source: str = "", timeout_s: float = 3.0) -> tuple[str, str]:
        """(who answered, whom it saw) over TCP."""
        with self.connect(name, host, port, source=source, timeout_s=timeout_s) as client:
            return said(client)

    def ask_udp(self, name: str, host: str, port: int, *, timeout_s: float = 3.0) -> tuple[str, str]:
        with self.make(name, socket.SOCK_DGRAM, host=host) as client:
            client.settimeout(timeout_s)
            client.connect((host, port))  # so that a refusal by ICMP reaches us
            client.send(b"hello")
            who, peer, _ = client.recv(1024).decode().split()
            return who, peer


def said(client: socket.socket) -> tuple[str, str]:
    """Ask over an open connection. -> (who answered, whom it saw)"""
    client.sendall(b"hello")
    who, peer, _ = client.recv(1024).decode().split()
    return who, peer


def _shut(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def laboratory(pods: int = 3, *, routed: bool = False) -> Iterator[Laboratory]:
    lab = Laboratory(pods, routed=routed)
    try:
        lab.build()
        yield lab
    finally:
        lab.remove()
